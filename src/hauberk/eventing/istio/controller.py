"""A channel's Service → a DestinationRule, so that members of the mesh speak mTLS to it.

Without it an ExternalName gets plain text, which a strict dispatcher refuses.
Source: knative-extensions/eventing-istio pkg/reconciler/service/{controller,service,destinationrule}.go.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from hauberk.base.refs import Json, Ref, annotations_of, labels_of, ref_of
from hauberk.engine.plan import Controller, Note, Plan
from hauberk.eventing.config.reading import FEATURES, data_of, is_enabled
from hauberk.eventing.names import DESTINATION_RULE, L_MESSAGING_ROLE, SYSTEM, body
from hauberk.kinds.eventing.addressable import service_host
from hauberk.ports import Index, Snapshot

ROLES = ("in-memory-channel", "kafka-channel")
MANAGED_BY = "app.kubernetes.io/managed-by"
MANAGER = "knative-eventing-istio-controller"


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """A Service of a channel, and what config-features says."""

    service: Json
    rule: Json | None
    enabled: bool


def is_of_channel(service: Json) -> bool:
    """Whether a Service stands for a channel."""
    external = (service.get("spec") or {}).get("externalName")
    return bool(external) and labels_of(service).get(L_MESSAGING_ROLE) in ROLES


OF_CHANNELS = Index("Service", lambda s: ("channel",) if is_of_channel(s) else ())


def observe(snapshot: Snapshot, ref: Ref) -> World | None:
    """Read one Service, where it is a channel's."""
    service = snapshot.get(ref)
    if service is None or not is_of_channel(service):
        return None
    enabled = is_enabled(data_of(snapshot, FEATURES), "istio")
    rule = snapshot.get(Ref(DESTINATION_RULE, ref.namespace, ref.name))
    return World(service=service, rule=rule, enabled=enabled)


def plan(world: World, now: float) -> Plan:  # noqa: ARG001 - the controller's shape
    """The rule while the feature is on, none while it is off."""
    name = world.service["metadata"]["name"]
    place = f"{world.service['metadata']['namespace']}/{name}"
    if not world.enabled:
        return Plan()
    created = (Note("Created", f"Created DestinationRule {place}"),) if world.rule is None else ()
    return Plan(children=(make_rule(world.service),), notes=created)


def make_rule(service: Json) -> Json:
    """ISTIO_MUTUAL for the Service's host."""
    meta = service["metadata"]
    notes = {k: v for k, v in annotations_of(service).items() if not k.startswith("kubectl.")}
    return body(
        "networking.istio.io/v1beta1",
        "DestinationRule",
        {
            "name": meta["name"],
            "namespace": meta["namespace"],
            "labels": {**labels_of(service), MANAGED_BY: MANAGER},
            "annotations": notes,
        },
        spec={
            "host": service_host(meta["name"], meta["namespace"]),
            "trafficPolicy": {"tls": {"mode": "ISTIO_MUTUAL"}},
        },
    )


def wake_for_features(changed: Json, snapshot: Snapshot) -> Iterator[Ref]:
    """Every channel's Service, when config-features changes."""
    meta = changed["metadata"]
    if (meta.get("namespace"), meta["name"]) == (SYSTEM, FEATURES):
        yield from map(ref_of, snapshot.find(OF_CHANNELS, "channel"))


CONTROLLER: Controller[World] = Controller(
    name="eventing-istio",
    kind="Service",
    owns=(DESTINATION_RULE,),
    wakes={"ConfigMap": wake_for_features},
    observe=observe,
    plan=plan,
)
