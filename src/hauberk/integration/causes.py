"""Why something is not ready, told in a few lines: pure, over evidence that `evidence` fetched."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from hauberk.base.problems import Problem
from hauberk.base.refs import Json, Ref, ref_of
from hauberk.integration.readiness import is_silent, judge, not_true
from hauberk.integration.redact import redacted_text
from hauberk.integration.stages import Ready

MOST_PODS = 3
MOST_EVENTS = 4
MOST_LINES = 5

OPERATORS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "maistra.io": ("OpenShift Service Mesh Operator 2.x", ("istio-operator",)),
    "sailoperator.io": (
        "OpenShift Service Mesh Operator 3.x",
        ("servicemesh-operator3", "sail-operator", "istio-operator"),
    ),
    "operator.knative.dev": (
        "OpenShift Serverless Operator",
        ("knative-openshift", "knative-operator-webhook", "knative-operator"),
    ),
    "operator.serverless.openshift.io": ("OpenShift Serverless Operator", ("knative-openshift",)),
}
"""API group → who acts on its objects, and the Deployments that do it.

Source: openshift-knative/serverless-operator and istio-ecosystem/sail-operator, their bundles' CSVs.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What was seen when the time was up. `logs`: pod name → the last lines of what is not ready in it."""

    obj: Json | None
    pods: Sequence[Json] = ()  # those that are not ready, where the object's workloads run
    events: Sequence[Json] = ()  # Warnings about the object and in these namespaces, oldest first
    logs: Mapping[str, str] = field(default_factory=dict)
    operators: Sequence[Json] | None = None  # the Deployments of its operator; None: not asked


def make_problem(wanted: Ready, evidence: Evidence) -> Problem:
    """The Problem of an object that was not ready in time, with every cause that is seen."""
    seen = judge(wanted, evidence.obj).seen
    causes = [*_of_object(wanted.ref, evidence), *_of_pods(evidence), *_of_events(evidence.events)]
    lines = [line for line in dict.fromkeys(causes) if line != seen]
    return Problem(
        f"{wanted.ref} is not ready after {wanted.within_s:g} s",
        wanted=_wanted(wanted),
        found="\n          ".join([seen, *lines] if seen else lines) or "nothing that says why",
        fix=_fix(wanted, evidence),
    )


def is_unready(pod: Json) -> bool:
    """Whether the pod runs, or tries to, and is not ready."""
    status = pod.get("status") or {}
    if status.get("phase") in ("Succeeded",) or pod["metadata"].get("deletionTimestamp"):
        return False
    ready = [c for c in status.get("conditions") or () if c.get("type") == "Ready"]
    return not ready or ready[0].get("status") != "True"


def containers_not_ready(pod: Json) -> tuple[tuple[str, str], ...]:
    """(container, why) of those that are not ready."""
    status = pod.get("status") or {}
    rows = [*(status.get("initContainerStatuses") or ()), *(status.get("containerStatuses") or ())]
    return tuple((row["name"], _state(row)) for row in rows if not row.get("ready") and _state(row))


def _wanted(wanted: Ready) -> str:
    texts = {"exists": "the object", "available": "all its replicas available"}
    texts["configured"] = "every member configured"
    return texts.get(wanted.condition, f"condition {wanted.condition}=True")


def _of_object(ref: Ref, evidence: Evidence) -> Iterable[str]:
    yield from not_true(evidence.obj)
    if evidence.operators is None or not is_silent(evidence.obj):
        return
    name, _ = OPERATORS[ref.kind.partition(".")[2]]
    if not evidence.operators:
        yield f"no operator acts on it: there is no Deployment of the {name} in the cluster"
    for deployment in evidence.operators:
        verdict = judge(Ready(ref=ref, condition="available", within_s=0), deployment)
        where = f"{deployment['metadata']['namespace']}/{deployment['metadata']['name']}"
        yield f"its operator, Deployment {where}: {verdict.seen or 'available'}"


def _of_pods(evidence: Evidence) -> Iterable[str]:
    for pod in evidence.pods[:MOST_PODS]:
        ref = ref_of(pod)
        states = containers_not_ready(pod)
        why = "; ".join(f"{name}: {state}" for name, state in states) or _pod_reason(pod)
        yield f"{ref} is not ready: {why}"
        for line in redacted_text(evidence.logs.get(ref.name, "")).splitlines()[-MOST_LINES:]:
            yield f"  {line[:200]}"
    if len(evidence.pods) > MOST_PODS:
        yield f"and {len(evidence.pods) - MOST_PODS} more pods that are not ready"


def _of_events(events: Sequence[Json]) -> Iterable[str]:
    for event in events[-MOST_EVENTS:]:
        about = event.get("involvedObject") or event.get("regarding") or {}
        text = redacted_text(event.get("message") or event.get("note") or "")
        yield f"event on {about.get('kind')} {about.get('name')}: {event.get('reason')}: {text[:200]}"


def _state(row: Json) -> str:
    state: Mapping[str, Any] = row.get("state") or {}
    for kind in ("waiting", "terminated"):
        if kind in state:
            detail = state[kind] or {}
            if kind == "terminated" and detail.get("exitCode") == 0:
                return ""
            return ": ".join(p for p in (detail.get("reason", kind), detail.get("message", "")) if p)[:200]
    return "runs, and its readiness probe does not succeed" if "running" in state else ""


def _pod_reason(pod: Json) -> str:
    told = not_true(pod)
    return told[0] if told else str((pod.get("status") or {}).get("phase", "no status"))


def _fix(wanted: Ready, evidence: Evidence) -> str:
    ref = wanted.ref
    again = "then run the same command again: it goes on here"
    if evidence.operators is not None and not evidence.operators and is_silent(evidence.obj):
        name, _ = OPERATORS[ref.kind.partition(".")[2]]
        return f"install the {name}, {again}"
    if evidence.pods:
        pod = ref_of(evidence.pods[0])
        return f"kubectl describe pod {pod.name} -n {pod.namespace}, {again}"
    where = f" -n {ref.namespace}" if ref.namespace else ""
    return f"kubectl describe {ref.kind.lower()} {ref.name}{where}, {again}"
