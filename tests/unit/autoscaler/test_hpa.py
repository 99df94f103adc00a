"""What pods use becomes a number of pods as in Kubernetes, and the object is the one that Knative makes."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping
from typing import Any

import pytest

from hauberk.autoscaler.config import Config, settings_of
from hauberk.autoscaler.hpa import behavior
from hauberk.autoscaler.hpa.controller import World, plan
from hauberk.autoscaler.hpa.decide import Row, Wish, decide, wish
from hauberk.autoscaler.hpa.loop import KIND, Loop, Reading
from hauberk.autoscaler.hpa.make import NO_LIMIT, make_hpa
from hauberk.autoscaler.hpa.rows import Metric, Unreadable, metrics_of, rows_of
from hauberk.base.refs import Ref
from hauberk.testing.clock import FakeClock
from hauberk.testing.stored import Stored

KEY = Ref(KIND, "a", "r")


@pytest.mark.parametrize(
    ("what", "used", "target", "current", "want"),
    [
        ("twice the target", [100, 100], 50, 2, 4),
        ("half the target", [25, 25], 50, 2, 1),
        ("within the tolerance", [54, 54], 50, 2, 2),
        ("just above the tolerance", [56, 56], 50, 2, 3),
        ("one pod is not measured: it counts as using nothing", [100, 100, None], 50, 3, 4),
        ("one pod is not measured: nothing shrinks by it", [20, None], 50, 2, 2),
        ("growth and back is no growth", [60, None], 50, 2, 2),
    ],
)
def test_a_metric_asks_for_pods(
    what: str, used: list[float | None], target: float, current: int, want: int
) -> None:
    found = wish([Row(row) for row in used], target, current, percent=True)
    assert found is not None
    assert found.pods == want, what


def test_a_pod_that_is_not_ready_holds_growth_back() -> None:
    rows = [Row(100.0), Row(None, ready=False)]
    assert wish(rows, 50, 2, percent=True) == Wish(2, 100.0)
    assert wish([Row(200.0), Row(None, ready=False)], 50, 2, percent=True) == Wish(4, 200.0)


def test_without_a_measured_pod_nothing_is_asked() -> None:
    assert wish([Row(None), Row(None, ready=False)], 50, 2, percent=True) is None


@pytest.mark.parametrize(
    ("what", "wishes", "current", "recent", "want", "limit"),
    [
        ("the largest wish counts", [2, 3], 2, [], 3, ""),
        ("a recent wish holds shrinking back", [1], 5, [4], 4, ""),
        ("a recent wish does not make it grow", [1], 5, [9], 5, ""),
        ("growth by four pods in a step", [20], 2, [], 6, "ScaleUpLimit"),
        ("growth to twice in a step", [40], 8, [], 16, "ScaleUpLimit"),
        ("never above the maximum", [40], 18, [], 20, "TooManyReplicas"),
        ("never below the minimum", [0], 2, [], 1, "TooFewReplicas"),
    ],
)
def test_a_decision(
    what: str, wishes: list[int], current: int, recent: list[int], want: int, limit: str
) -> None:
    got = decide(wishes, current, 1, 20, recent)
    assert (got.pods, got.limit) == (want, limit), what


UP_ONE = {"scaleUp": {"policies": [{"type": "Pods", "value": 1, "periodSeconds": 60}]}}
DOWN_HALF = {
    "scaleDown": {
        "stabilizationWindowSeconds": 0,
        "policies": [{"type": "Percent", "value": 50, "periodSeconds": 60}],
    }
}
CALM_UP = {"scaleUp": {"stabilizationWindowSeconds": 60}}
NO_DOWN = {"scaleDown": {"selectPolicy": "Disabled", "stabilizationWindowSeconds": 0}}
SLOW = [
    {"type": "Percent", "value": 100, "periodSeconds": 15},
    {"type": "Pods", "value": 1, "periodSeconds": 15},
]
CAREFUL = {"scaleUp": {"selectPolicy": "Min", "policies": SLOW}}


@pytest.mark.parametrize(
    ("what", "said", "wanted", "recent", "changes", "want", "limit"),
    [
        ("one pod a minute", UP_ONE, 8, [], [], 5, "ScaleUpLimit"),
        ("one came half a minute ago", UP_ONE, 8, [], [(70.0, 1)], 4, "ScaleUpLimit"),
        ("one came long ago", UP_ONE, 8, [], [(30.0, 1)], 5, "ScaleUpLimit"),
        ("at most half go in a minute", DOWN_HALF, 1, [], [], 2, "ScaleDownLimit"),
        ("half have gone", DOWN_HALF, 1, [], [(70.0, -4)], 4, "ScaleDownLimit"),
        ("the least of the last minute", CALM_UP, 8, [(50.0, 5)], [], 5, ""),
        ("never fewer", NO_DOWN, 1, [], [], 4, "ScaleDownLimit"),
        ("the smallest step", CAREFUL, 9, [], [], 5, "ScaleUpLimit"),
        ("shrinking waits five minutes by default", UP_ONE, 1, [(50.0, 4)], [], 4, ""),
        ("never above the maximum", DOWN_HALF, 30, [], [], 8, "ScaleUpLimit"),
    ],
)
def test_behavior(
    what: str,
    said: dict[str, Any],
    wanted: int,
    recent: list[tuple[float, int]],
    changes: list[tuple[float, int]],
    want: int,
    limit: str,
) -> None:
    rules = behavior.behavior_of({"spec": {"behavior": said}})
    assert rules is not None
    got = behavior.decide(rules, wanted, 4, (1, 20), recent, changes, 100.0)
    assert (got.pods, got.limit) == (want, limit), what


def autoscaler(**notes: str) -> dict[str, Any]:
    annotations = {f"autoscaling.knative.dev/{k.replace('_', '-')}": v for k, v in notes.items()}
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "r-deployment"}
    return {
        "metadata": {"name": "r", "namespace": "a", "labels": {"x": "y"}, "annotations": annotations},
        "spec": {"scaleTargetRef": target},
    }


def made(**notes: str) -> dict[str, Any]:
    owner = autoscaler(**notes)
    settings = settings_of(owner["metadata"]["annotations"], 0, reachable=True, config=Config())
    return dict(make_hpa(owner, settings)["spec"])


def test_the_object_has_the_bounds_and_the_metric_of_the_annotations() -> None:
    spec = made(metric="cpu", target="74.3", min_scale="2", max_scale="5")
    assert (spec["minReplicas"], spec["maxReplicas"]) == (2, 5)
    target = {"type": "Utilization", "averageUtilization": 75}
    assert spec["metrics"] == [{"type": "Resource", "resource": {"name": "cpu", "target": target}}]


def test_memory_is_in_mebibytes_and_other_metrics_are_of_the_pods() -> None:
    (memory,) = made(metric="memory", target="200")["metrics"]
    assert memory["resource"]["target"] == {"type": "AverageValue", "averageValue": "200Mi"}
    (other,) = made(metric="queue-length", target="3")["metrics"]
    assert other["pods"]["metric"] == {"name": "queue-length"}
    with pytest.raises(Unreadable, match="are not measured"):
        metrics_of({"spec": {"metrics": [other]}})


def test_without_annotations_there_is_no_limit_and_no_metric() -> None:
    spec = made()
    assert spec["maxReplicas"] == NO_LIMIT
    assert {"minReplicas", "metrics"}.isdisjoint(spec)
    assert metrics_of({"spec": spec}) == [Metric("cpu", 80, percent=True)]


def pod(name: str, request: str | None = "100m") -> dict[str, Any]:
    resources = {"requests": {"cpu": request}} if request else {}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": "a", "uid": name, "labels": {"app": "r"}},
        "spec": {"containers": [{"name": "user-container", "resources": resources}]},
        "status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]},
    }


def test_a_percentage_needs_a_request() -> None:
    with pytest.raises(Unreadable, match="missing request for cpu in container user-container of Pod p"):
        rows_of(Metric("cpu", 50, percent=True), [pod("p", None)], {}, 0.0)


def stored(replicas: int) -> tuple[dict[str, Any], dict[str, Any]]:
    deployment = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "r-deployment", "namespace": "a", "uid": "d"},
        "spec": {"replicas": replicas, "selector": {"matchLabels": {"app": "r"}}},
    }
    hpa = {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": "r", "namespace": "a", "uid": "h", "generation": 1},
        "spec": made(metric="cpu", target="50", max_scale="10"),
    }
    return deployment, hpa


def test_from_two_readings_to_a_new_size() -> None:
    """200 % of the request, measured over 15 s, on one pod with a target of 50 %: four pods."""
    clock = FakeClock()
    seconds = iter((1.0, 4.0))

    async def read(uids: Collection[str]) -> Mapping[str, Reading]:
        spent = next(seconds)
        return {uid: Reading(spent, 5e7) for uid in uids}

    async def scenario() -> tuple[World, World]:
        deployment, hpa = stored(1)
        loop = Loop(Stored(deployment, hpa, pod("p")).snapshot, read, clock)
        await loop.turn()
        first = World(hpa, loop.verdict(KEY))
        clock._now += 15.0
        await loop.turn()
        return first, World(hpa, loop.verdict(KEY))

    first, second = asyncio.run(scenario())
    blind = plan(first, 0.0)
    assert not blind.others
    assert blind.status is not None
    assert blind.status["conditions"][1]["reason"] == "FailedGetResourceMetric"
    sized = plan(second, 0.0)
    assert [o["spec"] for o in sized.others] == [{"replicas": 4}]
    assert sized.status is not None
    (metric,) = sized.status["currentMetrics"]
    assert metric["resource"]["current"] == {"averageUtilization": 200}
    assert [n.message for n in sized.notes] == [
        "New size: 4; reason: cpu resource utilization (percentage of request) above target"
    ]


def test_a_target_at_zero_is_left_alone() -> None:
    async def read(uids: Collection[str]) -> Mapping[str, Reading]:
        return {}

    async def scenario() -> World:
        deployment, hpa = stored(0)
        loop = Loop(Stored(deployment, hpa).snapshot, read, FakeClock())
        await loop.turn()
        return World(hpa, loop.verdict(KEY))

    got = plan(asyncio.run(scenario()), 0.0)
    assert not got.others
    assert got.status is not None
    assert got.status["conditions"][1]["reason"] == "ScalingDisabled"
