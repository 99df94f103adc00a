"""PodDisruptionBudget, ResourceQuota and LimitRange: what is allowed, and upstream's words when it is not."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from hauberk.base.apierrors import Forbidden, TooManyRequests
from hauberk.base.refs import Ref
from hauberk.kinds.core import limitrange
from hauberk.ports_admission import Request
from hauberk.testing.stored import Stored
from hauberk.workloads.disruption import budget, evict
from hauberk.workloads.quota import limits, quota
from hauberk.workloads.quota.amounts import written

Raw = dict[str, Any]


def pod(name: str, *, ready: bool = True, phase: str = "Running", owner: str = "", **resources: Any) -> Raw:
    meta: Raw = {"name": name, "namespace": "a", "uid": name, "labels": {"app": "web"}}
    if owner:
        meta["ownerReferences"] = [
            {"apiVersion": "apps/v1", "kind": "StatefulSet", "name": owner, "uid": owner, "controller": True}
        ]
    status = {"phase": phase, "conditions": [{"type": "Ready", "status": str(ready)}]}
    containers = [{"name": "c", "image": "a:1", **({"resources": resources} if resources else {})}]
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": meta,
        "spec": {"containers": containers},
        "status": status,
    }


def a_budget(name: str = "web", **spec: Any) -> Raw:
    meta = {"name": name, "namespace": "a", "uid": name}
    body = {"selector": {"matchLabels": {"app": "web"}}, **spec}
    return {"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": meta, "spec": body}


def scaled(replicas: int) -> Raw:
    meta = {"name": "db", "namespace": "a", "uid": "db"}
    return {"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": meta, "spec": {"replicas": replicas}}


def request(obj: Raw | None, *stored: Raw, old: Raw | None = None, subresource: str = "") -> Request:
    about = obj or old or {}
    return Request(
        kind="Pod" if about.get("kind") == "Pod" else about["kind"],
        operation="CREATE" if obj else "DELETE",
        obj=obj,
        old=old,
        namespace="a",
        subresource=subresource,
        user="me",
        snapshot=Stored(*stored).snapshot(),
        options={},
    )


@pytest.mark.parametrize(
    ("situation", "spec", "pods", "want"),
    [
        ("all but two may go", {"minAvailable": 2}, [pod("x"), pod("y"), pod("z")], (3, 2, 3, 1)),
        ("one is not ready", {"minAvailable": 2}, [pod("x"), pod("y"), pod("z", ready=False)], (2, 2, 3, 0)),
        ("half of four, rounded up", {"minAvailable": "50%"}, [pod("x", owner="db")] * 4, (4, 2, 4, 2)),
        ("one of four may be missing", {"maxUnavailable": 1}, [pod("x", owner="db")] * 3, (3, 3, 4, 0)),
    ],
)
def test_budgets(situation: str, spec: Raw, pods: list[Raw], want: tuple[int, ...]) -> None:
    raw = a_budget(**spec)
    rows = [{**p, "metadata": {**p["metadata"], "name": f"p{i}", "uid": f"p{i}"}} for i, p in enumerate(pods)]
    world = budget.observe(
        Stored(raw, scaled(4), *rows).snapshot(), Ref("PodDisruptionBudget.policy", "a", "web")
    )
    assert world is not None
    status = budget.plan(world, 0).status or {}
    keys = ("currentHealthy", "desiredHealthy", "expectedPods", "disruptionsAllowed")
    assert tuple(status[k] for k in keys) == want, situation


def test_without_a_controller_a_percentage_cannot_be_known() -> None:
    raw = a_budget(maxUnavailable=1)
    world = budget.observe(Stored(raw, pod("x")).snapshot(), Ref("PodDisruptionBudget.policy", "a", "web"))
    assert world is not None
    got = budget.plan(world, 0)
    assert got.status is not None
    assert got.status["conditions"][0]["reason"] == "SyncFailed"


def test_an_eviction_beyond_the_budget_is_refused_and_says_what_is_needed() -> None:
    rows = (a_budget(minAvailable=1), pod("x"))
    with pytest.raises(TooManyRequests) as caught:
        evict.admit(request(None, *rows, old=pod("x"), subresource="eviction"))
    status = caught.value.status()
    assert status["code"] == 429
    assert status["details"]["causes"][0]["reason"] == "DisruptionBudget"
    assert "needs 1 healthy pods and has 1 currently" in status["details"]["causes"][0]["message"]


@pytest.mark.parametrize(
    ("situation", "gone", "sub"),
    [
        ("a plain deletion", pod("x"), ""),
        ("a pod that has ended", pod("x", phase="Succeeded"), "eviction"),
        ("a pod that waits", pod("x", phase="Pending"), "eviction"),
        ("a pod of somebody else", {**pod("x"), "metadata": {"name": "x", "namespace": "a"}}, "eviction"),
    ],
)
def test_what_budgets_do_not_hold(situation: str, gone: Raw, sub: str) -> None:
    evict.admit(request(None, a_budget(minAvailable=1), gone, old=gone, subresource=sub))


def a_quota(**hard: Any) -> Raw:
    names = {k.replace("__", "."): v for k, v in hard.items()}
    meta = {"name": "q", "namespace": "a", "uid": "q"}
    return {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": meta, "spec": {"hard": names}}


def test_a_quota_counts_what_runs() -> None:
    rows = (
        pod("x", requests={"cpu": "250m", "memory": "64Mi"}),
        pod("y", requests={"cpu": "1", "memory": "64Mi"}),
        pod("z", phase="Succeeded", requests={"cpu": "1"}),
    )
    raw = a_quota(pods="5", requests__cpu="2", memory="1Gi", **{"count/pods": "9"})
    world = quota.observe(Stored(raw, *rows).snapshot(), Ref("ResourceQuota", "a", "q"))
    assert world is not None
    status = quota.plan(world, 0).status or {}
    assert status["used"] == {"pods": "2", "requests.cpu": "1250m", "memory": "128Mi", "count/pods": "3"}


@pytest.mark.parametrize(
    ("situation", "hard", "text"),
    [
        ("too many", {"pods": "1"}, "exceeded quota: q, requested: pods=1, used: pods=1, limited: pods=1"),
        (
            "too much",
            {"requests__cpu": "1"},
            "exceeded quota: q, requested: requests.cpu=600m, "
            "used: requests.cpu=600m, limited: requests.cpu=1",
        ),
        ("says nothing", {"limits__memory": "1Gi"}, "failed quota: q: must specify limits.memory for: c"),
    ],
)
def test_a_pod_beyond_a_quota(situation: str, hard: Raw, text: str) -> None:
    new = pod("new", requests={"cpu": "600m"})
    with pytest.raises(Forbidden) as caught:
        quota.admit(request(new, a_quota(**hard), pod("x", requests={"cpu": "600m"})))
    assert caught.value.message == f'pods "new" is forbidden: {text}', situation


def test_scopes_choose_pods() -> None:
    raw = a_quota(pods="0")
    raw["spec"]["scopes"] = ["BestEffort"]
    quota.admit(request(pod("new", requests={"cpu": "1"}), raw))
    with pytest.raises(Forbidden):
        quota.admit(request(pod("new"), raw))


def bounds(**item: Any) -> Raw:
    meta = {"name": "l", "namespace": "a", "uid": "l"}
    raw = {
        "apiVersion": "v1",
        "kind": "LimitRange",
        "metadata": meta,
        "spec": {"limits": [{"type": "Container", **item}]},
    }
    return limitrange.KIND.default(raw)


def test_a_container_that_says_nothing_gets_the_defaults() -> None:
    made = limits.fill(request(pod("x"), bounds(default={"cpu": "500m"}, defaultRequest={"cpu": "100m"}))).obj
    assert made is not None
    assert made["spec"]["containers"][0]["resources"] == {
        "limits": {"cpu": "500m"},
        "requests": {"cpu": "100m"},
    }
    note = made["metadata"]["annotations"][limits.NOTE]
    assert note == "LimitRanger plugin set: cpu request for container c; cpu limit for container c"


@pytest.mark.parametrize(
    ("item", "resources", "text"),
    [
        (
            {"max": {"cpu": "1"}},
            {"limits": {"cpu": "2"}},
            "maximum cpu usage per Container is 1, but limit is 2",
        ),
        ({"max": {"cpu": "1"}}, {}, "maximum cpu usage per Container is 1.  No limit is specified"),
        (
            {"min": {"memory": "64Mi"}},
            {"requests": {"memory": "32Mi"}},
            "minimum memory usage per Container is 64Mi, but request is 32Mi",
        ),
        (
            {"maxLimitRequestRatio": {"cpu": "2"}},
            {"requests": {"cpu": "100m"}, "limits": {"cpu": "400m"}},
            "cpu max limit to request ratio per Container is 2, but provided ratio is 4.000000",
        ),
    ],
)
def test_out_of_bounds(item: Raw, resources: Raw, text: str) -> None:
    with pytest.raises(Forbidden) as caught:
        limits.check(request(pod("x", **resources), bounds(**item)))
    assert caught.value.message == f'pods "x" is forbidden: {text}'


@pytest.mark.parametrize(
    ("value", "binary", "text"),
    [
        ("0.15", False, "150m"),
        ("1000", False, "1k"),
        ("67108864", True, "64Mi"),
        ("1500", False, "1500"),
        ("0", True, "0"),
    ],
)
def test_amounts_are_written_as_kubernetes_writes_them(value: str, binary: bool, text: str) -> None:
    assert written(Decimal(value), binary=binary) == text
