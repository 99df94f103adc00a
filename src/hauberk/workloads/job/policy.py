"""A Job's podFailurePolicy: the first rule that matches a failed pod. Pure.

Source: kubernetes pkg/controller/job/pod_failure_policy.go, matchPodFailurePolicy.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from hauberk.base.refs import Json
from hauberk.kinds.batch.job import ExitCodes, FailurePolicy, FailureRule


@dataclass(frozen=True, slots=True)
class Match:
    """What a rule says about a pod."""

    action: str
    message: str


def match(policy: FailurePolicy | None, pod: Json) -> Match | None:
    """The first rule that applies; None when no rule does, so the failure counts."""
    for i, rule in enumerate(policy.rules if policy else ()):
        found = _why(rule, pod)
        if found is not None:
            return Match(rule.action, f"{found} matching {rule.action} rule at index {i}")
    return None


def _why(rule: FailureRule, pod: Json) -> str | None:
    meta = pod["metadata"]
    who = f"{meta.get('namespace', '')}/{meta['name']}"
    if rule.on_exit_codes is not None:
        for name, code in _codes(pod):
            if _holds(rule.on_exit_codes, name, code):
                return f"Container {name} for pod {who} failed with exit code {code}"
        return None
    rows = {c["type"]: c["status"] for c in (pod.get("status") or {}).get("conditions") or ()}
    for wanted in rule.on_pod_conditions:
        if rows.get(wanted.get("type", "")) == (wanted.get("status") or "True"):
            return f"Pod {who} has condition {wanted['type']}"
    return None


def _codes(pod: Json) -> Iterator[tuple[str, int]]:
    """Containers that ended with another code than 0."""
    status = pod.get("status") or {}
    for row in (*(status.get("containerStatuses") or ()), *(status.get("initContainerStatuses") or ())):
        ended = (row.get("state") or {}).get("terminated")
        if ended and ended.get("exitCode"):
            yield row["name"], int(ended["exitCode"])


def _holds(codes: ExitCodes, name: str, code: int) -> bool:
    if codes.container_name not in (None, "", name):
        return False
    return (code in codes.values) == (codes.operator == "In")
