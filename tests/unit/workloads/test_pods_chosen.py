"""Which pods a ReplicaSet makes and gives up."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from hauberk.kinds.apps.replicaset import KIND
from hauberk.workloads.replicaset import World, plan, usefulness

RS: dict[str, Any] = {
    "apiVersion": "apps/v1",
    "kind": "ReplicaSet",
    "metadata": {"name": "web", "namespace": "a", "uid": "u"},
    "spec": {
        "selector": {"matchLabels": {"app": "web"}},
        "template": {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": []}},
    },
}


def pod(
    name: str, *, phase: str = "Running", ready: bool = True, node: str = "n", created: int = 0, **meta: Any
) -> Any:
    rows = [{"type": "Ready", "status": str(ready), "lastTransitionTime": "2026-01-01T00:00:00Z"}]
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": name, "namespace": "a", "uid": name, "labels": {"app": "web"},
            "creationTimestamp": f"2026-01-01T00:00:{created:02d}Z", **meta,
        },
        "spec": {"nodeName": node} if node else {},
        "status": {"phase": phase, "conditions": rows},
    }  # fmt: skip


def world(replicas: int, *pods: Any) -> World:
    raw = {**RS, "spec": {**RS["spec"], "replicas": replicas}}
    return World(raw=raw, spec=KIND.parse(raw), pods=pods)


def test_the_least_useful_pods_go_first() -> None:
    cheap = pod("cheap", annotations={"controller.kubernetes.io/pod-deletion-cost": "-5"})
    pods = [
        pod("unplaced", node="", phase="Pending", ready=False),
        pod("pending", phase="Pending", ready=False),
        pod("unready", ready=False),
        cheap,
        pod("young", created=30),
        pod("old", created=1),
    ]
    shuffled = pods[::-1]
    assert [p["metadata"]["name"] for p in sorted(shuffled, key=usefulness)] == [
        p["metadata"]["name"] for p in pods
    ]


@given(st.integers(0, 20), st.lists(st.sampled_from(["Running", "Pending", "Failed", "ending"]), max_size=20))
def test_it_makes_or_gives_up_exactly_the_difference(replicas: int, states: list[str]) -> None:
    pods = [
        pod(f"p{i}", phase="Running", deletionTimestamp="2026-01-01T00:00:00Z")
        if s == "ending"
        else pod(f"p{i}", phase=s)
        for i, s in enumerate(states)
    ]
    active = sum(s in ("Running", "Pending") for s in states)
    got = plan(world(replicas, *pods), 0.0)
    assert len(got.create) == max(0, replicas - active)
    assert len(got.gone) == max(0, active - replicas)
    assert got.status is not None
    assert got.status["replicas"] == active
    assert got.status["terminatingReplicas"] == states.count("ending")


def test_a_pod_becomes_available_after_its_time_and_the_plan_asks_to_look_again() -> None:
    raw = {**RS, "spec": {**RS["spec"], "replicas": 1, "minReadySeconds": 10}}
    ready_at = 1767225600.0
    looks = [
        plan(World(raw=raw, spec=KIND.parse(raw), pods=(pod("p"),)), now)
        for now in (ready_at + 4, ready_at + 10)
    ]
    assert [p.retry_after for p in looks] == [6.0, None]
    assert [(p.status or {}).get("availableReplicas") for p in looks] == [None, 1]
