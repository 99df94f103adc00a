"""Roles as Envoy configuration: limits, names, and that everything referred to is there."""

from __future__ import annotations

from dataclasses import replace

import pytest

from hauberk.mesh.roles import (
    ActivatorRole,
    AutoscalerRole,
    Backend,
    KourierRole,
    PeerTls,
    QueueRole,
    ReadinessProbe,
    RevisionRoute,
    Role,
    RouterRole,
    RouterRoute,
)
from hauberk.xds.translate.roles import listener, parts
from hauberk.xds.translate.roles.queue import user_cluster
from hauberk.xds.translate.types import CLUSTER, ENDPOINT, ROUTE, Resources

QUEUE = QueueRole(namespace="ns", service="s", configuration="s", revision="s-00001", pod="p")
REVISION = RevisionRoute(namespace="ns", name="r", hosts=("r.ns",), backends=(Backend("10.128.0.9", 8012),))
ACTIVATOR = ActivatorRole(
    pod_uid="u",
    revisions=(
        REVISION,
        replace(REVISION, name="s", spare=True, peer=PeerTls()),
        replace(REVISION, name="t", backends=(), spare=True, protocol="h2c"),
    ),
)
ROUTER = RouterRole(
    https_socket="/a",
    http_socket="/b",
    routes=tuple(
        RouterRoute(namespace="ns", name=t, host=f"{t}.x", termination=t)
        for t in ("passthrough", "edge", "reencrypt", "none")
    ),
)


def everything(role: Role) -> Resources:
    made = parts(role)
    services = [listener(s) for s in made.services]
    return Resources.of([*services, *made.listeners, *made.clusters, *made.endpoints, *made.routes])


@pytest.mark.parametrize("role", [QUEUE, ACTIVATOR, ROUTER, AutoscalerRole(socket="/s"), KourierRole()])
def test_everything_that_is_referred_to_is_there(role: Role) -> None:
    made = everything(role)
    clusters = made.messages(CLUSTER)
    assert {n for n, c in clusters.items() if c.type == c.EDS} == made.messages(ENDPOINT).keys()
    for table in made.messages(ROUTE).values():
        used = {r.route.cluster for h in table.virtual_hosts for r in h.routes if r.HasField("route")}
        assert used <= clusters.keys()


@pytest.mark.parametrize("role", [QUEUE, ACTIVATOR, ROUTER, AutoscalerRole(socket="/s"), KourierRole()])
def test_the_same_role_has_the_same_version_every_time(role: Role) -> None:
    assert everything(role).version == everything(role).version


@pytest.mark.parametrize(
    ("limit", "protocol", "connections", "pending"),
    [(0, "http1", 2**32 - 1, 2**32 - 1), (1, "http1", 1, 10), (7, "h2c", 7, 70)],
)
def test_the_concurrency_limit_is_connections_with_ten_times_as_many_waiting(
    limit: int, protocol: str, connections: int, pending: int
) -> None:
    made = user_cluster(replace(QUEUE, container_concurrency=limit, protocol=protocol))
    row = made.circuit_breakers.thresholds[0]
    assert (row.max_connections.value, row.max_pending_requests.value) == (connections, pending)


@pytest.mark.parametrize(
    ("probe", "kind"),
    [
        (ReadinessProbe(), "tcp_health_check"),
        (ReadinessProbe(kind="http", path="/ok"), "http_health_check"),
        (ReadinessProbe(kind="grpc", service="s"), "grpc_health_check"),
    ],
)
def test_the_probe_is_a_health_check_of_its_kind(probe: ReadinessProbe, kind: str) -> None:
    (check,) = user_cluster(replace(QUEUE, readiness=probe)).health_checks
    assert check.WhichOneof("health_checker") == kind


def test_a_probe_of_another_port_asks_that_port() -> None:
    made = user_cluster(replace(QUEUE, readiness=ReadinessProbe(port=9999)))
    endpoint = made.load_assignment.endpoints[0].lb_endpoints[0].endpoint
    assert (endpoint.address.socket_address.port_value, endpoint.health_check_config.port_value) == (
        8080,
        9999,
    )


def test_secrets_do_not_show_in_the_representation_of_roles() -> None:
    route = RouterRoute(namespace="ns", name="a", host="h", key="SECRET")
    assert "SECRET" not in repr(route) + repr(RouterRole(https_socket="", http_socket="", routes=(route,)))
