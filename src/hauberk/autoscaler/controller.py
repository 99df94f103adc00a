"""Wiring of the PodAutoscaler and Metric controllers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from hauberk.autoscaler.collector import KIND, KPA, config_of, settings_for
from hauberk.autoscaler.config import NAME
from hauberk.autoscaler.facts import Facts, Key
from hauberk.autoscaler.plan import World, plan
from hauberk.autoscaler.pods import L_REVISION, SYSTEM, count, pods_of
from hauberk.base.conditions import Condition
from hauberk.base.refs import Json, Ref, annotations_of, controller_of, labels_of, ref_of
from hauberk.engine.plan import Controller, Plan
from hauberk.ports import Snapshot

SKS = "ServerlessService.networking.internal.knative.dev"
METRIC = "Metric.autoscaling.internal.knative.dev"
DEPLOYMENT = "Deployment.apps"
HPA = "HorizontalPodAutoscaler.autoscaling"
PODAUTOSCALER_NAME, METRIC_NAME = "podautoscaler", "metric"


def observer(facts: Facts) -> Callable[[Snapshot, Ref], World | None]:
    """The observe function that reads the facts."""

    def observe(snapshot: Snapshot, ref: Ref) -> World | None:
        autoscaler = snapshot.get(ref)
        if autoscaler is None:
            return None
        key = (ref.namespace, ref.name)
        target = ((autoscaler.get("spec") or {}).get("scaleTargetRef") or {}).get("name", "")
        sks = snapshot.get(Ref(SKS, ref.namespace, ref.name))
        return World(
            autoscaler=autoscaler,
            settings=settings_for(autoscaler, config_of(snapshot)),
            kpa=annotations_of(autoscaler).get("autoscaling.knative.dev/class", KPA) == KPA,
            deployment=snapshot.get(Ref(DEPLOYMENT, ref.namespace, target)),
            hpa=snapshot.get(Ref(HPA, ref.namespace, ref.name)),
            sks=sks,
            pods=count(pods_of(snapshot, *key)),
            wanted=facts.wanted(key),
            held=facts.held(key),
            activator_in_path=_is_proxied(snapshot, ref, sks),
            foreign_sks=sks is not None
            and (controller_of(sks) or {}).get("uid") != autoscaler["metadata"]["uid"],
        )

    return observe


def _is_proxied(snapshot: Snapshot, ref: Ref, sks: Json | None) -> bool:
    """Whether the public Service leads to activators, as of now."""
    if sks is None or sks["spec"].get("mode") != "Proxy":
        return False
    if (sks.get("status") or {}).get("observedGeneration") != sks["metadata"].get("generation"):
        return False
    public = snapshot.get(Ref("Endpoints", ref.namespace, ref.name)) or {}
    return any(subset.get("addresses") for subset in public.get("subsets") or ())


def wake_for_pod(pod: Json, snapshot: Snapshot) -> Iterator[Ref]:  # noqa: ARG001 - a Wakes
    """The PodAutoscaler of a pod's revision."""
    name = labels_of(pod).get(L_REVISION)
    if name:
        yield Ref(KIND, pod["metadata"]["namespace"], name)


def wake_for_deployment(changed: Json, snapshot: Snapshot) -> Iterator[Ref]:  # noqa: ARG001 - a Wakes
    """The PodAutoscaler of a revision's Deployment."""
    name = labels_of(changed).get(L_REVISION)
    if name:
        yield Ref(KIND, changed["metadata"]["namespace"], name)


def wake_for_endpoints(changed: Json, snapshot: Snapshot) -> Iterator[Ref]:  # noqa: ARG001 - a Wakes
    """The PodAutoscaler whose public Service these Endpoints are."""
    meta = changed["metadata"]
    if "networking.internal.knative.dev/serverlessservice" in labels_of(changed):
        yield Ref(KIND, meta["namespace"], meta["name"])


def wake_for_config(changed: Json, snapshot: Snapshot) -> Iterator[Ref]:
    """All PodAutoscalers, when config-autoscaler changes."""
    meta = changed["metadata"]
    if (meta.get("namespace"), meta["name"]) == (SYSTEM, NAME):
        yield from map(ref_of, snapshot.list(KIND))


@dataclass(frozen=True, slots=True)
class Measured:
    """What is known about one Metric."""

    metric: Json
    failure: str


def plan_metric(world: Measured, now: float) -> Plan:  # noqa: ARG001 - the controller's shape
    """Say whether the revision can be measured.

    Source: knative/serving pkg/reconciler/metric/metric.go, ReconcileKind.
    """
    text = f"Failed to reconcile metric collection: {world.failure}"
    row = (
        Condition("Ready", "False", "CollectionFailed", text) if world.failure else Condition("Ready", "True")
    )
    return Plan(status={"conditions": [row.as_json()]})


def controllers(facts: Facts) -> tuple[Controller[Any], ...]:
    """The rows, with the facts by closure."""

    def observe_metric(snapshot: Snapshot, ref: Ref) -> Measured | None:
        metric = snapshot.get(ref)
        return None if metric is None else Measured(metric, facts.failure((ref.namespace, ref.name)))

    return (
        Controller(
            name=PODAUTOSCALER_NAME,
            kind=KIND,
            owns=(SKS, METRIC, HPA),
            wakes={
                "Pod": wake_for_pod,
                DEPLOYMENT: wake_for_deployment,
                "Endpoints": wake_for_endpoints,
                "ConfigMap": wake_for_config,
            },
            observe=observer(facts),
            plan=plan,
        ),
        Controller(name=METRIC_NAME, kind=METRIC, observe=observe_metric, plan=plan_metric),
    )


def waker(wake: Callable[[str, Ref], None]) -> Callable[[Key], None]:
    """What `Facts.listen` takes, from `Engine.wake`."""

    def tell(key: Key) -> None:
        wake(PODAUTOSCALER_NAME, Ref(KIND, *key))
        wake(METRIC_NAME, Ref(METRIC, *key))

    return tell
