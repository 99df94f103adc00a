"""PodDisruptionBudget → how many of its pods may go now. Pure.

Source: kubernetes pkg/controller/disruption/disruption.go (getExpectedPodCount, countHealthyPods,
updatePdbStatus); staging/src/k8s.io/kubectl and apimachinery/pkg/util/intstr (rounding up).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any

from hauberk.base.refs import Json, Ref, controller_of, is_deleting, kind_of, labels_of, ref_of
from hauberk.engine.plan import Controller, Note, Plan
from hauberk.kinds.apps.selector import matches
from hauberk.kinds.policy.poddisruptionbudget import KIND, BudgetSpec
from hauberk.ports import Snapshot
from hauberk.workloads.pods import ENDED, is_ready

_SCALED = ("Deployment.apps", "ReplicaSet.apps", "StatefulSet.apps")


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """A budget and its pods. `scale`: what their controllers want together; None: one cannot be asked."""

    raw: Json
    spec: BudgetSpec
    pods: Sequence[Json]
    scale: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowance:
    """What a budget allows."""

    healthy: int
    desired: int
    expected: int
    allowed: int


def observe(snapshot: Snapshot, ref: Ref) -> World | None:
    """Read a budget, its pods, and the size of what controls them."""
    raw = snapshot.get(ref)
    if raw is None:
        return None
    spec = KIND.parse(raw).spec
    rows = snapshot.list("Pod", ref.namespace, spec.selector.match_labels if spec.selector else None)
    pods = [p for p in rows if spec.selector is not None and matches(spec.selector, labels_of(p))]
    pods = [p for p in pods if (p.get("status") or {}).get("phase") not in ENDED]
    return World(raw=raw, spec=spec, pods=tuple(pods), scale=_scale(snapshot, pods))


def _scale(snapshot: Snapshot, pods: Sequence[Json]) -> int | None:
    found: dict[str, int] = {}
    for pod in pods:
        top = _top(snapshot, pod)
        if top is None or kind_of(top) not in _SCALED:
            return None
        found[top["metadata"]["uid"]] = int((top.get("spec") or {}).get("replicas", 1))
    return sum(found.values())


def _top(snapshot: Snapshot, pod: Json) -> Json | None:
    """The Deployment above the ReplicaSet above the pod, or what controls it."""
    current: Json | None = pod
    found: Json | None = None
    while current is not None and (owner := controller_of(current)) is not None:
        ref = Ref(kind_of(owner), current["metadata"].get("namespace", ""), owner["name"])
        current = snapshot.get(ref)
        found = current or found
    return found


def amount(value: int | str, total: int) -> int:
    """A number, or a percentage rounded up."""
    return value if isinstance(value, int) else ceil(int(value.removesuffix("%")) * total / 100)


def allowance(world: World) -> Allowance | None:
    """What may go; None when the wanted number of pods cannot be known."""
    spec = world.spec
    healthy = sum(is_ready(p) and not is_deleting(p) for p in world.pods)
    if spec.max_unavailable is not None:
        if world.scale is None:
            return None
        expected = world.scale
        desired = max(0, expected - amount(spec.max_unavailable, expected))
    elif isinstance(spec.min_available, str):
        if world.scale is None:
            return None
        expected = world.scale
        desired = amount(spec.min_available, expected)
    else:
        expected, desired = len(world.pods), spec.min_available or 0
    allowed = max(0, healthy - desired) if expected > 0 else 0
    return Allowance(healthy=healthy, desired=desired, expected=expected, allowed=allowed)


def plan(world: World, _now: float) -> Plan:
    """The status."""
    found = allowance(world)
    if found is None:
        text = "found no controllers for a pod, or one without the scale subresource"
        return Plan(
            status=_status(Allowance(healthy=0, desired=0, expected=0, allowed=0), "SyncFailed", text),
            notes=(
                Note(
                    "CalculateExpectedPodCountFailed",
                    f"Failed to calculate the number of expected pods: {text}",
                    "Warning",
                ),
            ),
        )
    reason = "SufficientPods" if found.allowed > 0 else "InsufficientPods"
    notes = () if world.pods else (Note("NoPods", "No matching pods found"),)
    return Plan(status=_status(found, reason, ""), notes=notes)


def _status(found: Allowance, reason: str, message: str) -> dict[str, Any]:
    truth = "True" if reason == "SufficientPods" else "False"
    return {
        "currentHealthy": found.healthy,
        "desiredHealthy": found.desired,
        "disruptionsAllowed": found.allowed,
        "expectedPods": found.expected,
        "conditions": [{"type": "DisruptionAllowed", "status": truth, "reason": reason, "message": message}],
    }


def wake(pod: Json, snapshot: Snapshot) -> Sequence[Ref]:
    """From a pod to the budgets that count it."""
    out = []
    for raw in snapshot.list(KIND.id, pod["metadata"].get("namespace", "")):
        selector = KIND.parse(raw).spec.selector
        if selector is not None and matches(selector, labels_of(pod)):
            out.append(ref_of(raw))
    return out


def wake_all(obj: Json, snapshot: Snapshot) -> Sequence[Ref]:
    """From something that is scaled to the budgets of its namespace."""
    return [ref_of(raw) for raw in snapshot.list(KIND.id, obj["metadata"].get("namespace", ""))]


CONTROLLER = Controller(
    name="disruption",
    kind=KIND.id,
    wakes={"Pod": wake, **dict.fromkeys(_SCALED, wake_all)},
    observe=observe,
    plan=plan,
)
"""The status of a budget."""
