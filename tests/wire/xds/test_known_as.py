"""An Envoy that was started as a spare is nobody's proxy, and a pod's in every respect once that is told."""

from __future__ import annotations

import asyncio
import ssl
from typing import Any

import pytest
from envoy.config.cluster.v3.cluster_pb2 import Cluster

from hauberk.mesh.roles import Backend
from hauberk.pki.inspect import facts_of
from hauberk.xds.server import XdsServer
from hauberk.xds.stats import Admin
from hauberk.xds.translate.roles import http
from hauberk.xds.translate.roles.tls import server_socket
from hauberk.xds.translate.types import CLUSTER, LISTENER, SECRET, LocalService, Resources

SPARE = "spare-1"
ID, OTHER_ID = (f"spiffe://cluster.local/ns/ns/sa/{name}" for name in ("e", "other"))


def configured(plain: int, tls: int, backend: int, *more: Any, identity: str = ID) -> Resources:
    """A plain and a TLS listener that forward to one backend."""
    from envoy.config.route.v3.route_components_pb2 import Route

    secure = http.plain_listener(
        LocalService(tls, http.manager("role_s", routes="t")), socket=server_socket(secret="default")
    )
    return Resources.of(
        [
            http.plain_listener(LocalService(plain, http.manager("role_t", routes="t"))),
            secure,
            http.eds_cluster("c", "http1"),
            http.assignment("c", [(Backend("127.0.0.1", backend), 1)]),
            http.route_config("t", [Route(match={"prefix": "/"}, route={"cluster": "c"})]),
            *more,
        ],
        identity=identity,
    )


async def leaf(port: int) -> bytes:
    return (await asyncio.to_thread(ssl.get_server_certificate, ("127.0.0.1", port))).encode()


@pytest.fixture
async def backend(world: Any, app: Any) -> Any:
    return await world.stack.enter_async_context(app().listening())


@pytest.fixture
def ports(port: Any) -> tuple[int, int]:
    return port(), port()


@pytest.fixture
async def connected(world: Any, eventually: Any) -> None:
    """An Envoy called `spare-1` that has a stream."""
    await world.envoy(SPARE)
    await there(world, eventually, SPARE)


async def there(world: Any, eventually: Any, proxy: str) -> None:
    async def check() -> bool:
        return proxy in world.server.connected()

    await eventually(check)


async def resources_of(world: Any) -> int:
    """How many clusters and listeners the Envoy was given."""
    dump = await Admin(world.admin(SPARE)).config_dump()
    keys = ("dynamic_active_clusters", "dynamic_warming_clusters", "dynamic_listeners")
    return sum(len(part.get(key, ())) for part in dump["configs"] for key in keys)


@pytest.mark.usefixtures("connected")
async def test_a_spare_is_given_nothing_and_is_no_proxy(
    world: Any, ports: tuple[int, int], backend: Any
) -> None:
    world.server.publish({"e": configured(*ports, backend.port)})
    await asyncio.sleep(0.3)
    assert await resources_of(world) == 0
    assert set(world.server.synced()) == {"e"}
    assert (world.server.state("e"), world.server.state(SPARE)) == ("NOT SENT", "NOT SENT")
    await asyncio.wait_for(world.server.acked(), 1)  # nobody that is connected has to answer


@pytest.mark.parametrize("published_first", [True, False])
@pytest.mark.usefixtures("connected")
async def test_it_has_the_pods_configuration_certificate_and_name(
    world: Any, ports: tuple[int, int], backend: Any, curl: Any, published_first: bool
) -> None:
    plain, tls = ports
    wanted = {
        "e": configured(plain, tls, backend.port),
        "other": configured(plain, tls, 1, identity=OTHER_ID),
    }
    if published_first:
        world.server.publish(wanted)
    world.server.known_as(SPARE, "e")
    world.server.publish(wanted)
    await world.settle("e")
    assert (await curl(port=plain)).status == 200
    assert facts_of(await leaf(tls))[0].uris == (ID,)
    assert world.server.connected() == {"e"}
    assert world.server.state("e") == "SYNCED"
    assert {world.server.synced()["e"][url].acked for url in (CLUSTER, SECRET)} == {1}
    assert world.server.synced()["e"][LISTENER].acked == 2


@pytest.mark.usefixtures("connected")
async def test_later_changes_and_renewals_reach_it(
    world: Any, ports: tuple[int, int], backend: Any, curl: Any, app: Any, eventually: Any
) -> None:
    plain, tls = ports
    world.server.publish({"e": configured(plain, tls, backend.port)})
    world.server.known_as(SPARE, "e")
    await world.settle("e")
    first = await leaf(tls)
    other = await world.stack.enter_async_context(app().listening())
    world.server.publish({"e": configured(plain, tls, other.port)})
    await world.settle("e")
    assert (await curl(port=plain)).status == 200
    assert (len(backend.seen), len(other.seen)) == (0, 1)
    world.clock.ahead = 13 * 3600

    async def renewed() -> bool:
        return await leaf(tls) != first

    await eventually(renewed)
    assert facts_of(await leaf(tls))[0].uris == (ID,)


@pytest.mark.usefixtures("connected")
async def test_what_it_refuses_is_reported_under_the_pods_name(
    world: Any, ports: tuple[int, int], backend: Any
) -> None:
    good, bad = http.eds_cluster("victim", "http1"), Cluster()
    world.server.publish({"e": configured(*ports, backend.port, good, http.assignment("victim", []))})
    world.server.known_as(SPARE, "e")
    await world.settle("e")
    bad.CopyFrom(good)
    bad.lb_policy = Cluster.RING_HASH
    bad.ring_hash_lb_config.minimum_ring_size.value = 8_000_000
    bad.ring_hash_lb_config.maximum_ring_size.value = 1
    more = (bad, http.assignment("victim", []))
    world.server.publish({"e": configured(*ports, backend.port, *more)})
    await world.settle("e")
    assert [(n.proxy, n.name) for n in world.nacks] == [("e", "victim")]
    assert world.server.state("e") == "REJECTED"


@pytest.mark.parametrize("told", ["before it reconnects", "after it reconnected"])
@pytest.mark.usefixtures("connected")
async def test_a_new_control_plane_that_is_told_has_the_same_proxy(
    world: Any, ports: tuple[int, int], backend: Any, curl: Any, app: Any, eventually: Any, told: str
) -> None:
    plain, tls = ports
    world.server.publish({"e": configured(plain, tls, backend.port)})
    world.server.known_as(SPARE, "e")
    await world.settle("e")
    await world.server_stops()
    assert (await curl(port=plain)).status == 200
    other = await world.stack.enter_async_context(app().listening())
    world.server = XdsServer(
        world.directory / "xds.sock",
        world.authority,
        lambda *_: None,
        world._hold,
        world.clock,
        on_nack=world.nacks.append,
    )
    world.server.publish({"e": configured(plain, tls, other.port)})
    if told == "before it reconnects":
        world.server.known_as(SPARE, "e")
        await world.server_starts()
    else:
        await world.server_starts()
        await there(world, eventually, SPARE)
        assert (await curl(port=plain)).status == 200, "it keeps what it had"
        world.server.known_as(SPARE, "e")
    world.server.known_as(SPARE, "e")  # told again, as after a pod's worker began anew
    await world.settle("e")
    assert world.server.connected() == {"e"}
    assert (await curl(port=plain)).status == 200
    assert other.seen
    assert facts_of(await leaf(tls))[0].uris == (ID,)


@pytest.mark.usefixtures("connected")
async def test_after_a_broken_stream_it_is_the_pods_still(
    world: Any, ports: tuple[int, int], backend: Any, curl: Any, app: Any, eventually: Any
) -> None:
    plain, tls = ports
    world.server.publish({"e": configured(plain, tls, backend.port)})
    world.server.known_as(SPARE, "e")
    await world.settle("e")
    await world.server_stops()
    other = await world.stack.enter_async_context(app().listening())
    world.server.publish({"e": configured(plain, tls, other.port)})
    await world.server_starts()

    async def changed() -> bool:
        assert (await curl(port=plain)).status == 200
        return bool(other.seen)

    await eventually(changed)
    await world.settle("e")
    assert world.server.state("e") == "SYNCED"


@pytest.mark.usefixtures("connected")
async def test_a_pod_that_is_gone_is_forgotten(
    world: Any, ports: tuple[int, int], backend: Any, eventually: Any
) -> None:
    world.server.publish({"e": configured(*ports, backend.port)})
    world.server.known_as(SPARE, "e")
    await world.settle("e")
    world.server.publish({})
    await world.server_stops()
    await world.server_starts()
    await there(world, eventually, SPARE)
    assert world.server.synced() == {}
