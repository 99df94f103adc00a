"""Keeps every proxy's configuration equal to what the API objects say.

Changes of the kinds the mesh reads → a short pause, so that a burst becomes one build → model →
Envoy resources → the xDS server, which sends each proxy only its differences. What the model had
to leave out (a gateway server without its secret, a route to nowhere) is told on the object: a
condition in its status and an event. So is what an Envoy refused, on its pod and on the rule that it
was made from; `hauberk.mesh.refusals` says what runs in the rule's place.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from hauberk import mesh
from hauberk.app.feed import SHARE
from hauberk.base.apierrors import ApiError
from hauberk.base.conditions import condition, with_times
from hauberk.base.paths import Paths
from hauberk.base.refs import Json, Ref, ref_of
from hauberk.base.times import rfc3339
from hauberk.mesh import Finding, Mesh, memo
from hauberk.mesh.refusals import CONDITION, LAST_GOOD, REFUSED, Refusals
from hauberk.mesh.roles import KourierRole, RouterRole
from hauberk.ports import Api, Clock, Recorder, Snapshot
from hauberk.xds import translate
from hauberk.xds.server import XdsServer
from hauberk.xds.stream import Nack
from hauberk.xds.translate.types import SECRET

log = logging.getLogger(__name__)

MANAGER = "hauberk-mesh"
_ANSWER_S = 1.0  # how long the search for a refused rule waits for the proxies' answer
_CREDENTIAL = "kubernetes://"
_FRONTS = (RouterRole, KourierRole)


def wanted_conditions(findings: Iterable[Finding]) -> dict[Ref, dict[str, Any]]:
    """One condition an object: False with every reason it was left out for."""
    grouped: dict[Ref, list[Finding]] = {}
    for finding in findings:
        grouped.setdefault(finding.ref, []).append(finding)
    return {
        ref: {
            "type": CONDITION,
            "status": "False",
            "reason": found[0].reason,
            "message": "; ".join(dict.fromkeys(f.message for f in found)),
        }
        for ref, found in grouped.items()
    }


def status_changes(
    wanted: Mapping[Ref, dict[str, Any]],
    told: Iterable[Ref],
    snapshot: Snapshot,
    now: str,
    in_force: Mapping[Ref, Json] = MappingProxyType({}),
) -> list[tuple[Ref, dict[str, Any]]]:
    """The status writes that make objects say what `wanted` says; `told` had a condition before.

    An object that is well again keeps the condition, as True: the reader sees that it was heard.
    """
    fine: dict[str, Any] = {"type": CONDITION, "status": "True", "reason": "Applied", "message": ""}
    out = []
    for ref in [*wanted, *(r for r in told if r not in wanted)]:
        obj = snapshot.get(ref)
        if obj is None:
            continue
        status = obj.get("status") or {}
        stored = [c for c in status.get("conditions") or () if c["type"] == CONDITION]
        row = wanted.get(ref, fine) | {"observedGeneration": obj["metadata"].get("generation", 0)}
        keys = ("status", "reason", "message", *(("observedGeneration",) if ref in wanted else ()))
        if stored and all(stored[0].get(key) == row[key] for key in keys):
            continue
        more = {LAST_GOOD: in_force[ref]} if ref in in_force else {}
        out.append((ref, {"conditions": with_times([row], stored, now), **more}))
    return out


def already_told(snapshot: Snapshot) -> set[Ref]:
    """The objects whose status says that something was left out, whichever control plane said it."""
    return {
        ref_of(obj)
        for kind in mesh.READS
        if kind.endswith(".istio.io")
        for obj in snapshot.list(kind)
        if (row := condition(obj, CONDITION)) is not None and row["status"] == "False"
    }


def users_of(credential: str, proxy: str, model: Mesh) -> list[Ref]:
    """The Gateways by which a proxy asks for a Secret, named as it asks for it."""
    name = credential.removeprefix(_CREDENTIAL).removesuffix("-cacert")
    known = model.proxies.get(proxy)
    return list(dict.fromkeys(
        bind.gateway
        for bind in (known.binds if known is not None else ())
        if bind.server.tls is not None and bind.server.tls.credential_name.removeprefix(_CREDENTIAL) == name
    ))  # fmt: skip


@dataclass
class MeshFeed:
    """Publishes to the proxies and tells the objects what was left out."""

    api: Api
    paths: Paths
    xds: XdsServer
    recorder: Recorder
    clock: Clock
    https_port: int = 443  # where clients reach the router
    published_revision: int = 0  # the store's revision that the last publish contained
    again: Callable[[], None] = lambda: None  # asks for another rebuild
    served: Callable[[], None] = lambda: None  # called when the proxies have taken a publication
    _refusals: Refusals = field(default_factory=Refusals)
    _model: Mesh = field(default_factory=Mesh)
    _moved: asyncio.Event = field(default_factory=asyncio.Event)

    async def rebuild(self) -> float:
        """Build the model of the current snapshot and publish it; returns the seconds that this took.

        Ends when gateways and routers have taken it or, at the latest, after `SHARE` times that: where they
        are slow, because they have much to take, they are not sent the next state before they have this one.
        """
        snapshot = self.api.snapshot()
        began = self.clock.monotonic()
        memo.turn()
        self._refusals.observe(raw for kind in mesh.RULES for raw in snapshot.list(kind))
        stand_ins = self._refusals.stand_ins()
        model = mesh.build(snapshot, paths=self.paths, https_port=self.https_port, stand_ins=stand_ins)
        self._model = model
        built = self.clock.monotonic()
        self.xds.publish({proxy.uid: translate.resources(model, proxy) for proxy in model.proxies.values()})
        self.published_revision = snapshot.revision
        ms = {
            "build_ms": f"{(built - began) * 1000:.1f}",
            "publish_ms": f"{(self.clock.monotonic() - built) * 1000:.1f}",
        }
        log.debug("published", extra={"revision": snapshot.revision, "proxies": len(model.proxies), **ms})
        self._moved.set()
        self._moved = asyncio.Event()
        refused = self._refusals.findings({ref: snapshot.get(ref) for ref in self._refusals.watched})
        await self._tell((*refused, *model.findings))
        work = self.clock.monotonic() - began
        if self._refusals.searching:
            await self._search()
        else:
            await self._answered(min(SHARE * work, _ANSWER_S), self.fronts() & self.xds.connected())
        return work

    def refused(self, nack: Nack) -> None:
        """Say on the pod what its Envoy refused, and find the rule to say it on."""
        log.warning("proxy refused a resource", extra={"nack": nack})
        kind = nack.type_url.rpartition(".")[2]
        text = f"Envoy refused {kind} {nack.name} and keeps what it had: {nack.message}"
        snapshot = self.api.snapshot()
        for pod in snapshot.list("Pod"):
            if pod["metadata"]["uid"] != nack.proxy:
                continue
            self._event(pod, REFUSED, text)
            if self._blame(nack, pod, f"{kind} {nack.name}", snapshot):
                self.again()

    def _blame(self, nack: Nack, pod: Json, what: str, snapshot: Snapshot) -> bool:
        namespace = pod["metadata"]["namespace"]
        name = f"{namespace}/{pod['metadata']['name']}"
        if nack.type_url != SECRET:
            return self._refusals.refused(
                nack.origins, nack.suspects, pod=name, what=what, reason=nack.message
            )
        if not nack.name.startswith(_CREDENTIAL):
            return False
        secret = snapshot.get(Ref("Secret", namespace, nack.name.removeprefix(_CREDENTIAL)))
        if secret is None:
            return False
        self._event(secret, REFUSED, f"Envoy of {name} refused it: {nack.message}")
        users = users_of(nack.name, nack.proxy, self._model)
        return self._refusals.refused_secret(secret, users, pod=name, reason=nack.message)

    async def _search(self) -> None:
        """Let rules back that were held, once the proxies have answered for a state without them."""
        rounds = self._refusals.rounds
        await self._answered(_ANSWER_S)
        if self._refusals.rounds == rounds and self._refusals.let_back():
            self.again()

    def fronts(self) -> frozenset[str]:
        """The proxies by which requests enter: gateways and routers."""
        rows = self._model.proxies.values()
        return frozenset(p.uid for p in rows if p.gateway or any(isinstance(r, _FRONTS) for r in p.roles))

    async def _answered(self, within_s: float, proxies: Collection[str] | None = None) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                await self.xds.acked(proxies)
            self.served()

    def _event(self, obj: Json, reason: str, text: str) -> None:
        self.recorder.event(obj, reason, text, type="Warning", component=MANAGER)

    async def acked(self, revision: int) -> None:
        """Wait until every connected proxy acknowledged a state that contains this revision."""
        while self.published_revision < revision:
            await self._moved.wait()
        await self.xds.acked()

    async def _tell(self, findings: tuple[Finding, ...]) -> None:
        wanted = wanted_conditions(findings)
        snapshot = self.api.snapshot()
        told = already_told(snapshot)
        now, in_force = rfc3339(self.clock.now()), self._refusals.in_force()
        for ref, status in status_changes(wanted, told, snapshot, now, in_force):
            obj = snapshot.get(ref)
            row = status["conditions"][0]
            if obj is not None and row["status"] == "False":
                self._event(obj, row["reason"], row["message"])
            try:
                await self.api.apply_status(ref, status, manager=MANAGER)
            except ApiError as error:
                log.warning(
                    "status of a mesh object was not written", extra={"ref": str(ref), "error": str(error)}
                )
