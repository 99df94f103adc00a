from __future__ import annotations

from typing import Any

import pytest

from hauberk.base.refs import Json
from hauberk.mesh.acks import Acks
from hauberk.serving.ingress.probe import AckedProbe
from hauberk.testing.stored import Stored


def gateway(name: str) -> Json:
    meta = {"name": name, "namespace": "knative-serving", "uid": name}
    spec = {"selector": {"knative": "ingressgateway"}}
    return {"apiVersion": "networking.istio.io/v1beta1", "kind": "Gateway", "metadata": meta, "spec": spec}


def pod(uid: str, ready: str = "True") -> Json:
    meta = {"name": uid, "namespace": "istio-system", "uid": uid, "labels": {"knative": "ingressgateway"}}
    status = {"conditions": [{"type": "Ready", "status": ready}]}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": {}, "status": status}


INGRESS: Json = {
    "metadata": {
        "annotations": {"networking.knative.dev/ingress.class": "istio.ingress.networking.knative.dev"}
    }
}
GATEWAYS = (gateway("knative-ingress-gateway"), gateway("knative-local-gateway"))


@pytest.mark.parametrize(
    ("situation", "objs", "published", "synced", "want"),
    [
        ("published and acknowledged", (*GATEWAYS, pod("a")), 7, {"a"}, True),
        ("not published yet", (*GATEWAYS, pod("a")), 6, {"a"}, False),
        ("not acknowledged", (*GATEWAYS, pod("a")), 7, set(), False),
        ("one of two pods acknowledged", (*GATEWAYS, pod("a"), pod("b")), 7, {"a"}, False),
        ("the other pod is not ready", (*GATEWAYS, pod("a"), pod("b", "False")), 7, {"a"}, True),
        ("no gateway pod", GATEWAYS, 7, {"a"}, False),
        ("no gateway", (pod("a"),), 7, {"a"}, False),
    ],
)
def test_served(situation: str, objs: tuple[Json, ...], published: int, synced: set[str], want: bool) -> None:
    api: Any = Stored(*objs)
    probe = AckedProbe(api, Acks(lambda: published, lambda uid: uid in synced))
    assert probe(INGRESS, 7) is want, situation
