"""From one KnativeServing to everything it installs, and its status. Pure.

Source: knative/operator pkg/reconciler/knativeserving; openshift-knative/serverless-operator
openshift-knative-operator/pkg/serving/extension.go.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from hauberk.base.conditions import Condition
from hauberk.base.refs import Json, Ref, annotations_of, ref_of
from hauberk.engine.plan import Plan
from hauberk.kinds.knative_operator.knative_serving import KIND, NAMESPACE, ServingSpec
from hauberk.operators.config_maps import make_config_maps
from hauberk.operators.install_status import make_refusal, make_status
from hauberk.operators.knative_serving.policies import make_network_policies, make_peer_authentications
from hauberk.operators.knative_serving.settings import NO_POLICIES, config_of, ingresses_of, names_of
from hauberk.operators.knative_serving.table import (
    CONFIG_COMPONENT,
    CORE,
    ISTIO,
    KOURIER,
    KOURIER_NAMESPACE,
    PART_OF,
)
from hauberk.operators.objects import make, make_service_account
from hauberk.operators.overrides import overridden
from hauberk.operators.workload import Workload, app_labels, make_deployment, make_fronts

OWNER_NAME = "serving.knative.openshift.io/ownerName"
OWNER_NAMESPACE = "serving.knative.openshift.io/ownerNamespace"


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """All that a decision about one KnativeServing may depend on."""

    serving: Json
    domain: str  # the cluster's apps domain
    deployments: Mapping[tuple[str, str], Json]  # by namespace and name
    kourier: tuple[Ref, ...]  # what this installation has in the ingress namespace, as stored
    gateway_problem: str  # why requests from outside cannot reach the mesh's gateways; "" when they can
    sidecar_problem: str = ""  # why Serving's own pods cannot speak to injected services; "" when they can


def plan(world: World, now: float) -> Plan:  # noqa: ARG001
    """Decide what Knative Serving consists of and how far it is."""
    meta = world.serving["metadata"]
    if meta["namespace"] != NAMESPACE:
        text = f'Knative Serving must be installed into the namespace "{NAMESPACE}"'
        return Plan(status=make_refusal(text))
    spec = KIND.parse(world.serving).spec
    ingresses = ingresses_of(spec)
    core = _deployments((*CORE, *(ISTIO if ingresses.istio else ())), NAMESPACE, spec)
    children = (
        *_accounts(),
        *_config_maps(spec, world.domain),
        *core,
        *(
            f
            for row in (*CORE, *(ISTIO if ingresses.istio else ()))
            for f in make_fronts(row, PART_OF, NAMESPACE)
        ),
        *(make_peer_authentications(NAMESPACE) if ingresses.istio else ()),
        *(make_network_policies(NAMESPACE) if ingresses.istio and _generates(world.serving) else ()),
    )
    kourier = tuple(_kourier(world.serving, spec)) if ingresses.kourier else ()
    gateways = [d for d in kourier if d["kind"] == "Deployment"]
    wanted = {ref_of(obj) for obj in kourier}
    extra = _mesh_conditions(world) if ingresses.istio else []
    return Plan(
        children=children,
        others=kourier,
        gone=tuple(ref for ref in world.kourier if ref not in wanted),
        status=make_status([*core, *gateways], world.deployments, extra),
    )


def finalize(world: World, now: float) -> Plan:  # noqa: ARG001
    """Take the ingress namespace away: nothing in it has an owner in this namespace."""
    ours = world.serving["metadata"]["namespace"] == NAMESPACE
    return Plan(gone=(*world.kourier, Ref("Namespace", "", KOURIER_NAMESPACE)) if ours else ())


def _generates(serving: Json) -> bool:
    return annotations_of(serving).get(NO_POLICIES) != "true"


def _mesh_conditions(world: World) -> list[Condition]:
    """Additions to upstream's conditions; informational, so that Ready stays what upstream says."""
    return [
        _informs("GatewaysReady", "GatewayMissing", world.gateway_problem),
        _informs("SidecarsReady", "SidecarMissing", world.sidecar_problem),
    ]


def _informs(kind: str, reason: str, problem: str) -> Condition:
    if problem:
        return Condition(kind, "False", reason, problem, "Info")
    return Condition(kind, "True", severity="Info")


def _deployments(rows: tuple[Workload, ...], namespace: str, spec: ServingSpec) -> list[Json]:
    replicas = spec.high_availability.replicas if spec.high_availability else 1
    overrides = (*spec.deployments, *spec.workloads)
    return [overridden(make_deployment(row, PART_OF, namespace, replicas), overrides) for row in rows]


def _accounts() -> Iterator[Json]:
    for name in ("activator", "controller"):
        yield make_service_account(name, NAMESPACE, app_labels(PART_OF, name))


def _config_maps(spec: ServingSpec, domain: str) -> Iterator[Json]:
    names = names_of(spec)
    labels = {name: app_labels(PART_OF, CONFIG_COMPONENT.get(name, "controller")) for name in names}
    yield from make_config_maps(names, NAMESPACE, labels, config_of(spec, domain))


def _kourier(serving: Json, spec: ServingSpec) -> Iterator[Json]:
    """Kourier's objects: in a namespace of their own on OpenShift, so labels name their owner."""
    owner = {OWNER_NAME: serving["metadata"]["name"], OWNER_NAMESPACE: NAMESPACE}
    yield make("v1", "Namespace", KOURIER_NAMESPACE, labels=owner)
    yield make_service_account(
        "net-kourier", KOURIER_NAMESPACE, {**app_labels(PART_OF, "net-kourier"), **owner}
    )
    for deployment in _deployments(KOURIER, KOURIER_NAMESPACE, spec):
        yield _owned(deployment, owner)
    kind = spec.ingress.kourier.service_type or "ClusterIP"
    for row in KOURIER:
        for front in make_fronts(row, PART_OF, KOURIER_NAMESPACE):
            external = front["metadata"]["name"] == "kourier"
            yield _owned(
                {**front, "spec": {**front["spec"], "type": kind if external else "ClusterIP"}}, owner
            )


def _owned(obj: Json, owner: Mapping[str, str]) -> Json:
    meta = obj["metadata"]
    return {**obj, "metadata": {**meta, "labels": {**(meta.get("labels") or {}), **owner}}}
