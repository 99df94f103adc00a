"""The queue role on a real Envoy: limits, times, readiness, drain, metrics."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from hauberk.mesh.roles import QueueRole, ReadinessProbe
from hauberk.xds.translate.roles import listener, parts
from hauberk.xds.translate.types import Resources

ROLE = QueueRole(
    namespace="ns", service="s", configuration="s", revision="s-00001", pod="p", drain_s=0.4, timeout_s=5
)
PORTS = (8012, 8013, 8022, 9090, 9091)


def resources(role: QueueRole, at: dict[int, int]) -> Resources:
    """The role's configuration with its ports moved, so that tests can run beside each other."""
    made = parts(role)
    services = [replace(s, port=at[s.port]) for s in made.services]
    return Resources.of([*map(listener, services), *made.clusters, *made.endpoints, *made.routes])


@pytest.fixture
async def start(world: Any, port: Any, app: Any) -> Any:
    async def run(role: QueueRole = ROLE, backend: Any = None) -> Any:
        backend = backend or await world.stack.enter_async_context(app().listening())
        at = {p: port() for p in PORTS}
        world.server.publish({"q": resources(replace(role, user_port=backend.port), at)})
        await world.envoy("q")
        await world.settle("q")
        return backend, at

    return run


async def test_a_request_reaches_the_container_without_routing_headers(start: Any, curl: Any) -> None:
    backend, at = await start()
    sent = {"Knative-Serving-Revision": "s-00001", "X-Forwarded-Proto": "https", "x-envoy-retry-on": "5xx"}
    got = await curl("/hello?x=1", port=at[8012], host="hello.ns", headers=sent)
    assert (got.status, backend.seen[0][":path"]) == (200, "/hello?x=1")
    assert "knative-serving-revision" not in backend.seen[0]
    assert "x-envoy-retry-on" not in backend.seen[0]
    assert backend.seen[0]["x-forwarded-proto"] == "https"
    assert backend.seen[0]["x-forwarded-for"].count(".") == 3  # loopback counts as the own address
    assert backend.seen[0]["host"] == "hello.ns"


async def test_http2_clients_are_served_on_both_ports(start: Any, curl: Any) -> None:
    _, at = await start()
    for number in (8012, 8013):
        got = await curl(port=at[number], curl=("--http2-prior-knowledge",))
        assert got.status == 200


@pytest.mark.must("limit-overload")
async def test_more_than_the_limit_waits_and_more_than_the_queue_is_refused(start: Any, curl: Any) -> None:
    backend, at = await start(replace(ROLE, container_concurrency=1))
    got = await asyncio.gather(*(curl("/slow/0.4", port=at[8012]) for _ in range(13)))
    refused = [g for g in got if g.status == 503]
    assert sorted(g.status for g in got) == [200] * 11 + [503] * 2
    assert {g.body for g in refused} == {"pending request queue full\n"}
    assert backend.peak == 1


async def test_readiness_follows_the_http_probe(
    start: Any, curl: Any, app: Any, world: Any, eventually: Any
) -> None:
    backend = await world.stack.enter_async_context(app(ready=False).listening())
    probe = ReadinessProbe(kind="http", path="/ready", period_s=0.1)
    _, at = await start(replace(ROLE, readiness=probe), backend)
    ask = {"K-Network-Probe": "queue"}
    assert (await curl(port=at[8012], headers=ask)).status == 503
    backend.ready = True
    await eventually(lambda: _is(curl, at, ask, 200), 1)
    assert (await curl(port=at[8012], headers=ask)).body == "queue"
    backend.ready = False
    await eventually(lambda: _is(curl, at, ask, 503), 2)


async def _is(curl: Any, at: dict[int, int], headers: dict[str, str], status: int) -> bool:
    return bool((await curl(port=at[8012], headers=headers)).status == status)


async def test_readiness_comes_within_a_tenth_of_a_second_of_the_port(
    start: Any, curl: Any, app: Any, port: Any, world: Any, eventually: Any
) -> None:
    late = app(port=port())
    _, at = await start(ROLE, late)
    ask = {"K-Network-Probe": "queue"}
    assert (await curl(port=at[8012], headers=ask)).status == 503
    await world.stack.enter_async_context(late.listening(port=late.port))
    await eventually(lambda: _is(curl, at, ask, 200), 0.5)


async def test_probes_of_the_ingress_are_echoed_and_strange_ones_refused(start: Any, curl: Any) -> None:
    _, at = await start()
    got = await curl(port=at[8012], headers={"K-Network-Probe": "probe", "K-Network-Hash": "h"})
    assert (got.status, got.headers["k-network-hash"]) == (200, "h")
    assert (await curl(port=at[8012], headers={"K-Network-Probe": "other"})).status == 400


async def test_a_request_that_takes_too_long_gets_504(start: Any, curl: Any) -> None:
    _, at = await start(replace(ROLE, timeout_s=0.3))
    got = await curl("/slow/2", port=at[8012])
    assert (got.status, got.body) == (504, "request timeout")


async def test_a_response_that_does_not_start_gets_504(start: Any, curl: Any) -> None:
    _, at = await start(replace(ROLE, response_start_timeout_s=0.3))
    got = await curl("/slow/2", port=at[8012])
    assert (got.status, got.body) == (504, "request timeout")


async def test_a_dead_container_is_a_bad_gateway(start: Any, curl: Any, app: Any, port: Any) -> None:
    _, at = await start(ROLE, app(port=port()))
    assert (await curl(port=at[8012])).status == 502


async def test_waiting_for_the_drain_takes_the_drain_time(start: Any, curl: Any) -> None:
    _, at = await start()
    got = await curl("/wait-for-drain", port=at[8022])
    assert got.status == 200
    assert got.took_s >= 0.4
    assert (await curl("/else", port=at[8022])).status == 404


async def test_metrics_tell_active_requests_counts_and_time(start: Any, curl: Any) -> None:
    _, at = await start()
    slow = asyncio.ensure_future(curl("/slow/0.6", port=at[8012]))
    await curl("/", port=at[8012])
    await asyncio.sleep(0.1)
    text = (await curl("/metrics", port=at[9090])).body
    await slow
    await curl("/metrics", port=at[9090])
    await asyncio.sleep(0.05)
    later = (await curl("/metrics", port=at[9090])).body
    assert 'envoy_cluster_upstream_rq_active{envoy_cluster_name="queue|user"} 1' in text
    assert 'envoy_cluster_upstream_rq_total{envoy_cluster_name="queue|user"} 2' in text
    assert 'envoy_cluster_upstream_rq_active{envoy_cluster_name="queue|user"} 0' in later
    total = next(
        float(line.split()[-1])
        for line in later.splitlines()
        if line.startswith('envoy_http_downstream_rq_time_sum{envoy_http_conn_manager_prefix="queue"}')
    )
    assert total >= 600
    assert "envoy_cluster_upstream_rq" in (await curl("/metrics", port=at[9091])).body
