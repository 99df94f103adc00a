"""ContainerSource → a Deployment and a SinkBinding for it; their state back. Pure.

Source: knative/eventing pkg/reconciler/containersource/containersource.go, resources/*.go;
pkg/apis/sources/v1/container_lifecycle.go.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from hauberk.base.conditions import Condition, condition
from hauberk.base.names import child_name
from hauberk.base.refs import Json
from hauberk.engine.plan import Plan
from hauberk.eventing.names import body, conditions, copied
from hauberk.eventing.sources.parts import availability

BOUND, ADAPTER = "SinkBindingReady", "ReceiveAdapterReady"
TYPES = (ADAPTER, BOUND)
_SINK = ("sinkUri", "sinkCACerts", "sinkAudience", "ceAttributes")


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """All that a decision about one ContainerSource may depend on."""

    source: Json
    binding: Json | None
    deployment: Json | None


def plan(world: World, now: float) -> Plan:  # noqa: ARG001 - the controller's shape
    """Decide what a ContainerSource consists of and what its status says."""
    deployment, binding = make_deployment(world.source), make_binding(world.source)
    bound = copied(BOUND, condition(world.binding, "Ready"), Condition(BOUND, "Unknown"))
    runs = availability(world.deployment, deployment["metadata"]["name"], ADAPTER)
    told = (world.binding or {}).get("status") or {}
    status = {
        "conditions": conditions(TYPES, bound, runs),
        **{k: told[k] for k in _SINK if told.get(k)},
    }
    return Plan(children=(binding, deployment), status=status)


def labels(name: str) -> dict[str, str]:
    """How the pods of a ContainerSource are found."""
    return {
        "sources.knative.dev/source": "container-source-controller",
        "sources.knative.dev/containerSource": name,
    }


def deployment_name(source: Json) -> str:
    """The name of its Deployment."""
    return child_name(source["metadata"]["name"], "-deployment")


def binding_name(source: Json) -> str:
    """The name of its SinkBinding."""
    return child_name(source["metadata"]["name"], "-sinkbinding")


def make_deployment(source: Json) -> dict[str, Any]:
    """The Deployment of the author's template."""
    meta, template = source["metadata"], source["spec"]["template"]
    marks, said = labels(meta["name"]), template.get("metadata") or {}
    return body(
        "apps/v1",
        "Deployment",
        {"name": deployment_name(source), "namespace": meta["namespace"], "labels": marks},
        spec={
            "selector": {"matchLabels": marks},
            "template": {
                **template,
                "metadata": {**said, "labels": {**(said.get("labels") or {}), **marks}},
            },
        },
    )


def make_binding(source: Json) -> dict[str, Any]:
    """The SinkBinding that tells the Deployment's pods where to send events."""
    meta, spec = source["metadata"], source["spec"]
    subject = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "namespace": meta["namespace"],
        "name": deployment_name(source),
    }
    wanted = {"sink": spec.get("sink"), "ceOverrides": spec.get("ceOverrides"), "subject": subject}
    return body(
        "sources.knative.dev/v1",
        "SinkBinding",
        {"name": binding_name(source), "namespace": meta["namespace"]},
        spec={k: v for k, v in wanted.items() if v},
    )
