"""Evictions (`POST …/pods/NAME/eviction`, `kubectl drain`) keep to the budgets of a pod.

The decision is made from the pods as they are in this moment, so evictions that come together cannot
overdraw a budget.

Source: kubernetes pkg/registry/core/pod/storage/eviction.go (Create, checkAndDecrement, canIgnorePDB).
"""

from __future__ import annotations

from hauberk.base.apierrors import ApiError, TooManyRequests
from hauberk.base.fields import FieldError
from hauberk.base.refs import Json, is_deleting, labels_of, ref_of
from hauberk.kinds.apps.selector import matches
from hauberk.kinds.policy.poddisruptionbudget import KIND
from hauberk.ports import Snapshot
from hauberk.ports_admission import Admission, Outcome, Request
from hauberk.workloads.disruption.budget import Allowance, World, allowance, observe
from hauberk.workloads.pods import ENDED, is_ready

_REFUSED = "Cannot evict pod as it would violate the pod's disruption budget."
_SEVERAL = "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support."
RETRY_S = 10


def admit(request: Request) -> Outcome:
    """Refuse an eviction that the pod's budget does not allow. TooManyRequests."""
    pod = request.old
    if request.subresource != "eviction" or pod is None or _is_free(pod):
        return Outcome()
    found = budgets_of(request.snapshot, pod)
    if len(found) > 1:
        raise ApiError(_SEVERAL)
    for world in found:
        judge(world, pod)
    return Outcome()


def _is_free(pod: Json) -> bool:
    """Pods that do not run yet or any more need no budget."""
    phase = (pod.get("status") or {}).get("phase", "Pending")
    return phase in (*ENDED, "Pending") or is_deleting(pod)


def budgets_of(snapshot: Snapshot, pod: Json) -> list[World]:
    """The budgets that select the pod."""
    out = []
    for raw in snapshot.list(KIND.id, pod["metadata"].get("namespace", "")):
        selector = KIND.parse(raw).spec.selector
        if selector is not None and matches(selector, labels_of(pod)):
            world = observe(snapshot, ref_of(raw))
            out += [world] if world is not None else []
    return out


def judge(world: World, pod: Json) -> None:
    """One budget. TooManyRequests."""
    found = allowance(world)
    if not is_ready(pod):
        if world.spec.unhealthy_pod_eviction_policy == "AlwaysAllow":
            return
        if found is not None and found.healthy >= found.desired > 0:
            return
    if found is None or found.allowed <= 0:
        name = world.raw["metadata"]["name"]
        raise TooManyRequests(_REFUSED, causes=(_cause(name, found),), retry_after_s=RETRY_S)


def _cause(name: str, found: Allowance | None) -> FieldError:
    if found is None:
        text = f"The disruption budget {name} does not say how many pods it needs"
    else:
        has = f"needs {found.desired} healthy pods and has {found.healthy} currently"
        text = f"The disruption budget {name} {has}"
    return FieldError("", text, "DisruptionBudget")


ADMISSION = Admission(name="disruption-budget", kinds=("Pod",), operations=("DELETE",), admit=admit)
