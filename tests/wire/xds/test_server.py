"""What the xDS server promises, seen by a real Envoy."""

from __future__ import annotations

import asyncio
import json
import ssl
import time
from typing import Any

import pytest
from envoy.config.cluster.v3.cluster_pb2 import Cluster

from hauberk.mesh.roles import Backend
from hauberk.pki.inspect import facts_of
from hauberk.xds.server import XdsServer
from hauberk.xds.stats import Admin
from hauberk.xds.translate.roles import http
from hauberk.xds.translate.roles.tls import server_socket
from hauberk.xds.translate.types import CLUSTER, ROUTE, LocalService, Resources

ID = "spiffe://cluster.local/ns/ns/sa/default"


def routed(port: int, backends: list[int], *more: Any, cluster: str = "c", **who: str) -> Resources:
    """One listener that forwards to one cluster."""
    service = LocalService(port, http.manager("role_t", routes="t"))
    from envoy.config.route.v3.route_components_pb2 import Route

    return Resources.of(
        [
            http.plain_listener(service),
            http.eds_cluster(cluster, "http1"),
            http.assignment(cluster, [(Backend("127.0.0.1", p), 1) for p in backends]),
            http.route_config("t", [Route(match={"prefix": "/"}, route={"cluster": cluster})]),
            *more,
        ],
        **who,
    )


@pytest.fixture
async def backend(world: Any, app: Any) -> Any:
    return await world.stack.enter_async_context(app().listening())


async def test_a_proxy_that_comes_first_waits_for_its_configuration(
    world: Any, curl: Any, port: Any, backend: Any, eventually: Any
) -> None:
    number = port()
    await world.envoy("e")

    async def connected() -> bool:
        return "e" in world.server.connected()

    await eventually(connected)
    world.server.publish({"e": routed(number, [backend.port])})
    await world.settle("e")
    assert (await curl(port=number)).status == 200
    assert {s.state for s in world.server.synced()["e"].values()} <= {"SYNCED", "NOT SENT"}


async def test_a_refused_resource_keeps_its_last_good_state_and_stops_nothing_else(
    world: Any, curl: Any, port: Any, backend: Any
) -> None:
    number, other = port(), port()
    good = http.eds_cluster("victim", "http1")
    world.server.publish({"e": routed(number, [backend.port], good, http.assignment("victim", []))})
    await world.envoy("e")
    await world.settle("e")
    bad = Cluster()
    bad.CopyFrom(good)
    bad.lb_policy = Cluster.RING_HASH
    bad.ring_hash_lb_config.minimum_ring_size.value = 8_000_000
    bad.ring_hash_lb_config.maximum_ring_size.value = 1
    extra = http.plain_listener(LocalService(other, http.manager("role_t", routes="t")))
    world.server.publish({"e": routed(number, [backend.port], bad, http.assignment("victim", []), extra)})
    await world.settle("e")
    assert [(n.type_url, n.name) for n in world.nacks] == [(CLUSTER, "victim")]
    assert world.nacks[0].message
    assert world.server.synced()["e"][CLUSTER].state == "REJECTED"
    assert (await curl(port=number)).status == 200
    assert (await curl(port=other)).status == 200


async def test_one_bad_listener_among_many_is_the_only_one_left_out(
    world: Any, curl: Any, port: Any, backend: Any
) -> None:
    ports = [port() for _ in range(5)]
    rows = [http.plain_listener(LocalService(p, http.manager("role_t", routes="t"))) for p in ports]
    rows[2].filter_chains[0].filters[0].typed_config.value = b"\xff\xff"
    world.server.publish({"e": routed(port(), [backend.port], *rows)})
    await world.envoy("e")
    await world.settle("e")
    assert [n.name for n in world.nacks] == [f"role|{ports[2]}"]
    got = [(await curl(port=p)).status for p in ports]
    assert got == [200, 200, 0, 200, 200]


async def test_traffic_never_misses_a_cluster_while_it_is_replaced(
    world: Any, curl: Any, port: Any, backend: Any
) -> None:
    number = port()
    world.server.publish({"e": routed(number, [backend.port], cluster="c0")})
    await world.envoy("e")
    await world.settle("e")
    done = asyncio.Event()
    statuses: list[int] = []

    async def load() -> None:
        while not done.is_set():
            statuses.append((await curl(port=number)).status)

    loading = asyncio.ensure_future(load())
    times = []
    for n in range(1, 30):
        started = time.monotonic()
        world.server.publish({"e": routed(number, [backend.port], cluster=f"c{n}")})
        await world.settle("e")
        times.append(time.monotonic() - started)
    done.set()
    await loading
    assert set(statuses) == {200}
    assert world.nacks == []


async def test_a_changed_cluster_hears_its_endpoints_again(
    world: Any, curl: Any, port: Any, backend: Any
) -> None:
    number = port()
    world.server.publish({"e": routed(number, [backend.port])})
    await world.envoy("e")
    await world.settle("e")
    changed = http.eds_cluster("c", "http1")
    changed.connect_timeout.FromSeconds(2)
    world.server.publish({"e": routed(number, [backend.port], changed)})
    await world.settle("e")
    admin = Admin(world.admin("e"))
    dump = await admin.config_dump()
    states = [c for part in dump["configs"] for c in part.get("dynamic_warming_clusters", ())]
    assert states == []
    assert (await curl(port=number)).status == 200


async def test_a_new_control_plane_changes_nothing_when_nothing_changed(
    world: Any, curl: Any, port: Any, backend: Any, directory: Any, eventually: Any
) -> None:
    number = port()
    wanted = routed(number, [backend.port])
    first = XdsServer(directory / "own.sock", world.authority, lambda *a: None, world._hold, world.clock)
    from hauberk.xds import bootstrap

    config = bootstrap.proxy("e", xds_socket=directory / "own.sock", admin_socket=world.admin("e"), mark=0)
    first.publish({"e": wanted})
    async with first.serving():
        await world.run("e", config)
        async with asyncio.timeout(8):
            await first.acked(["e"])
    assert (await curl(port=number)).status == 200
    admin = Admin(world.admin("e"))
    before = await admin.stats("update_success|lds.version|cds.version")
    second = XdsServer(directory / "own.sock", world.authority, lambda *a: None, world._hold, world.clock)
    second.publish({"e": routed(number, [backend.port])})
    started = time.monotonic()
    async with second.serving():
        async with asyncio.timeout(8):
            await second.acked(["e"])
        reconnected_s = time.monotonic() - started
        await eventually(lambda: _routes_known(second))
        assert await admin.stats("update_success|lds.version|cds.version") == before
    assert reconnected_s < 3


async def _routes_known(server: XdsServer) -> bool:
    return server.synced()["e"][ROUTE].state == "SYNCED"


async def test_workload_certificates_are_issued_for_the_pods_identity_and_rotated(
    world: Any, port: Any, backend: Any, eventually: Any
) -> None:
    number = port()
    tls = http.plain_listener(
        LocalService(number, http.manager("role_s", routes="t")), socket=server_socket(secret="default")
    )
    world.server.publish({"e": routed(port(), [backend.port], tls, identity=ID)})
    await world.envoy("e")
    await world.settle("e")
    first = await leaf(number)
    assert facts_of(first)[0].uris == (ID,)
    world.clock.ahead = 13 * 3600

    async def rotated() -> bool:
        return await leaf(number) != first

    await eventually(rotated)
    assert facts_of(await leaf(number))[0].not_after > facts_of(first)[0].not_after


async def leaf(port: int) -> bytes:
    """The certificate that a port shows."""
    return (await asyncio.to_thread(ssl.get_server_certificate, ("127.0.0.1", port))).encode()


async def test_a_gateway_credential_arrives_and_changes_with_its_secret(
    world: Any, port: Any, backend: Any, eventually: Any
) -> None:
    number = port()
    tls = http.plain_listener(
        LocalService(number, http.manager("role_s", routes="t")),
        socket=server_socket(secret="kubernetes://wildcard-certs"),
    )
    pairs = [world.authority.serving_certificate([f"h{n}"], now=world.clock.now()) for n in range(2)]

    def store(n: int) -> None:
        data = {"tls.crt": pairs[n].chain, "tls.key": pairs[n].key}
        world.credentials["istio-system", "wildcard-certs"] = data

    wanted = routed(port(), [backend.port], tls, namespace="istio-system")
    store(0)
    world.server.publish({"e": wanted})
    await world.envoy("e")
    await world.settle("e")
    assert facts_of(await leaf(number)) == facts_of(pairs[0].chain)
    store(1)
    world.server.publish({"e": wanted})

    async def changed() -> bool:
        return facts_of(await leaf(number)) == facts_of(pairs[1].chain)

    await eventually(changed)


async def test_upstream_sockets_are_marked(world: Any, port: Any, curl: Any, backend: Any) -> None:
    number = port()
    world.server.publish({"e": routed(number, [backend.port])})
    await world.envoy("e", mark=1337)
    await world.settle("e")
    slow = asyncio.ensure_future(curl("/slow/1", port=number))
    await asyncio.sleep(0.3)
    process = await asyncio.create_subprocess_exec(
        "ss", "-Htne", "dst", f"127.0.0.1:{backend.port}", stdout=asyncio.subprocess.PIPE
    )
    out, _ = await process.communicate()
    assert b"fwmark:0x539" in out
    assert (await slow).status == 200


async def test_the_admin_socket_tells_memory_state_and_certificates(
    world: Any, port: Any, backend: Any
) -> None:
    world.server.publish({"e": routed(port(), [backend.port], identity=ID)})
    await world.envoy("e")
    await world.settle("e")
    admin = Admin(world.admin("e"))
    assert (await admin.server_info())["state"] == "LIVE"
    assert (await admin.memory())["allocated"]
    assert "certificates" in await admin.certs()
    assert (
        world.admin("e").stat().st_mode & 0o777,
        (world.directory / "xds.sock").stat().st_mode & 0o777,
    ) == (
        0o600,
        0o600,
    )
    assert json.dumps(await admin.config_dump())
    assert world.log("e") == ""


async def test_a_missing_secret_closes_its_own_chain_only_and_heals(
    world: Any, curl: Any, port: Any, backend: Any, eventually: Any
) -> None:
    number, plain = port(), port()
    tls = http.plain_listener(
        LocalService(number, http.manager("role_s", routes="t")),
        socket=server_socket(secret="kubernetes://late"),
    )
    wanted = routed(plain, [backend.port], tls, namespace="ns")
    world.server.publish({"e": wanted})
    await world.envoy("e")
    await world.settle("e", 3)
    await world.reachable(number)
    assert (await curl(port=plain)).status == 200
    assert (await curl(port=number, scheme="https", curl=("-k",))).status == 0
    pair = world.authority.serving_certificate(["x"], now=world.clock.now())
    world.credentials["ns", "late"] = {"tls.crt": pair.chain, "tls.key": pair.key}
    world.server.publish({"e": wanted})

    async def healed() -> bool:
        return bool((await curl(port=number, scheme="https", curl=("-k",))).status == 200)

    await eventually(healed)
