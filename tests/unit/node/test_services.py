from __future__ import annotations

from typing import Any

from hauberk.node.dns.table import DnsTable
from hauberk.node.proxyrules import ServicePort, service_rules
from hauberk.node.services import ports_of, records_of, services_of

SUFFIX = "shop.svc.cluster.local"


class Objects:
    """A snapshot of two kinds."""

    revision = 1

    def __init__(self, services: list[dict[str, Any]], slices: list[dict[str, Any]]) -> None:
        self._rows = {"Service": services, "EndpointSlice.discovery.k8s.io": slices}

    def list(self, kind: str, namespace: str | None = None, labels: object = None) -> list[dict[str, Any]]:
        return self._rows[kind]


def service(name: str = "web", **spec: Any) -> dict[str, Any]:
    ports = [{"name": "http", "port": 80, "targetPort": 8080}]
    return {
        "metadata": {"name": name, "namespace": "shop"},
        "spec": {"clusterIP": "172.30.1.1", "ports": ports, **spec},
    }


def end(ip: str, *, ready: bool | None = True, hostname: str = "") -> dict[str, Any]:
    host = {"hostname": hostname} if hostname else {}
    return {"addresses": [ip], "conditions": {} if ready is None else {"ready": ready}, **host}


def endpoint_slice(*ends: dict[str, Any], name: str = "web", port: str | None = "http") -> dict[str, Any]:
    labels = {"kubernetes.io/service-name": name}
    return {
        "metadata": {"name": f"{name}-x", "namespace": "shop", "labels": labels},
        "addressType": "IPv4",
        "ports": [{"name": port, "port": 8080, "protocol": "TCP"}],
        "endpoints": list(ends),
    }


def table(svc: dict[str, Any], *slices: dict[str, Any]) -> DnsTable:
    return records_of([svc], {("shop", svc["metadata"]["name"]): slices})


def ports(svc: dict[str, Any], *slices: dict[str, Any]) -> list[ServicePort]:
    return list(ports_of(svc, {("shop", svc["metadata"]["name"]): slices}))


def test_a_cluster_ip_has_a_name_a_port_record_and_a_reverse_name() -> None:
    found = table(service())
    assert found.a == {f"web.{SUFFIX}": ("172.30.1.1",)}
    assert found.srv == {f"_http._tcp.web.{SUFFIX}": ((80, f"web.{SUFFIX}"),)}
    assert found.ptr == {"172.30.1.1": f"web.{SUFFIX}"}


def test_a_headless_service_is_its_endpoints() -> None:
    found = table(
        service(clusterIP="None"), endpoint_slice(end("10.128.0.2", hostname="web-0"), end("10.128.0.3"))
    )
    assert found.a == {
        f"web.{SUFFIX}": ("10.128.0.2", "10.128.0.3"),
        f"web-0.web.{SUFFIX}": ("10.128.0.2",),
        f"10-128-0-3.web.{SUFFIX}": ("10.128.0.3",),
    }
    assert found.srv[f"_http._tcp.web.{SUFFIX}"] == (
        (8080, f"web-0.web.{SUFFIX}"),
        (8080, f"10-128-0-3.web.{SUFFIX}"),
    )
    assert found.ptr == {"10.128.0.2": f"web-0.web.{SUFFIX}"}


def test_an_external_name_is_an_alias_and_has_no_rules() -> None:
    svc = service(type="ExternalName", externalName="Other.Ns.svc.cluster.local.", clusterIP=None)
    assert table(svc).cname == {f"web.{SUFFIX}": "other.ns.svc.cluster.local"}
    assert ports(svc) == []


def test_endpoints_that_are_not_ready_count_only_when_asked_for() -> None:
    rows = endpoint_slice(end("10.128.0.2"), end("10.128.0.3", ready=False), end("10.128.0.4", ready=None))
    assert [ip for ip, _ in ports(service(), rows)[0].endpoints] == ["10.128.0.2", "10.128.0.4"]
    assert len(ports(service(publishNotReadyAddresses=True), rows)[0].endpoints) == 3
    headless = service(clusterIP="None", publishNotReadyAddresses=True)
    assert len(table(headless, rows).a[f"web.{SUFFIX}"]) == 3


def test_ports_meet_by_name() -> None:
    two = [{"name": "http", "port": 80}, {"name": "admin", "port": 90}]
    first, second = ports(service(ports=two), endpoint_slice(end("10.128.0.2")))
    assert (first.port, first.endpoints) == (80, (("10.128.0.2", 8080),))
    assert (second.port, second.endpoints) == (90, ())


def test_unnamed_ports_meet() -> None:
    found = ports(service(ports=[{"port": 80}]), endpoint_slice(end("10.128.0.2"), port=None))
    assert found[0].endpoints == (("10.128.0.2", 8080),)


def test_the_dns_service_is_left_to_the_node() -> None:
    assert ports(service(clusterIP="172.30.0.10")) == []


def test_external_addresses_lead_to_the_endpoints_too() -> None:
    found = ports(service(externalIPs=["192.0.2.1"]), endpoint_slice(end("10.128.0.2")))
    assert [p.address for p in found] == ["172.30.1.1", "192.0.2.1"]


def test_a_snapshot_becomes_a_table_and_a_script() -> None:
    names, rules = services_of(Objects([service()], [endpoint_slice(end("10.128.0.2"))]))
    assert list(names.a) == [f"web.{SUFFIX}"]
    assert "172.30.1.1 . tcp . 80 : goto service_0" in rules
    assert "dnat ip to 10.128.0.2:8080" in rules


def test_the_script_does_not_depend_on_order() -> None:
    a = ServicePort("a", "172.30.0.1", "tcp", 80, (("10.128.0.2", 1), ("10.128.0.3", 1)))
    b = ServicePort("b", "172.30.0.2", "udp", 53, (("10.128.0.2", 2),))
    flipped = ServicePort("a", "172.30.0.1", "tcp", 80, (("10.128.0.3", 1), ("10.128.0.2", 1)))
    assert service_rules([a, b]) == service_rules([b, flipped])


def test_endpoints_are_chosen_at_random_and_none_refuses() -> None:
    some = ServicePort("a", "172.30.0.1", "tcp", 80, (("10.128.0.2", 1), ("10.128.0.3", 2)))
    none = ServicePort("b", "172.30.0.2", "tcp", 81)
    rules = service_rules([some, none])
    assert "dnat ip to numgen random mod 2 map { 0 : 10.128.0.2 . 1, 1 : 10.128.0.3 . 2 }" in rules
    assert "inet_service\n    elements = { 172.30.0.2 . tcp . 81 }\n  }\n  set hairpin" in rules
    assert "10.128.0.2 . 10.128.0.2, 10.128.0.3 . 10.128.0.3" in rules


def test_the_first_of_two_services_with_one_address_wins() -> None:
    first = ServicePort("a", "172.30.0.1", "tcp", 80, (("10.128.0.2", 1),))
    second = ServicePort("b", "172.30.0.1", "tcp", 80, (("10.128.0.9", 1),))
    assert "10.128.0.9" not in service_rules([first, second])
