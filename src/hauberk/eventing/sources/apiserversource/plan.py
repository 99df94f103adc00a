"""ApiServerSource → its adapter's Deployment, and its status. Pure.

Source: knative/eventing pkg/reconciler/apiserversource/apiserversource.go, resources/receive_adapter.go;
pkg/apis/sources/v1/apiserver_lifecycle.go.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hauberk.base.conditions import Condition
from hauberk.base.names import child_name
from hauberk.base.refs import Json
from hauberk.engine.plan import Note, Plan
from hauberk.eventing.names import SYSTEM, body, conditions, internal_error
from hauberk.eventing.sources.apiserversource.watched import config_of
from hauberk.eventing.sources.parts import (
    DEPLOYED,
    IDENTITY,
    SINK,
    attributes,
    availability,
    identity_created,
    overrides_text,
    sink_note,
    sink_provided,
    sink_status,
)
from hauberk.kinds.eventing.addressable import Address, Answer

IMAGE = "hauberk.local/eventing"
ROLE = "apiserver-receive-adapter"
PERMISSIONS = "SufficientPermissions"
TYPES = (DEPLOYED, IDENTITY, SINK, PERMISSIONS)
API = "https://172.30.0.1:443"  # the API as pods see it: the `source` of the events
_PREFIX = "dev.knative.apiserver"
EVENT_TYPES = {
    "Reference": tuple(f"{_PREFIX}.ref.{verb}" for verb in ("add", "delete", "update")),
    "Resource": tuple(f"{_PREFIX}.resource.{verb}" for verb in ("add", "delete", "update")),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """All that a decision about one ApiServerSource may depend on."""

    source: Json
    sink: Answer
    namespaces: Sequence[str]
    forbidden: str | None  # what its account may not do; None: nobody knows
    deployment: Json | None
    features: Mapping[str, str]


def plan(world: World, now: float) -> Plan:  # noqa: ARG001 - the controller's shape
    """Decide what an ApiServerSource consists of and what its status says."""
    found = [sink_provided(world.sink), identity_created(world.features)]
    notes: tuple[Note, ...] = sink_note(world.source, world.sink)
    children: tuple[Json, ...] = ()
    status: dict[str, Any] = dict(sink_status(world.sink))
    if isinstance(world.sink, Address):
        may = permissions(world.forbidden)
        found.append(may)
        status["namespaces"] = list(world.namespaces)
        deployment = make_deployment(world, world.sink)
        if may.status == "True":
            children = (deployment,)
            found.append(availability(world.deployment, deployment["metadata"]["name"]))
            mode = world.source["spec"].get("mode") or "Reference"
            status["ceAttributes"] = attributes(API, *EVENT_TYPES.get(mode, ()))
        elif may.message:
            notes = (*notes, internal_error(f"insufficient permissions: {may.message}"))
    if not children and world.deployment is not None:
        children = (as_it_is(world.deployment),)
    status["conditions"] = conditions(TYPES, *found)
    return Plan(children=children, status=status, notes=notes)


def permissions(forbidden: str | None) -> Condition:
    """Whether the account may watch what it is to watch."""
    if forbidden is None:
        return Condition(PERMISSIONS, "Unknown", "NotChecked", "RBAC does not act here yet.")
    if forbidden:
        return Condition(PERMISSIONS, "False", "", forbidden)
    return Condition(PERMISSIONS, "True")


def as_it_is(deployment: Json) -> dict[str, Any]:
    """A Deployment that is kept until the source is right again."""
    meta = deployment["metadata"]
    named = {k: meta.get(k) for k in ("name", "namespace", "labels")}
    return body("apps/v1", "Deployment", named, spec=deployment.get("spec"))


def deployment_name(source: Json) -> str:
    """The name of the adapter's Deployment."""
    meta = source["metadata"]
    return child_name(f"apiserversource-{meta['name']}-", meta["uid"])


def make_deployment(world: World, sink: Address) -> dict[str, Any]:
    """The adapter: one pod that watches as the source's ServiceAccount."""
    meta, spec = world.source["metadata"], world.source["spec"]
    labels = {
        "eventing.knative.dev/source": "apiserver-source-controller",
        "eventing.knative.dev/sourceName": meta["name"],
    }
    container = {
        "name": "receive-adapter",
        "image": IMAGE,
        "args": [ROLE],
        "env": _environment(world, sink),
        "ports": [{"name": "metrics", "containerPort": 9090}, {"name": "health", "containerPort": 8080}],
        "readinessProbe": {"httpGet": {"path": "/healthz", "port": "health"}},
    }
    pod = {
        "serviceAccountName": spec.get("serviceAccountName") or "default",
        "enableServiceLinks": False,
        "containers": [container],
    }
    return body(
        "apps/v1",
        "Deployment",
        {"name": deployment_name(world.source), "namespace": meta["namespace"], "labels": labels},
        spec={
            "replicas": 1,
            "selector": {"matchLabels": labels},
            "template": {
                "metadata": {"labels": labels, "annotations": {"sidecar.istio.io/inject": "true"}},
                "spec": pod,
            },
        },
    )


def _environment(world: World, sink: Address) -> list[dict[str, Any]]:
    spec = world.source["spec"]
    config = json.dumps(config_of(world.source, world.namespaces), separators=(",", ":"), sort_keys=True)
    rows = {
        "K_SINK": sink.url,
        "K_SOURCE_CONFIG": config,
        "SYSTEM_NAMESPACE": SYSTEM,
        "NAME": world.source["metadata"]["name"],
        "K_CA_CERTS": sink.ca,
        "K_CE_OVERRIDES": overrides_text(spec),
    }
    env: list[dict[str, Any]] = [{"name": k, "value": v} for k, v in rows.items() if v]
    return [*env, {"name": "NAMESPACE", "valueFrom": {"fieldRef": {"fieldPath": "metadata.namespace"}}}]
