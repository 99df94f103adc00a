"""Watching the probe service and its pods."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from hauberk.base.conditions import condition, is_true
from hauberk.base.refs import Json, Ref, is_deleting
from hauberk.integration.verify.model import Plan, Verdict
from hauberk.integration.verify.polling import until
from hauberk.integration.verify.traces import KSERVICE
from hauberk.kubeclient import Kube

SERVICE_LABEL = "serving.knative.dev/service"
PROXY = "istio-proxy"


def service_ref(plan: Plan) -> Ref:
    """The probe service."""
    return Ref(KSERVICE, plan.namespace, plan.service)


async def wait_for_service(kube: Kube, plan: Plan) -> Verdict:
    """Until the probe service is ready, or cannot become so; its pod must have a sidecar."""
    ref = service_ref(plan)
    found, ready = await until(lambda: kube.find(ref), is_true, plan.wish.within_s)
    if not ready:
        return Verdict("fail", f"not ready after {plan.wish.within_s:g} s: {_why(found)}")
    pods = await fetch_pods(kube, plan)
    if not all(has_sidecar(pod) for pod in pods):
        return Verdict("fail", f"ready, but its pod has no sidecar: {plan.namespace} is not in the mesh")
    return Verdict("pass", "Ready, with a sidecar" if pods else "Ready")


def has_sidecar(pod: Json) -> bool:
    """Whether the pod has the mesh's proxy, as a container or as a native sidecar."""
    spec = pod.get("spec") or {}
    rows = [*(spec.get("containers") or ()), *(spec.get("initContainers") or ())]
    return any(row.get("name") == PROXY for row in rows)


def _why(found: Json | None) -> str:
    for name in ("ConfigurationsReady", "RoutesReady", "Ready"):
        row = condition(found, name)
        if row is not None and row.get("status") != "True":
            return f"{name}: {row.get('reason', '')}: {row.get('message', '')}".strip(": ")
    return "its controller has said nothing: does KnativeServing run?"


async def fetch_pods(kube: Kube, plan: Plan, revision: str = "") -> Sequence[Json]:
    """The service's pods, or those of one revision; without those that are being deleted."""
    labels = {SERVICE_LABEL: plan.service}
    if revision:
        labels["serving.knative.dev/revision"] = revision
    pods = await kube.list("Pod", plan.namespace, labels)
    return [pod for pod in pods if not is_deleting(pod)]


async def fetch_all_pods(kube: Kube, plan: Plan) -> Sequence[Json]:
    """The service's pods, with those that are being deleted."""
    return await kube.list("Pod", plan.namespace, {SERVICE_LABEL: plan.service})


async def wait_for_pods(
    kube: Kube, plan: Plan, enough: Callable[[int], bool], *, revision: str = "", ending: bool = False
) -> int | None:
    """Until the number of ready pods is `enough`; None when it was not so in time.

    `ending`: pods that are being deleted count as well.
    """

    async def count() -> int:
        if ending:
            return len(await fetch_all_pods(kube, plan))
        return sum(is_true(pod) for pod in await fetch_pods(kube, plan, revision))

    found, holds = await until(count, enough, plan.wish.within_s)
    return found if holds else None
