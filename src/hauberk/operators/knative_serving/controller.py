"""Wiring of KnativeServing."""

from __future__ import annotations

from collections.abc import Iterable

from hauberk.base.refs import Json, Ref, labels_of, ref_of
from hauberk.engine.plan import Controller
from hauberk.kinds.knative_operator.knative_serving import NAMESPACE
from hauberk.kinds.openshift.ingress_config import CLUSTER
from hauberk.operators.knative_serving.gateways import gateway_problem
from hauberk.operators.knative_serving.plan import OWNER_NAME, World, finalize, plan
from hauberk.operators.knative_serving.sidecars import NEEDED, sidecar_problem
from hauberk.operators.knative_serving.table import KOURIER_NAMESPACE
from hauberk.operators.names import (
    CLUSTER_INGRESS,
    CONTROL_PLANE,
    DEPLOYMENT,
    GATEWAY,
    MEMBER_ROLL,
    NETWORK_POLICY,
    PEER_AUTHENTICATION,
    SERVING,
)
from hauberk.ports import Snapshot

_KOURIER_KINDS = (DEPLOYMENT, "Service", "ServiceAccount")


def _all(_: Json, snapshot: Snapshot) -> Iterable[Ref]:
    return [ref_of(serving) for serving in snapshot.list(SERVING)]


def _by_label(changed: Json, snapshot: Snapshot) -> Iterable[Ref]:  # noqa: ARG001
    """Kourier's objects have no owner reference across namespaces, but a label."""
    name = labels_of(changed).get(OWNER_NAME)
    return [Ref(SERVING, NAMESPACE, name)] if name else []


def _by_gateway_service(changed: Json, snapshot: Snapshot) -> Iterable[Ref]:
    return _by_label(changed, snapshot) or _all(changed, snapshot)


def _by_own_pod(changed: Json, snapshot: Snapshot) -> Iterable[Ref]:
    own = changed["metadata"].get("namespace") == NAMESPACE and labels_of(changed).get("app") in NEEDED
    return _all(changed, snapshot) if own else []


def observe(snapshot: Snapshot, ref: Ref) -> World | None:
    """Read one KnativeServing, the apps domain and the state of its Deployments."""
    serving = snapshot.get(ref)
    if serving is None:
        return None
    ingress = snapshot.get(Ref(CLUSTER_INGRESS, "", CLUSTER)) or {}
    deployments = {
        (namespace, d["metadata"]["name"]): d
        for namespace in (NAMESPACE, KOURIER_NAMESPACE)
        for d in snapshot.list(DEPLOYMENT, namespace)
    }
    mark = {OWNER_NAME: ref.name}
    kourier = [ref_of(o) for kind in _KOURIER_KINDS for o in snapshot.list(kind, KOURIER_NAMESPACE, mark)]
    return World(
        serving=serving,
        domain=(ingress.get("spec") or {}).get("domain", ""),
        deployments=deployments,
        kourier=tuple(kourier),
        gateway_problem=gateway_problem(snapshot),
        sidecar_problem=sidecar_problem(snapshot),
    )


CONTROLLER: Controller[World] = Controller(
    name="knative-serving",
    kind=SERVING,
    owns=("ConfigMap", "Service", "ServiceAccount", DEPLOYMENT, PEER_AUTHENTICATION, NETWORK_POLICY),
    wakes={
        CLUSTER_INGRESS: _all,
        CONTROL_PLANE: _all,
        GATEWAY: _all,
        MEMBER_ROLL: _all,
        "Pod": _by_own_pod,
        DEPLOYMENT: _by_label,
        "Service": _by_gateway_service,
        "ServiceAccount": _by_label,
    },
    observe=observe,
    plan=plan,
    finalize=finalize,
)
