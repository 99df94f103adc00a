"""Kourier's gateway on a real Envoy."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hauberk.mesh.roles import Backend, HttpSplit, KourierRole, KourierRoute
from hauberk.xds.translate.roles import listener, parts
from hauberk.xds.translate.types import Resources


async def test_hosts_paths_splits_and_the_two_doors(world: Any, app: Any, curl: Any, port: Any) -> None:
    one, two = [await world.stack.enter_async_context(app().listening()) for _ in range(2)]

    def split(backend: Any, name: str, weight: int, **headers: str) -> HttpSplit:
        where = (Backend("127.0.0.1", backend.port),)
        return HttpSplit(backends=where, weight=weight, cluster=name, headers=tuple(headers.items()))

    public = KourierRoute(
        namespace="ns", name="a", hosts=("a.example",), probe_hash="h1", rewrite_host="a.ns",
        splits=(split(one, "ns/a/80", 50, rev="1"), split(two, "ns/b/80", 50, rev="2")),
    )  # fmt: skip
    local = KourierRoute(
        namespace="ns", name="l", hosts=("l.ns.svc",), path="/only", visibility="ClusterLocal",
        splits=(split(one, "ns/a/80", 100),),
    )  # fmt: skip
    made = parts(KourierRole(routes=(public, local)))
    at = {8080: port(), 8081: port()}
    services = [listener(replace(s, port=at[s.port])) for s in made.services]
    world.also("k", Resources.of([*services, *made.clusters, *made.endpoints, *made.routes]))
    await world.envoy("k")
    await world.settle("k")
    for _ in range(30):
        assert (await curl(port=at[8080], host="a.example")).status == 200
    assert one.seen
    assert two.seen
    assert {row["rev"] for row in one.seen} == {"1"}
    assert one.seen[0]["host"] == "a.ns"
    asked = {"K-Network-Probe": "probe", "K-Network-Hash": "override"}
    assert (await curl(port=at[8081], host="a.example", headers=asked)).status == 200
    assert {b.seen[-1].get("k-network-hash") for b in (one, two)} & {"h1"}
    assert (await curl("/only", port=at[8080], host="l.ns.svc")).status == 404
    assert (await curl("/only/x", port=at[8081], host="l.ns.svc")).status == 200
    assert (await curl("/else", port=at[8081], host="l.ns.svc")).status == 404
