"""Internal Ingress → VirtualServices (Istio) or a status (Kourier). Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from hauberk.base.conditions import Condition, ready
from hauberk.base.refs import Json, annotations_of
from hauberk.engine.plan import Note, Plan
from hauberk.serving.config.istio import Istio
from hauberk.serving.ingress import tls
from hauberk.serving.ingress.make import make_virtual_services
from hauberk.serving.ingress.tls import Tls
from hauberk.serving.names import A_INGRESS_CLASS, A_PASSTHROUGH, ISTIO_CLASS, KOURIER_CLASS, created, kept

_BALANCERS = ("publicLoadBalancer", "privateLoadBalancer")
PROBE_AGAIN_S = 2.0
"""Whoever knows that the gateways have caught up wakes the Ingress sooner (`hauberk.app.served`)."""


_NO_CERTIFICATE = Note(
    "CertificateMissing",
    "the Route is passthrough, but Kourier has no certificate and serves no TLS: set CERTS_SECRET_NAMESPACE "
    "and CERTS_SECRET_NAME for net-kourier-controller in `workloads` of the KnativeServing",
    "Warning",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """All that a decision about one internal Ingress may depend on."""

    ingress: Json
    istio: Istio = field(default_factory=Istio)
    missing_gateways: tuple[str, ...] = ()
    kourier_namespace: str = ""  # where Kourier's Services are; empty when there is no Kourier
    kourier_certificate: bool = False  # net-kourier-controller names a Secret for all hosts
    own: tuple[Json, ...] = ()  # VirtualServices and Gateways that this Ingress has
    tls: Tls = field(default_factory=Tls)
    served: bool = False  # the gateways' Envoys have this very Ingress
    exposed: bool = False  # and the cluster's router leads there


def plan(world: World, now: float) -> Plan:  # noqa: ARG001 - the controller's shape
    """Decide by the Ingress's class; an Ingress of another class is left alone."""
    match annotations_of(world.ingress).get(A_INGRESS_CLASS):
        case cls if cls == ISTIO_CLASS:
            return _istio(world)
        case cls if cls == KOURIER_CLASS:
            return _kourier(world)
        case _:
            return Plan()


def _istio(world: World) -> Plan:
    """Source: net-istio pkg/reconciler/ingress/ingress.go, reconcileIngress."""
    lacking = tls.problem(world.ingress, world.tls)
    if lacking:
        notes = (Note("CertificateMissing", lacking, "Warning"),)
        return Plan(children=tuple(map(kept, world.own)), status=_failed(lacking), notes=notes)
    children = make_istio(world.ingress, world.istio, world.tls)
    copies = tuple(tls.make_copies(world.ingress, world.tls))
    if world.missing_gateways:
        text = f"Gateway {world.missing_gateways[0]} does not exist"
        notes = (Note("GatewayMissing", text, "Warning"),)
        return Plan(children=children, others=copies, status=_failed(text), notes=notes)
    public = [g.service for g in world.istio.external]
    private = [g.service for g in world.istio.local]
    status = _status(world, public, private)
    new = tuple(_news(world, children))
    again = None if world.exposed else PROBE_AGAIN_S
    return Plan(children=children, others=copies, status=status, notes=new, retry_after=again)


def make_istio(ingress: Json, istio: Istio, certificates: Tls) -> tuple[Json, ...]:
    """The VirtualServices and Gateways of an Ingress whose certificates are at hand."""
    gateways = tls.make_gateways(ingress, certificates)
    own: dict[bool, list[str]] = {False: [], True: []}
    for gateway in gateways:
        is_local = gateway["spec"]["servers"][0]["port"]["number"] == tls.LOCAL_PORT
        own[is_local].append(f"{gateway['metadata']['namespace']}/{gateway['metadata']['name']}")
    return (*make_virtual_services(ingress, istio, own[False], own[True]), *gateways)


def _news(world: World, children: Iterable[Json]) -> Iterator[Note]:
    """An event for each VirtualService that was not there."""
    before = {child["metadata"]["name"] for child in world.own if child["kind"] == "VirtualService"}
    for child in children:
        name = child["metadata"]["name"]
        if child["kind"] == "VirtualService" and name not in before:
            yield created("VirtualService", name)


def _kourier(world: World) -> Plan:
    """Source: knative-extensions/net-kourier pkg/reconciler/ingress/ingress.go."""
    place = world.kourier_namespace
    if not place:
        text = "no Service kourier-internal: Kourier is not installed"
        return Plan(status=_failed(text), notes=(Note("GatewayMissing", text, "Warning"),))
    public, private = f"kourier.{place}.svc.cluster.local", f"kourier-internal.{place}.svc.cluster.local"
    status = _status(world, [public], [private])
    notes = (_NO_CERTIFICATE,) if _is_shut(world) else ()
    return Plan(status=status, notes=notes, retry_after=None if world.exposed else PROBE_AGAIN_S)


def _is_shut(world: World) -> bool:
    """Whether a passthrough Route leads to Kourier's TLS port, which is closed without a certificate."""
    certified = world.kourier_certificate or bool(world.ingress["spec"].get("tls"))
    return A_PASSTHROUGH in annotations_of(world.ingress) and not certified


def _before(world: World) -> Mapping[str, Any]:
    status: Mapping[str, Any] = world.ingress.get("status") or {}
    return status


def _failed(why: str) -> dict[str, Any]:
    """No gateway can be asked.

    Source: net-istio pkg/reconciler/ingress/ingress.go, notReconciledReason; the cause is our addition.
    """
    text = f"Ingress reconciliation failed: {why}"
    parts = [
        Condition("LoadBalancerReady", "Unknown", "ReconcileIngressFailed", text),
        Condition("NetworkConfigured", "True"),
    ]
    return {"conditions": [c.as_json() for c in (*parts, ready(parts))]}


def _status(world: World, public: Iterable[str], private: Iterable[str]) -> dict[str, Any]:
    """The status, as a table.

    | the gateways serve it | the router leads there | LoadBalancerReady      | load balancers |
    |-----------------------|------------------------|------------------------|----------------|
    | yes                   | yes                    | True                   | named          |
    | yes                   | no                     | Unknown, Uninitialized | named          |
    | no                    | any                    | Unknown, Uninitialized | as before      |

    Routes lead where the load balancers are: while a change is on its way they must not go away.
    Source: knative/networking pkg/apis/networking/v1alpha1/ingress_lifecycle.go, MarkLoadBalancerNotReady.
    Deviation: on OpenShift a Route is the Serverless Operator's business after Ready, so that the first
    request after Ready can meet the router's 503; here Ready waits for the router.
    """
    text = "Waiting for load balancer to be ready"
    balanced = (
        Condition("LoadBalancerReady", "True")
        if world.exposed
        else Condition("LoadBalancerReady", "Unknown", "Uninitialized", text)
    )
    parts = [balanced, Condition("NetworkConfigured", "True")]
    status: dict[str, Any] = {"conditions": [c.as_json() for c in (*parts, ready(parts))]}
    if world.served:
        status["publicLoadBalancer"] = {"ingress": [{"domainInternal": h} for h in public]}
        status["privateLoadBalancer"] = {"ingress": [{"domainInternal": h} for h in private]}
    else:
        before = _before(world)
        status.update({key: before[key] for key in _BALANCERS if key in before})
    return status
