"""Which old revisions are deleted. Pure.

Source: knative/serving pkg/gc/gc.go, Collect.
"""

from __future__ import annotations

from collections.abc import Sequence

from hauberk.base.refs import Json, annotations_of, labels_of
from hauberk.base.times import epoch
from hauberk.serving.config.gc import Retention
from hauberk.serving.names import A_STATE_TIME, L_STATE

A_KEEP = "serving.knative.dev/no-gc"


def stale(revisions: Sequence[Json], used: set[str], rule: Retention, now: float) -> set[str]:
    """Names of the revisions to delete. `used` are the latest created and the latest ready one.

    | non-active revisions                          | deleted                                 |
    |-----------------------------------------------|-----------------------------------------|
    | at most `min_non_active`                      | none                                    |
    | more, and past both ages                      | oldest first, down to `min_non_active`  |
    | more than `max_non_active`                    | oldest first, down to `max_non_active`  |
    """
    idle = [r for r in revisions if _is_idle(r) and r["metadata"]["name"] not in used]
    idle.sort(key=_last_active)
    gone: set[str] = set()
    for revision in idle:
        if len(idle) - len(gone) <= rule.min_non_active:
            return gone
        if _is_past(revision, rule, now):
            gone.add(revision["metadata"]["name"])
    if rule.max_non_active is None:
        return gone
    left = [r["metadata"]["name"] for r in idle if r["metadata"]["name"] not in gone]
    return gone | set(left[: max(0, len(left) - rule.max_non_active)])


def _is_idle(revision: Json) -> bool:
    kept = annotations_of(revision).get(A_KEEP, "").lower() == "true"
    return not kept and labels_of(revision).get(L_STATE) != "active"


def _last_active(revision: Json) -> float:
    created = _epoch(revision["metadata"].get("creationTimestamp"))
    return _epoch(annotations_of(revision).get(A_STATE_TIME), created)


def _is_past(revision: Json, rule: Retention, now: float) -> bool:
    if rule.since_create_s is None and rule.since_last_active_s is None:
        return False
    created = _epoch(revision["metadata"].get("creationTimestamp"), now)
    young = rule.since_create_s is not None and now - created < rule.since_create_s
    recent = rule.since_last_active_s is not None and now - _last_active(revision) < rule.since_last_active_s
    return not (young or recent)


def _epoch(text: str | None, default: float = 0.0) -> float:
    return epoch(text) if text else default
