"""HorizontalPodAutoscaler → the size of its target, and its status. Pure, but for the verdict by closure.

Source: kubernetes pkg/controller/podautoscaler/horizontal.go (reconcileAutoscaler, setStatus).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from hauberk.autoscaler.hpa.decide import Wish
from hauberk.autoscaler.hpa.loop import KIND, Loop, Verdict
from hauberk.autoscaler.hpa.rows import Metric
from hauberk.base.conditions import Condition
from hauberk.base.refs import Json, Ref
from hauberk.base.times import rfc3339
from hauberk.engine.plan import Controller, Note, Plan
from hauberk.ports import Snapshot

NAME = "horizontalpodautoscaler"
_LIMITS = {
    "": ("False", "DesiredWithinRange", "the desired count is within the acceptable range"),
    "TooManyReplicas": (
        "True", "TooManyReplicas", "the desired replica count is more than the maximum replica count",
    ),
    "TooFewReplicas": (
        "True", "TooFewReplicas", "the desired replica count is less than the minimum replica count",
    ),
    "ScaleUpLimit": (
        "True", "ScaleUpLimit", "the desired replica count is increasing faster than the maximum scale rate",
    ),
    "ScaleDownLimit": (
        "True",
        "ScaleDownLimit",
        "the desired replica count is decreasing faster than the maximum scale rate",
    ),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class World:
    """One autoscaler and what follows from its pods' use."""

    hpa: Json
    verdict: Verdict | None


def plan(world: World, now: float) -> Plan:
    """The target's size and the status; nothing before the first measurement."""
    verdict = world.verdict
    if verdict is None:
        return Plan()
    status: dict[str, Any] = {"currentReplicas": verdict.current, "desiredReplicas": 0}
    before = (world.hpa.get("status") or {}).get("lastScaleTime")
    if verdict.decision is None:
        active = Condition("ScalingActive", "False", verdict.reason, verdict.message)
        rows = [_able(False), active]
        status |= {"conditions": [row.as_json() for row in rows]}
        if before:
            status["lastScaleTime"] = before
        note = Note(verdict.reason, verdict.message, "Warning")
        return Plan(status=status, notes=(note,) if verdict.reason != "ScalingDisabled" else ())
    pods = verdict.decision.pods
    changes = pods != verdict.current
    scaled = rfc3339(now) if changes else before
    status |= {
        "desiredReplicas": pods,
        "currentMetrics": [_current(*row) for row in verdict.seen],
        "conditions": [row.as_json() for row in _conditions(verdict, verdict.decision.stabilized)],
        **({"lastScaleTime": scaled} if scaled else {}),
    }
    if not changes:
        return Plan(status=status)
    text = f"New size: {pods}; reason: {_why(verdict)}"
    return Plan(others=(_scale(world.hpa, pods),), status=status, notes=(Note("SuccessfulRescale", text),))


def _able(stabilized: bool) -> Condition:
    if stabilized:
        text = (
            "recent recommendations were higher than current one, applying the highest recent recommendation"
        )
        return Condition("AbleToScale", "True", "ScaleDownStabilized", text)
    return Condition("AbleToScale", "True", "ReadyForNewScale", "recommended size matches current size")


def _conditions(verdict: Verdict, stabilized: bool) -> tuple[Condition, ...]:
    assert verdict.decision is not None, "the caller looked"
    metric = verdict.seen[0][0]
    what = f"{metric.name} resource" + (" utilization (percentage of request)" if metric.percent else "")
    found = f"the HPA was able to successfully calculate a replica count from {what}"
    status, reason, text = _LIMITS[verdict.decision.limit]
    return (
        _able(stabilized),
        Condition("ScalingActive", "True", "ValidMetricFound", found),
        Condition("ScalingLimited", "True" if status == "True" else "False", reason, text),
    )


def _why(verdict: Verdict) -> str:
    assert verdict.decision is not None, "the caller looked"
    if verdict.decision.pods < verdict.current:
        return "All metrics below target"
    metric = max(verdict.seen, key=lambda row: row[1].pods)[0]
    share = "utilization (percentage of request) " if metric.percent else ""
    return f"{metric.name} resource {share}above target"


def _current(metric: Metric, found: Wish) -> Json:
    mean = found.mean
    value = f"{round(mean * 1000)}m" if metric.name == "cpu" else str(round(mean))
    current = {"averageUtilization": round(mean)} if metric.percent else {"averageValue": value}
    return {"type": "Resource", "resource": {"name": metric.name, "current": current}}


def _scale(hpa: Json, pods: int) -> Json:
    target = hpa["spec"]["scaleTargetRef"]
    return {
        "apiVersion": target["apiVersion"],
        "kind": target["kind"],
        "metadata": {"name": target["name"], "namespace": hpa["metadata"]["namespace"]},
        "spec": {"replicas": pods},
    }


def controllers(loop: Loop) -> tuple[Controller[Any], ...]:
    """The row, with the loop's verdicts by closure."""

    def observe(snapshot: Snapshot, ref: Ref) -> World | None:
        hpa = snapshot.get(ref)
        return None if hpa is None else World(hpa, loop.verdict(ref))

    return (Controller(name=NAME, kind=KIND, observe=observe, plan=plan),)


def waker(wake: Callable[[str, Ref], None]) -> Callable[[Ref], None]:
    """What `Loop.wake` takes, from `Engine.wake`."""
    return lambda ref: wake(NAME, ref)
