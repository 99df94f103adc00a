from __future__ import annotations

from typing import Any

import pytest

from hauberk.base.refs import Json
from hauberk.mesh.acks import Acks
from hauberk.openshift.bootstrap import SELECTOR
from hauberk.openshift.serverless_ingress.make import make_routes
from hauberk.openshift.serverless_ingress.served import RoutesServed
from hauberk.testing.stored import Stored

NOTES = {"networking.knative.dev/ingress.class": "istio.ingress.networking.knative.dev"}
DISABLED = {"serving.knative.openshift.io/disableRoute": ""}
RULES = [{"hosts": ["hello-default.apps.example.com"], "visibility": "ExternalIP"}]
LOCAL = [{"hosts": ["hello.default"], "visibility": "ClusterLocal"}]
ADMITTED = {"ingress": [{"conditions": [{"type": "Admitted", "status": "True"}]}]}
REFUSED = {"ingress": [{"conditions": [{"type": "Admitted", "status": "False"}]}]}


def ingress(
    rules: list[Json] = RULES, gateway: str = "gw.mesh.svc", notes: dict[str, str] | None = None
) -> Json:
    balancer = {"publicLoadBalancer": {"ingress": [{"domainInternal": gateway}]}} if gateway else {}
    meta = {"name": "hello", "namespace": "default", "uid": "u", "annotations": {**NOTES, **(notes or {})}}
    return {"metadata": meta, "spec": {"rules": rules}, "status": balancer}


def route(status: Json, **spec: Any) -> Json:
    (made,) = make_routes(ingress())
    meta = {**made["metadata"], "resourceVersion": "7"}
    return {**made, "metadata": meta, "spec": {**made["spec"], **spec}, "status": status}


def router(ready: str = "True") -> Json:
    meta = {"name": "router", "namespace": "openshift-ingress", "uid": "r", "labels": SELECTOR}
    status = {"conditions": [{"type": "Ready", "status": ready}]}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": {}, "status": status}


@pytest.mark.parametrize(
    ("situation", "asked", "objs", "published", "synced", "want"),
    [
        ("admitted, published, acknowledged", ingress(), (route(ADMITTED), router()), 7, {"r"}, True),
        ("refused: the Route says why", ingress(), (route(REFUSED), router()), 7, {"r"}, True),
        ("not judged yet", ingress(), (route({}), router()), 7, {"r"}, False),
        ("not published yet", ingress(), (route(ADMITTED), router()), 6, {"r"}, False),
        ("not acknowledged", ingress(), (route(ADMITTED), router()), 7, set(), False),
        ("no Route yet", ingress(), (router(),), 7, {"r"}, False),
        ("a Route as it was", ingress(), (route(ADMITTED, tls={}), router()), 7, {"r"}, False),
        ("no router", ingress(), (route(ADMITTED), router("False")), 7, {"r"}, False),
        ("its gateway is not named yet", ingress(gateway=""), (router(),), 7, {"r"}, False),
        ("cluster-local", ingress(LOCAL), (), 0, set(), True),
        ("nobody's class", ingress(notes={next(iter(NOTES)): "other"}), (), 0, set(), True),
        ("no Route wanted", ingress(notes=DISABLED), (), 0, set(), True),
    ],
)
def test_served(
    situation: str, asked: Json, objs: tuple[Json, ...], published: int, synced: set[str], want: bool
) -> None:
    api: Any = Stored(*objs)
    served = RoutesServed(api, Acks(lambda: published, lambda uid: uid in synced))
    assert served(asked) is want, situation
