from __future__ import annotations

from typing import Any

import pytest

from hauberk.kinds.eventing.addressable import Address, Unresolved, resolve
from hauberk.testing.memory_api import MemoryApi

BROKER = {"apiVersion": "eventing.knative.dev/v1", "kind": "Broker", "name": "b"}
SERVICE = {"apiVersion": "v1", "kind": "Service", "name": "s"}
URL = "http://broker-ingress.knative-eventing.svc.cluster.local/ns/b"


def world(*objs: dict[str, Any]) -> Any:
    api = MemoryApi()
    api.seed(*objs)
    return api.snapshot()


def config(name: str, **data: str) -> dict[str, Any]:
    meta = {"name": name, "namespace": "knative-eventing"}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": data}


def obj(reference: dict[str, Any], namespace: str = "ns", **status: Any) -> dict[str, Any]:
    meta = {"name": reference["name"], "namespace": namespace}
    return {
        "apiVersion": reference["apiVersion"],
        "kind": reference["kind"],
        "metadata": meta,
        "status": status,
    }


ADDRESSED = obj(BROKER, address={"url": URL, "CACerts": "PEM", "audience": "aud"})
SEVERAL = obj(BROKER, addresses=[{"name": "https", "url": "https://x"}, {"name": "http", "url": "http://x"}])


@pytest.mark.parametrize(
    ("destination", "found", "answer"),
    [
        ({"uri": "http://a.example.com/x"}, [], Address("http://a.example.com/x")),
        (
            {"uri": "http://a.example.com", "CACerts": "C", "audience": "a"},
            [],
            Address("http://a.example.com", "C", "a"),
        ),
        ({"ref": SERVICE}, [obj(SERVICE)], Address("http://s.ns.svc.cluster.local")),
        ({"ref": SERVICE, "CACerts": "C"}, [obj(SERVICE)], Address("https://s.ns.svc.cluster.local", "C")),
        ({"ref": SERVICE, "uri": "/p?q=1"}, [obj(SERVICE)], Address("http://s.ns.svc.cluster.local/p?q=1")),
        (
            {"ref": {**SERVICE, "namespace": "other"}},
            [obj(SERVICE, "other")],
            Address("http://s.other.svc.cluster.local"),
        ),
        ({"ref": BROKER}, [ADDRESSED], Address(URL, "PEM", "aud")),
        ({"ref": BROKER, "audience": "mine"}, [ADDRESSED], Address(URL, "PEM", "mine")),
        ({"ref": BROKER}, [SEVERAL], Address("https://x")),
        ({"ref": {**BROKER, "address": "http"}}, [SEVERAL], Address("http://x")),
    ],
)
def test_a_destination_has_an_address(destination: Any, found: list[Any], answer: Address) -> None:
    assert resolve(destination, "ns", world(*found)) == answer


@pytest.mark.parametrize(
    ("destination", "found", "why"),
    [
        ({}, [], "destination missing Ref and URI, expected at least one"),
        (
            {"uri": "/x"},
            [],
            'URI is not absolute (both scheme and host should be non-empty): "/x"',
        ),
        (
            {"ref": SERVICE, "uri": "http://x"},
            [obj(SERVICE)],
            "absolute URI is not allowed when Ref or [apiVersion, kind, name] exists",
        ),
        (
            {"ref": BROKER},
            [],
            'failed to get object ns/b: brokers.eventing.knative.dev "b" not found',
        ),
        ({"ref": BROKER}, [obj(BROKER)], "address not set for &KReference{Kind:Broker,Namespace:ns,Name:b,"),
        (
            {"ref": BROKER},
            [obj(BROKER, address={"url": "/x"})],
            "hostname missing in address of &KReference{",
        ),
        (
            {"ref": {**BROKER, "address": "tls"}},
            [SEVERAL],
            'address with name "tls" not found for &KReference{',
        ),
    ],
)
def test_or_says_why_not(destination: Any, found: list[Any], why: str) -> None:
    answer = resolve(destination, "ns", world(*found))
    assert isinstance(answer, Unresolved)
    assert answer.why.startswith(why)


@pytest.mark.parametrize("key", ["Pod.v1", "Pod.v1."])
def test_a_mapping_gives_kinds_an_address_that_have_none(key: str) -> None:
    mapping = config(
        "config-kreference-mapping",
        **{key: "http://{{ .Name }}.{{ .Namespace }}.pods.{{ .SystemNamespace }}"},
    )
    on = config("config-features", **{"kreference-mapping": "enabled"})
    pod = {"ref": {"apiVersion": "v1", "kind": "Pod", "name": "p"}}
    assert resolve(pod, "ns", world(mapping, on)) == Address("http://p.ns.pods.knative-eventing")
    assert isinstance(resolve(pod, "ns", world(mapping)), Unresolved)
