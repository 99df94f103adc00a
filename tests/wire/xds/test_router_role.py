"""The router role on a real Envoy: SNI, termination, redirects, the page; and the autoscaler's door."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from envoy.config.route.v3.route_components_pb2 import Route

from hauberk.mesh.roles import AutoscalerRole, Backend, PeerTls, RouterRole, RouterRoute
from hauberk.xds.translate.roles import listener, parts
from hauberk.xds.translate.roles.http import manager, plain_listener, route_config
from hauberk.xds.translate.roles.tls import server_socket
from hauberk.xds.translate.types import LocalService, Resources


def route(name: str, port: int, **more: Any) -> RouterRoute:
    host = more.pop("host", f"{name}.apps.test")
    return RouterRoute(
        namespace="ns", name=name, host=host, backends=((Backend("127.0.0.1", port), 1),), **more
    )


@pytest.fixture
async def start(world: Any, app: Any) -> Any:
    backend = await world.stack.enter_async_context(app().listening())
    https, plain = world.directory / "rs.sock", world.directory / "rh.sock"

    async def run(*routes: RouterRoute, **more: Any) -> Any:
        role = RouterRole(https_socket=str(https), http_socket=str(plain), routes=routes, **more)
        made = parts(role)
        rows = [*made.listeners, *made.clusters, *made.endpoints, *made.routes]
        world.also("r", Resources.of(rows))
        if "r" not in world.server.connected():
            await world.envoy("r")
        await world.settle("r")
        return https, plain

    (world.directory / "root").write_bytes(world.authority.ingress_roots)
    return backend, run


def trusting(world: Any) -> dict[str, Any]:
    return {"scheme": "https", "curl": ("--cacert", str(world.directory / "root"))}


async def test_edge_termination_uses_the_default_certificate_and_names_the_scheme(
    start: Any, world: Any, curl: Any
) -> None:
    backend, run = start
    https, _ = await run(route("a", backend.port, termination="edge"))
    got = await curl("/p", pipe=https, host="a.apps.test", **trusting(world))
    assert got.status == 200
    assert backend.seen[0]["x-forwarded-proto"] == "https"
    assert backend.seen[0]["x-forwarded-host"] == "a.apps.test"
    assert backend.seen[0]["host"] == "a.apps.test"


async def test_a_routes_own_certificate_is_shown_for_its_host(start: Any, world: Any, curl: Any) -> None:
    backend, run = start
    pair = world.authority.serving_certificate(["own.test"], now=world.clock.now(), by="ingress")
    own = route(
        "b", backend.port, host="own.test", termination="edge",
        certificate=pair.chain.decode(), key=pair.key.decode(),
    )  # fmt: skip
    https, _ = await run(own)
    assert (await curl(pipe=https, host="own.test", **trusting(world))).status == 200
    assert (await curl(pipe=https, host="else.test", **trusting(world))).status == 0


@pytest.mark.parametrize(
    ("termination", "insecure", "status"),
    [
        ("none", "None", 200),
        ("edge", "None", 503),
        ("edge", "Allow", 200),
        ("edge", "Redirect", 302),
        ("passthrough", "Redirect", 302),
        ("passthrough", "None", 503),
    ],
)
async def test_plain_requests_follow_the_insecure_policy(
    start: Any, curl: Any, termination: Any, insecure: Any, status: int
) -> None:
    backend, run = start
    _, plain = await run(
        route("a", backend.port, termination=termination, insecure=insecure), https_port=8443
    )
    got = await curl("/p?q=1", pipe=plain, host="a.apps.test:8080")
    assert got.status == status
    if status == 302:
        assert got.headers["location"] == "https://a.apps.test:8443/p?q=1"
    if status == 503:
        assert "Application is not available" in got.body


async def test_unknown_hosts_and_routes_without_endpoints_get_the_page(
    start: Any, world: Any, curl: Any
) -> None:
    _, run = start
    empty = RouterRoute(namespace="ns", name="e", host="e.apps.test", termination="edge")
    https, plain = await run(empty)
    for host in ("e.apps.test", "unknown.apps.test"):
        got = await curl(pipe=https, host=host, **trusting(world))
        assert (got.status, got.headers["content-type"]) == (503, "text/html")
        assert "Application is not available" in got.body
    assert (await curl(pipe=plain, host="unknown.apps.test")).status == 503


async def test_passthrough_leaves_tls_to_the_backend(start: Any, world: Any, curl: Any, port: Any) -> None:
    _, run = start
    inner = port()
    await terminate(world, inner, secret="inner")
    https, _ = await run(route("p", inner, termination="passthrough"))
    (world.directory / "root").write_bytes(world.authority.service_roots)
    got = await curl(pipe=https, host="p.apps.test", **trusting(world))
    assert (got.status, got.body) == (200, "inner")


async def test_reencrypt_trusts_only_the_services_own_certificate(
    start: Any, world: Any, curl: Any, port: Any
) -> None:
    _, run = start
    inner = port()
    await terminate(world, inner, secret="inner")
    https, _ = await run(route("x", inner, termination="reencrypt", service="p"))
    assert (await curl(pipe=https, host="x.apps.test", **trusting(world))).body == "inner"
    await run(route("x", inner, termination="reencrypt", service="other"))
    assert (await curl(pipe=https, host="x.apps.test", **trusting(world))).status == 503


async def terminate(world: Any, port: int, *, secret: str) -> None:
    """A second Envoy that serves TLS with a service certificate and answers itself."""
    pair = world.authority.serving_certificate(
        ["p.ns.svc", "p.apps.test"], now=world.clock.now(), by="service"
    )
    answer = Route(match={"prefix": "/"}, direct_response={"status": 200, "body": {"inline_string": secret}})
    service = LocalService(port, manager("role_in", routes=route_config("in", [answer])))
    socket = server_socket(chain=pair.chain.decode(), key=pair.key.decode())
    world.also("in", Resources.of([plain_listener(service, socket=socket)]))
    await world.envoy("in")
    await world.settle("in")


async def test_the_autoscaler_speaks_through_its_pod_plainly_and_with_mtls(
    start: Any, world: Any, curl: Any, port: Any
) -> None:
    backend, _ = start
    door, inner = world.directory / "egress.sock", port()
    me, peer = (f"spiffe://cluster.local/ns/knative-serving/sa/{n}" for n in ("controller", "pod"))
    answer = Route(
        match={"prefix": "/"}, direct_response={"status": 200, "body": {"inline_string": "over mtls"}}
    )
    hcm = manager("role_in", routes=route_config("in", [answer]))
    inbound = plain_listener(LocalService(inner, hcm), socket=server_socket(secret="default"))
    made = parts(AutoscalerRole(socket=str(door), peer=PeerTls(identities=(peer,))))
    wrong = parts(AutoscalerRole(socket=str(door), peer=PeerTls(identities=(me,))))
    world.also("in", Resources.of([inbound], identity=peer))
    world.also("as", Resources.of([*made.listeners, *made.clusters], identity=me))
    for name in ("in", "as"):
        await world.envoy(name)
        await world.settle(name)
    plainly = {"x-envoy-original-dst-host": f"127.0.0.1:{backend.port}"}
    assert (await curl("/metrics", pipe=door, headers=plainly)).status == 200
    inside = {"x-envoy-original-dst-host": f"127.0.0.1:{inner}", "x-hauberk-peer": "mtls"}
    assert (await curl("/metrics", pipe=door, headers=inside)).body == "over mtls"
    world.also("as", Resources.of([*wrong.listeners, *wrong.clusters], identity=me))
    await world.settle("as")
    assert (await curl("/metrics", pipe=door, headers=inside)).status == 503
    assert listener(replace(LocalService(1, hcm))).name == "role|1"
