"""What rules name and the mesh does not have is told on the rule; what it has is not."""

from __future__ import annotations

from typing import Any

import pytest

from hauberk.base.refs import Ref
from hauberk.kinds.istio_networking import destination_rule, virtual_service
from hauberk.mesh.model import Domain, Port, Protocol, Service, Settings
from hauberk.mesh.references import lost_references
from hauberk.mesh.routing import destination_of, routes_of

WEB = Service(
    ref=Ref("Service", "a", "web"),
    host="web.a.svc.cluster.local",
    namespace="a",
    name="web",
    ports=(Port(80, "http", Protocol.HTTP),),
)


def raw(kind: str, spec: dict[str, Any]) -> dict[str, Any]:
    version = "networking.istio.io/v1"
    return {"apiVersion": version, "kind": kind, "metadata": {"name": "x", "namespace": "a"}, "spec": spec}


def reasons(rule: dict[str, Any], routes: dict[str, Any]) -> list[str]:
    dr, vs = raw("DestinationRule", rule), raw("VirtualService", routes)
    domain = Domain(
        settings=Settings(root="r"),
        namespaces=frozenset({"a"}),
        services=(WEB,),
        routes=(routes_of(vs, virtual_service.KIND.parse(vs)),),
        destinations=(destination_of(dr, destination_rule.KIND.parse(dr)),),
    )
    return [finding.reason for finding in lost_references(domain, {"a/gate"})]


def to(host: str = "web", **more: Any) -> dict[str, Any]:
    return {"hosts": ["web"], "http": [{"route": [{"destination": {"host": host, **more}}]}]}


RULE = {"host": "web", "subsets": [{"name": "v1", "labels": {"v": "1"}}]}


@pytest.mark.parametrize(
    ("rule", "routes", "want"),
    [
        (RULE, to(subset="v1", port={"number": 80}), []),
        (RULE, {**to(), "gateways": ["gate", "mesh"]}, []),
        (RULE, {**to(), "gateways": ["gone"]}, ["GatewayNotFound"]),
        (RULE, to("gone"), ["DestinationNotFound"]),
        (RULE, to(port={"number": 81}), ["PortNotFound"]),
        (RULE, to(subset="v2"), ["SubsetNotFound"]),
        ({"host": "gone"}, to(), ["HostNotFound"]),
        ({"host": "*.a.svc.cluster.local"}, to(), []),
    ],
)
def test_a_name_that_leads_nowhere_is_found(
    rule: dict[str, Any], routes: dict[str, Any], want: list[str]
) -> None:
    assert reasons(rule, routes) == want
