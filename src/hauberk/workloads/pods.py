"""What workloads need to know of a pod: active, ready, available."""

from __future__ import annotations

from collections.abc import Sequence

from hauberk.base.conditions import condition
from hauberk.base.refs import Json, controller_of, is_deleting, labels_of
from hauberk.base.times import epoch
from hauberk.kinds.apps.selector import LabelSelector, matches
from hauberk.ports import Snapshot

ENDED = ("Succeeded", "Failed")


def is_active(pod: Json) -> bool:
    """Neither ended nor being deleted."""
    return not is_deleting(pod) and (pod.get("status") or {}).get("phase") not in ENDED


def is_ready(pod: Json) -> bool:
    """Whether the pod's Ready condition is True."""
    return (condition(pod, "Ready") or {}).get("status") == "True"


def ready_since(pod: Json) -> float:
    """When the Ready condition last changed, in seconds; 0 when it says nothing."""
    time = (condition(pod, "Ready") or {}).get("lastTransitionTime")
    return epoch(time) if time else 0.0


def available_in(pod: Json, min_ready_s: int, now: float) -> float | None:
    """Seconds until the pod has been ready long enough: 0 when it has, None when it is not ready."""
    if not is_ready(pod):
        return None
    return 0.0 if not min_ready_s else max(0.0, ready_since(pod) + min_ready_s - now)


def pods_of(snapshot: Snapshot, owner: Json) -> Sequence[Json]:
    """The pods whose controller is `owner`."""
    uid = owner["metadata"]["uid"]
    return [p for p in snapshot.owned_by(uid, ("Pod",)) if (controller_of(p) or {}).get("uid") == uid]


def orphans(snapshot: Snapshot, namespace: str, selector: LabelSelector) -> Sequence[Json]:
    """Active pods that match and that nobody controls."""
    return [
        p
        for p in snapshot.list("Pod", namespace, selector.match_labels)
        if controller_of(p) is None and is_active(p) and matches(selector, labels_of(p))
    ]
