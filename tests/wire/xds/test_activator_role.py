"""The activator role on a real Envoy: holding, passing, refusing."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from hauberk.mesh.roles import ActivatorRole, Backend, RevisionRoute
from hauberk.ports import Forward, Reject
from hauberk.xds.translate.roles import listener, parts
from hauberk.xds.translate.types import Resources

REVISION = RevisionRoute(namespace="ns", name="r-00001", hosts=("r-00001.ns.svc.cluster.local",))
NAMED = {"Knative-Serving-Namespace": "ns", "Knative-Serving-Revision": "r-00001"}


def resources(*revisions: RevisionRoute, port: int) -> Resources:
    made = parts(ActivatorRole(pod_uid="a", revisions=revisions))
    service = replace(made.services[0], port=port)
    return Resources.of([listener(service), *made.clusters, *made.endpoints, *made.routes])


@pytest.fixture
async def start(world: Any, port: Any, app: Any) -> Any:
    backend = await world.stack.enter_async_context(app().listening())
    number = port()

    async def publish(*revisions: RevisionRoute) -> Any:
        world.server.publish({"a": resources(*revisions, port=number)})
        if "a" not in world.server.connected():
            await world.envoy("a")
        await world.settle("a")
        return backend, number

    return publish


async def test_a_request_waits_until_there_is_a_pod(start: Any, world: Any, curl: Any) -> None:
    backend, port = await start(REVISION)

    async def after_a_while(request: Any) -> Any:
        await asyncio.sleep(2)
        return Forward(f"127.0.0.1:{backend.port}")

    world.answer = after_a_while
    large = world.directory / "body"
    large.write_bytes(b"x" * 5_000_000)
    body = ("--data-binary", f"@{large}")
    got = await curl("/x?y=1", port=port, headers=NAMED, host="hello.example", curl=body)
    assert (got.status, backend.seen[0][":path"]) == (200, "/x?y=1")
    assert backend.seen[0]["content-length"] == "5000000"
    assert 2.0 <= got.took_s < 2.5
    held = world.holds[0]
    assert (held.namespace, held.revision, held.pod_uid) == ("ns", "r-00001", "a")
    assert held.authority == "hello.example"
    assert backend.seen[0]["k-proxy-request"] == "activator"
    assert "knative-serving-revision" not in backend.seen[0]


async def test_a_host_names_the_revision_too(start: Any, world: Any, curl: Any) -> None:
    backend, port = await start(REVISION)

    async def at_once(request: Any) -> Any:
        return Forward(f"127.0.0.1:{backend.port}")

    world.answer = at_once
    got = await curl(port=port, host="r-00001.ns.svc.cluster.local:80")
    assert (got.status, len(world.holds)) == (200, 1)


async def test_with_spare_capacity_nobody_is_asked(start: Any, world: Any, curl: Any) -> None:
    backend, port = await start(REVISION)
    spare = replace(REVISION, backends=(Backend("127.0.0.1", backend.port),), spare=True)
    await start(spare)
    got = await curl(port=port, headers=NAMED)
    assert (got.status, len(backend.seen), world.holds) == (200, 1, [])


async def test_clients_cannot_name_the_destination(start: Any, world: Any, curl: Any) -> None:
    backend, port = await start(REVISION)

    async def refuse(request: Any) -> Any:
        return Reject(503, "no room", {"retry-after": "1"})

    world.answer = refuse
    chosen = {**NAMED, "x-envoy-original-dst-host": f"127.0.0.1:{backend.port}"}
    got = await curl(port=port, headers=chosen)
    assert (got.status, got.body, got.headers["retry-after"]) == (503, "no room", "1")
    assert backend.seen == []


async def test_a_client_that_leaves_cancels_its_wait(
    start: Any, world: Any, curl: Any, eventually: Any
) -> None:
    _, port = await start(REVISION)

    async def forever(request: Any) -> Any:
        await asyncio.Event().wait()

    world.answer = forever
    await curl(port=port, headers=NAMED, curl=("--max-time", "0.3"))

    async def cancelled() -> bool:
        return len(world.cancelled) == 1

    await eventually(cancelled)


async def test_an_unknown_revision_is_not_found(start: Any, curl: Any) -> None:
    _, port = await start(REVISION)
    got = await curl(port=port, headers={**NAMED, "Knative-Serving-Revision": "other"})
    assert got.status == 404
    assert got.body == ('Error getting active endpoint: revision.serving.knative.dev "other" not found\n')


async def test_probes_are_answered_without_asking(start: Any, world: Any, curl: Any) -> None:
    _, port = await start(REVISION)
    got = await curl(port=port, headers={**NAMED, "K-Network-Probe": "activator"})
    assert (got.status, got.body, world.holds) == (200, "activator", [])


@pytest.mark.must("fault-control-plane")
async def test_held_requests_survive_a_restart_of_the_control_plane(
    start: Any, world: Any, curl: Any, eventually: Any
) -> None:
    backend, port = await start(REVISION)

    async def forever(request: Any) -> Any:
        await asyncio.Event().wait()

    world.answer = forever
    asking = asyncio.gather(*(curl(port=port, headers=NAMED) for _ in range(8)))
    await eventually(lambda: _held(world, 8))
    await world.server_stops()

    async def at_once(request: Any) -> Any:
        return Forward(f"127.0.0.1:{backend.port}")

    world.answer = at_once
    await asyncio.sleep(0.5)
    await world.server_starts()
    assert {got.status for got in await asking} == {200}


async def _held(world: Any, count: int) -> bool:
    return len(world.holds) >= count


async def test_switching_between_passing_and_holding_loses_no_request(
    start: Any, world: Any, curl: Any
) -> None:
    backend, port = await start(REVISION)

    async def at_once(request: Any) -> Any:
        return Forward(f"127.0.0.1:{backend.port}")

    world.answer = at_once
    spare = replace(REVISION, backends=(Backend("127.0.0.1", backend.port),), spare=True)
    done = asyncio.Event()
    statuses: list[int] = []

    async def load() -> None:
        while not done.is_set():
            statuses.append((await curl("/slow/0.02", port=port, headers=NAMED)).status)

    loading = asyncio.gather(*(load() for _ in range(3)))
    for n in range(500):
        if n > 20 and len(statuses) > 40:
            break
        await start(replace(spare, spare=bool(n % 2)) if n % 3 else REVISION)
    done.set()
    await loading
    assert set(statuses) == {200}
