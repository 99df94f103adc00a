"""The ADS conversation, step by step, with a proxy that follows the protocol."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from envoy.config.cluster.v3.cluster_pb2 import Cluster
from envoy.config.endpoint.v3.endpoint_pb2 import ClusterLoadAssignment
from envoy.config.listener.v3.listener_pb2 import Listener
from envoy.service.discovery.v3.discovery_pb2 import DeltaDiscoveryRequest, DeltaDiscoveryResponse
from hypothesis import given
from hypothesis import strategies as st

from hauberk.base.refs import Ref
from hauberk.mesh.origins import Origin
from hauberk.xds.stream import Nack, Stream, split
from hauberk.xds.translate.types import CLUSTER, ENDPOINT, LISTENER, ROUTE, Resources, resource


def config(clusters: dict[str, int], listeners: dict[str, int] | None = None) -> Resources:
    """Clusters and listeners by name; the number makes a version."""
    rows: list[object] = []
    for name, n in clusters.items():
        rows.append(Cluster(name=name, type="EDS", connect_timeout={"seconds": n}))
        rows.append(ClusterLoadAssignment(cluster_name=name))
    rows += [Listener(name=name, stat_prefix=str(n)) for name, n in (listeners or {}).items()]
    return Resources.of(rows)


@dataclass
class Proxy:
    """Subscribes as Envoy does, and refuses any response with a name in `hates`."""

    hates: frozenset[str] = frozenset()
    has: dict[str, dict[str, str]] = field(default_factory=lambda: {CLUSTER: {}, ENDPOINT: {}, LISTENER: {}})
    nacks: list[Nack] = field(default_factory=list)
    order: list[str] = field(default_factory=list)

    def connect(self, resources: Resources) -> Stream:
        stream = Stream("p", lambda _: None, self.nacks.append)
        stream.want(resources)
        for url in (CLUSTER, LISTENER):
            stream.on_request(DeltaDiscoveryRequest(type_url=url, initial_resource_versions=self.has[url]))
        if self.has[ENDPOINT]:
            known = self.has[ENDPOINT]
            stream.on_request(
                DeltaDiscoveryRequest(
                    type_url=ENDPOINT, resource_names_subscribe=known, initial_resource_versions=known
                )
            )
        return stream

    def talk(self, stream: Stream) -> None:
        for _ in range(200):
            responses = stream.responses()
            if not responses:
                return
            for response in responses:
                self._take(stream, response)
        raise AssertionError("the conversation does not end")

    def _take(self, stream: Stream, response: DeltaDiscoveryResponse) -> None:
        names = {r.name: r.version for r in response.resources}
        answer = DeltaDiscoveryRequest(type_url=response.type_url, response_nonce=response.nonce)
        kind = response.type_url.rsplit(".", 1)[1]
        if bad := sorted(names.keys() & self.hates):
            answer.error_detail.message = f"bad: {bad[0]}"
            self.order.append(f"refuse {kind}")
        else:
            self.order += [f"{kind} {n}" for n in names] + [
                f"-{kind} {n}" for n in response.removed_resources
            ]
            self.has[response.type_url].update(names)
            for name in response.removed_resources:
                self.has[response.type_url].pop(name, None)
            if response.type_url == CLUSTER and names:
                new = [n for n in names if n not in self.has[ENDPOINT]]
                stream.on_request(DeltaDiscoveryRequest(type_url=ENDPOINT, resource_names_subscribe=new))
        stream.on_request(answer)


def versions(resources: Resources, url: str) -> dict[str, str]:
    return {name: made.version for name, made in resources.by_type[url].items()}


def test_what_is_referred_to_goes_first_and_removal_comes_last() -> None:
    proxy = Proxy()
    stream = proxy.connect(config({"a": 1}, {"l": 1}))
    proxy.talk(stream)
    proxy.order.clear()
    stream.want(config({"b": 1}, {"l": 2}))
    proxy.talk(stream)
    assert proxy.order == [
        "Cluster b", "ClusterLoadAssignment b", "Listener l", "-Cluster a",
    ]  # fmt: skip
    assert stream.is_settled()


def test_a_proxy_without_configuration_hears_nothing() -> None:
    stream = Stream("p", lambda _: None, lambda _: None)
    stream.on_request(DeltaDiscoveryRequest(type_url=CLUSTER))
    assert stream.responses() == []
    assert not stream.is_settled()


def test_an_empty_type_is_answered_once_so_that_the_proxy_goes_on() -> None:
    proxy = Proxy()
    stream = proxy.connect(config({}))
    proxy.talk(stream)
    assert stream.is_settled()
    assert stream.responses() == []


def test_a_proxy_that_comes_back_with_everything_hears_nothing() -> None:
    proxy = Proxy()
    proxy.talk(proxy.connect(config({"a": 1, "b": 2}, {"l": 1})))
    proxy.order.clear()
    again = proxy.connect(config({"a": 1, "b": 2}, {"l": 1}))
    assert again.responses() == []
    assert again.is_settled()


def test_a_refused_resource_is_reported_once_and_sent_again_only_when_it_changes() -> None:
    proxy = Proxy(hates=frozenset({"bad"}))
    wanted = config({"a": 1, "bad": 1, "c": 1}, {"l": 1})
    stream = proxy.connect(wanted)
    proxy.talk(stream)
    assert [(n.type_url, n.name, n.message) for n in proxy.nacks] == [(CLUSTER, "bad", "bad: bad")]
    assert proxy.has[CLUSTER].keys() == {"a", "c"}
    assert "l" in proxy.has[LISTENER]
    assert stream.sync()[CLUSTER].rejected == ("bad",)
    stream.want(wanted)
    assert stream.responses() == []
    proxy.hates = frozenset()
    stream.want(config({"a": 1, "bad": 2, "c": 1}, {"l": 1}))
    proxy.talk(stream)
    assert proxy.has[CLUSTER].keys() == {"a", "bad", "c"}
    assert stream.sync()[CLUSTER].state == "SYNCED"


def test_a_changed_cluster_is_followed_by_its_endpoints() -> None:
    proxy = Proxy()
    stream = proxy.connect(config({"a": 1}))
    proxy.talk(stream)
    proxy.order.clear()
    stream.want(config({"a": 2}))
    proxy.talk(stream)
    assert proxy.order == ["Cluster a", "ClusterLoadAssignment a"]


def test_endpoints_on_their_way_when_their_cluster_changes_are_sent_again() -> None:
    proxy = Proxy()
    stream = proxy.connect(config({"a": 1}))
    (clusters,) = (r for r in stream.responses() if r.type_url == CLUSTER)
    stream.on_request(DeltaDiscoveryRequest(type_url=ENDPOINT, resource_names_subscribe=["a"]))
    (endpoints,) = stream.responses()
    assert [r.name for r in endpoints.resources] == ["a"]  # sent, not yet acknowledged
    stream.on_request(_ack(clusters))
    stream.want(config({"a": 2}))
    (changed,) = stream.responses()
    assert [r.name for r in changed.resources] == ["a"]
    stream.on_request(_ack(endpoints))
    stream.on_request(_ack(changed))
    assert not stream.is_settled()
    (again,) = stream.responses()
    assert (again.type_url, [r.name for r in again.resources]) == (ENDPOINT, ["a"])
    stream.on_request(_ack(again))
    stream.responses()
    assert stream.sync()[ENDPOINT].state == "SYNCED"


def _ack(response: DeltaDiscoveryResponse) -> DeltaDiscoveryRequest:
    return DeltaDiscoveryRequest(type_url=response.type_url, response_nonce=response.nonce)


def test_a_subscription_to_what_is_not_there_is_answered() -> None:
    proxy = Proxy()
    stream = proxy.connect(config({}))
    proxy.talk(stream)
    stream.on_request(DeltaDiscoveryRequest(type_url=ROUTE, resource_names_subscribe=["r"]))
    (response,) = stream.responses()
    assert list(response.removed_resources) == ["r"]


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("bad b", [{"a", "c", "d"}, {"b"}]),
        ("bad b and d", [{"a", "c"}, {"b"}, {"d"}]),
        ("?", [{"a", "b"}, {"c", "d"}]),
    ],
)
def test_refused_responses_are_split(message: str, expected: list[set[str]]) -> None:
    names = ["aa-a", "bb-b", "cc-c", "dd-d"]
    long = {n[-1]: n for n in names}
    told = " ".join(long.get(word, word) for word in message.split())
    assert split(names, told) == [frozenset(long[n] for n in part) for part in expected]


names = st.dictionaries(st.sampled_from("abcdefgh"), st.integers(1, 3))


@given(
    steps=st.lists(st.tuples(names, names), min_size=1, max_size=5),
    hates=st.frozensets(st.sampled_from("abcdefgh"), max_size=3),
)
def test_every_conversation_ends_with_all_that_is_good(
    steps: list[tuple[dict[str, int], dict[str, int]]], hates: frozenset[str]
) -> None:
    proxy = Proxy(hates=hates)
    stream = proxy.connect(config({}))
    for clusters, listeners in steps:
        wanted = config(clusters, listeners)
        stream.want(wanted)
        proxy.talk(stream)
        assert stream.is_settled()
        for url in (CLUSTER, LISTENER):
            good = {n: v for n, v in versions(wanted, url).items() if n not in hates}
            assert proxy.has[url] == good


def test_a_refusal_names_the_rules_that_no_proxy_has_taken() -> None:
    def origin(name: str, version: str) -> Origin:
        return Origin(Ref("VirtualService.networking.istio.io", "a", name), version)

    def table(seconds: int, *origins: Origin) -> Resources:
        return Resources.of([resource(Cluster(name="c", connect_timeout={"seconds": seconds}), origins)])

    proxy = Proxy()
    stream = proxy.connect(table(1, origin("x", "1"), origin("y", "1")))
    proxy.talk(stream)
    proxy.hates = frozenset({"c"})
    stream.want(table(2, origin("x", "2"), origin("y", "1")))
    proxy.talk(stream)
    (nack,) = proxy.nacks
    assert nack.origins == (origin("x", "2"), origin("y", "1"))
    assert nack.suspects == (origin("x", "2"),)
