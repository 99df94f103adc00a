"""One proxy's ADS conversation as a state machine: requests in, responses out, no I/O.

It guarantees, per stream: a response is sent only for what the proxy lacks; at most one response
of a type is unanswered; a change goes out in the order clusters, endpoints, secrets, and when all
of these are acknowledged listeners and routes, and clusters are removed last, so nothing ever
refers to what is not there; a resource that the proxy refuses is found by splitting the refused
response, reported, and not sent again until it changes, while everything else proceeds.

Endpoints and secrets do not wait for the clusters' ACK: Envoy gives it only when a new cluster has
both.

A proxy that reconnects says which versions it has and is sent only what differs.

Source: envoyproxy/envoy api xds_protocol.rst, "Incremental xDS" and "Eventual consistency".
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from envoy.config.cluster.v3.cluster_pb2 import Cluster
from envoy.service.discovery.v3.discovery_pb2 import (
    DeltaDiscoveryRequest,
    DeltaDiscoveryResponse,
)
from envoy.service.discovery.v3.discovery_pb2 import Resource as WireResource
from google.protobuf.any_pb2 import Any as PbAny

from hauberk.mesh.origins import Origin
from hauberk.xds.translate.types import CLUSTER, ENDPOINT, LISTENER, ORDER, ROUTE, SECRET, Resource, Resources
from hauberk.xds.vouched import Vouched

SecretLookup: TypeAlias = Callable[[str], Resource | None]
State: TypeAlias = Literal["SYNCED", "STALE", "REJECTED", "NOT SENT"]
WORST_FIRST: tuple[State, ...] = ("NOT SENT", "REJECTED", "STALE")
_WILDCARD = (CLUSTER, LISTENER)
_STAGES = ((CLUSTER, ENDPOINT, SECRET), (LISTENER, ROUTE))
_ABSENT = ""  # the version of "you have been told that there is no such resource"


@dataclass(frozen=True, slots=True)
class Nack:
    """One resource that a proxy refused. It keeps what it had under that name.

    `origins` are the rules that it was made from, `suspects` those of them that no proxy has taken yet.
    """

    proxy: str
    type_url: str
    name: str
    version: str
    message: str
    origins: tuple[Origin, ...] = ()
    suspects: tuple[Origin, ...] = ()


@dataclass(frozen=True, slots=True)
class TypeSync:
    """How far a proxy is with one type of resource."""

    state: State
    wanted: int
    acked: int
    rejected: tuple[str, ...] = ()


@dataclass(slots=True)
class _Channel:
    """What is known of one type on this stream."""

    type_url: str
    subscribed: bool = False
    wildcard: bool = False
    greeted: bool = False  # the first request has been answered, if only with nothing
    names: set[str] = field(default_factory=set)
    known: dict[str, str] = field(default_factory=dict)  # name → version that the proxy has
    rejected: dict[str, str] = field(default_factory=dict)  # name → version that it refused
    suspects: list[frozenset[str]] = field(default_factory=list)
    nonce: str = ""  # of the unanswered response
    sent: dict[str, str] = field(default_factory=dict)
    sent_from: dict[str, tuple[Origin, ...]] = field(default_factory=dict)


class Stream:
    """The conversation with one proxy. Feed `on_request` and `want`; send what `responses` yields."""

    def __init__(
        self,
        proxy: str,
        secret: SecretLookup,
        on_nack: Callable[[Nack], None],
        vouched: Vouched | None = None,
    ) -> None:
        self.proxy = proxy
        self._vouched = Vouched() if vouched is None else vouched
        self._secret, self._on_nack = secret, on_nack
        self._wanted: Resources | None = None
        self._channels = {url: _Channel(url) for url in ORDER}
        self._nonces = 0
        # None: not looked at since something happened.
        self._settled_now: bool | None = None
        self._state_now: State | None = None

    def want(self, resources: Resources) -> bool:
        """Make this the state to reach; whether there may be something to send."""
        before, self._wanted = self._wanted, resources
        self._moved()
        secrets = self._channels[SECRET].names
        return before != resources or any(name.startswith("kubernetes://") for name in secrets)

    def _moved(self) -> None:
        self._settled_now = self._state_now = None

    def on_request(self, request: DeltaDiscoveryRequest) -> None:
        """Take a subscription, an ACK or a NACK."""
        channel = self._channels.get(request.type_url)
        if channel is None:
            return
        self._moved()
        self._subscribe(channel, request)
        if request.response_nonce and request.response_nonce == channel.nonce:
            channel.nonce = ""
            sent, channel.sent = channel.sent, {}
            if request.HasField("error_detail"):
                self._refused(channel, sent, request.error_detail.message)
            else:
                self._accepted(channel, sent)

    def _subscribe(self, channel: _Channel, request: DeltaDiscoveryRequest) -> None:
        added = set(request.resource_names_subscribe)
        first = not channel.subscribed
        channel.subscribed = True
        if channel.type_url in _WILDCARD and ((first and not added) or "*" in added):
            channel.wildcard = True
        channel.names |= added - {"*"}
        for name in added:
            channel.known.pop(name, None)
        for name in request.resource_names_unsubscribe:
            channel.names.discard(name)
            channel.known.pop(name, None)
        if first and request.initial_resource_versions:
            channel.known.update(request.initial_resource_versions)
            channel.greeted = True

    def _accepted(self, channel: _Channel, sent: Mapping[str, str]) -> None:
        for name, version in sent.items():
            channel.rejected.pop(name, None)
            if origins := channel.sent_from.get(name):
                self._vouch(channel, name, origins)
            if version == _ABSENT and channel.wildcard:
                channel.known.pop(name, None)
            else:
                channel.known[name] = version

    def _refused(self, channel: _Channel, sent: Mapping[str, str], message: str) -> None:
        if len(sent) == 1:
            ((name, version),) = sent.items()
            channel.rejected[name] = version
            origins = channel.sent_from.get(name, ())
            self._vouch_for_known(channel)
            suspects = self._vouched.without(origins)
            self._on_nack(Nack(self.proxy, channel.type_url, name, version, message, origins, suspects))
        elif sent:
            channel.suspects[:0] = split(sent, message)

    def _vouch(self, channel: _Channel, name: str, origins: tuple[Origin, ...]) -> None:
        namespace = self._wanted.namespace if self._wanted is not None else ""
        self._vouched.note(namespace, channel.type_url, name, origins)

    def _vouch_for_known(self, channel: _Channel) -> None:
        """What a proxy had when it connected, it has taken too."""
        rows = self._wanted.by_type.get(channel.type_url, {}) if self._wanted is not None else {}
        for name, made in rows.items():
            if made.origins and channel.known.get(name) == made.version:
                self._vouch(channel, name, made.origins)

    def responses(self) -> list[DeltaDiscoveryResponse]:
        """Whatever may be sent now; empty when the next step is the proxy's."""
        if self._wanted is None:
            return []
        self._moved()
        out = []
        for stage in _STAGES:
            out += [made for url in stage if (made := self._next(self._channels[url]))]
            if not self._settled(*stage):
                return out
        if last := self._next(self._channels[CLUSTER], removals=True):
            out.append(last)
        return out

    def _target(self, channel: _Channel) -> Mapping[str, str]:
        """Name → version that the proxy should have."""
        assert self._wanted is not None, "asked before anything was published"
        if channel.type_url == SECRET:
            # Told that a secret is not there yet, a listener opens without waiting for it.
            found = {name: self._secret(name) for name in channel.names}
            return {n: made.version if made else channel.known.get(n, _ABSENT) for n, made in found.items()}
        rows = self._wanted.by_type.get(channel.type_url, {})
        if channel.wildcard:
            return {name: made.version for name, made in rows.items()}
        # What a proxy has stays until it unsubscribes: whatever refers to it goes later.
        gone = {name: channel.known.get(name, _ABSENT) for name in channel.names}
        return {name: rows[name].version if name in rows else held for name, held in gone.items()}

    def _pending(self, channel: _Channel, *, removals: bool = True) -> dict[str, str]:
        """Name → version still to be sent; `_ABSENT` means removal."""
        target = self._target(channel)
        todo = {
            name: version
            for name, version in target.items()
            if channel.known.get(name) != version and channel.rejected.get(name) != version
        }
        if removals and channel.wildcard:
            gone = (name for name in channel.known if name not in target)
            todo.update(dict.fromkeys(gone, _ABSENT))
        return todo

    def _settled(self, *urls: str) -> bool:
        """Whether these types need nothing more, cluster removals aside."""
        for url in urls:
            channel = self._channels[url]
            if channel.nonce:
                return False
            if channel.subscribed and self._pending(channel, removals=url != CLUSTER):
                return False
        return True

    def _next(self, channel: _Channel, *, removals: bool | None = None) -> DeltaDiscoveryResponse | None:
        if not channel.subscribed or channel.nonce:
            return None
        late = channel.type_url != CLUSTER if removals is None else removals
        todo = self._pending(channel, removals=late)
        while channel.suspects and todo:
            chunk = channel.suspects.pop(0) & todo.keys()
            if chunk:
                todo = {name: todo[name] for name in chunk}
                break
        if not todo and (channel.greeted or not channel.wildcard):
            return None
        channel.greeted = True
        return self._respond(channel, todo)

    def _respond(self, channel: _Channel, todo: dict[str, str]) -> DeltaDiscoveryResponse:
        self._nonces += 1
        channel.nonce, channel.sent, channel.sent_from = str(self._nonces), todo, {}
        response = DeltaDiscoveryResponse(type_url=channel.type_url, nonce=channel.nonce)
        for name, version in todo.items():
            made = self._resource(channel.type_url, name)
            if version == _ABSENT or made is None:
                response.removed_resources.append(name)
                continue
            if made.origins:
                channel.sent_from[name] = made.origins
            body = PbAny(type_url=made.type_url, value=made.body)
            response.resources.append(WireResource(name=name, version=version, resource=body))
            if channel.type_url == CLUSTER:
                self._resend_endpoints(made.body)
        return response

    def _resend_endpoints(self, body: bytes) -> None:
        """A changed cluster warms until it hears its endpoints again; Envoy does not ask twice."""
        cluster = Cluster.FromString(body)
        if cluster.type == Cluster.EDS:
            name = cluster.eds_cluster_config.service_name or cluster.name
            endpoints = self._channels[ENDPOINT]
            endpoints.known.pop(name, None)
            endpoints.sent.pop(name, None)  # what is on its way was meant for the cluster before

    def _resource(self, type_url: str, name: str) -> Resource | None:
        assert self._wanted is not None, "asked before anything was published"
        if type_url == SECRET:
            return self._secret(name)
        return self._wanted.by_type.get(type_url, {}).get(name)

    def is_settled(self) -> bool:
        """Whether the proxy has answered for everything that it should have."""
        if self._settled_now is None:
            self._settled_now = self._is_settled()
        return self._settled_now

    def _is_settled(self) -> bool:
        if self._wanted is None or any(channel.nonce for channel in self._channels.values()):
            return False
        if any(not self._channels[url].subscribed for url in _WILDCARD):
            return False
        return self._settled(*ORDER) and not self._pending(self._channels[CLUSTER])

    def state(self) -> State:
        """The worst state of the types that anything is wanted of."""
        if self._state_now is not None:
            return self._state_now
        states = {sync.state for sync in self.sync().values() if sync.wanted}
        found: State = next((state for state in WORST_FIRST if state in states), "SYNCED")
        self._state_now = found
        return found

    def sync(self) -> dict[str, TypeSync]:
        """How far the proxy is, per type URL."""
        return {url: self._sync_of(self._channels[url]) for url in ORDER}

    def _sync_of(self, channel: _Channel) -> TypeSync:
        if self._wanted is None or not channel.subscribed:
            wanted = len(self._wanted.by_type.get(channel.type_url, {})) if self._wanted else 0
            return TypeSync("NOT SENT", wanted, 0)
        target = self._target(channel)
        acked = sum(channel.known.get(name) == version for name, version in target.items())
        bad = tuple(sorted(n for n, v in target.items() if channel.rejected.get(n) == v))
        stale = bool(channel.nonce or self._pending(channel))
        state: State = "STALE" if stale else "REJECTED" if bad else "SYNCED"
        return TypeSync(state, len(target), acked, bad)


def split(sent: Iterable[str], message: str) -> list[frozenset[str]]:
    """Smaller responses to try after one with all of `sent` was refused with `message`.

    | named in the message | result                              |
    |----------------------|-------------------------------------|
    | some, not all        | the others together, each named one |
    | none or all          | two halves                          |
    """
    names = sorted(sent)
    named = [name for name in names if name and name in message]
    if named and len(named) < len(names):
        return [frozenset(names) - frozenset(named), *(frozenset([name]) for name in named)]
    middle = len(names) // 2
    return [frozenset(names[:middle]), frozenset(names[middle:])]


__all__ = ["LISTENER", "ROUTE", "Nack", "State", "Stream", "TypeSync", "split"]
