"""Wiring of the internal Ingress controller, and the seams through which it asks gateways and router."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TypeAlias

from hauberk.base.conditions import is_true
from hauberk.base.refs import Json, Ref, labels_of, ref_of
from hauberk.engine.plan import Controller
from hauberk.ports import Snapshot
from hauberk.serving.config import istio
from hauberk.serving.config.istio import Istio
from hauberk.serving.config.reading import SYSTEM, data_of
from hauberk.serving.ingress import tls
from hauberk.serving.ingress.plan import World, make_istio, plan
from hauberk.serving.ingress.tls import Tls
from hauberk.serving.names import (
    A_INGRESS_CLASS,
    GATEWAY,
    INGRESS,
    ISTIO_CLASS,
    KOURIER_CLASS,
    VIRTUAL_SERVICE,
)

NET_ISTIO = {"app": "net-istio-controller"}
KOURIER_INTERNAL = "kourier-internal"
ROUTER_ROUTE = "Route.route.openshift.io"
OWNED = (VIRTUAL_SERVICE, GATEWAY)
L_INGRESS_NAME = "serving.knative.openshift.io/ingressName"
L_INGRESS_NAMESPACE = "serving.knative.openshift.io/ingressNamespace"

Probe: TypeAlias = Callable[[Json, int], bool]
"""Do the gateways' Envoys serve this Ingress as of that store revision? A fact, never a wait.

The revision is the newest one of the objects that the gateways' configuration is made from: the Ingress and
its VirtualServices. The simple implementation is `published revision >= revision and all gateways acked`.
Whoever knows sooner than `PROBE_AGAIN_S` may call `Engine.wake("ingress-serving", ref)`.
"""


Exposed: TypeAlias = Callable[[Json], bool]
"""Does the cluster's own router lead to the gateways for every external host of this Ingress? A fact.

Asked once the gateways serve it; false while the Ingress's status does not name them.
"""


def assume_exposed(ingress: Json) -> bool:  # noqa: ARG001 - an Exposed
    """Takes the router's word for granted: for clusters whose router is not ours to ask."""
    return True


def assume_served(ingress: Json, revision: int) -> bool:  # noqa: ARG001 - a Probe
    """Takes the gateways' word for granted: for clusters whose gateways are not ours to ask."""
    return True


def observer(probe: Probe, exposed: Exposed) -> Callable[[Snapshot, Ref], World | None]:
    """The observe function that asks `probe`, then `exposed`."""

    def observe(snapshot: Snapshot, ref: Ref) -> World | None:
        ingress = snapshot.get(ref)
        if ingress is None:
            return None
        config = istio.parse_istio(data_of(snapshot, istio.NAME)).of(labels_of(ingress))
        cls = (ingress["metadata"].get("annotations") or {}).get(A_INGRESS_CLASS)
        is_istio = cls == ISTIO_CLASS
        certificates = _certificates(snapshot, ingress, config) if is_istio else Tls()
        revision = _made(snapshot, ingress, config, certificates) if is_istio else _revision(ingress)
        kept = _was_ready(ingress)
        served = revision is not None and (kept or probe(ingress, revision))
        return World(
            ingress=ingress,
            istio=config,
            missing_gateways=tuple(_missing(snapshot, config)) if is_istio else (),
            kourier_namespace=_kourier(snapshot) if cls == KOURIER_CLASS else "",
            kourier_certificate=cls == KOURIER_CLASS and _kourier_certificate(snapshot),
            own=tuple(snapshot.owned_by(ingress["metadata"].get("uid", ""), OWNED)) if is_istio else (),
            tls=certificates,
            served=served,
            exposed=served and (kept or exposed(ingress)),
        )

    return observe


def _certificates(snapshot: Snapshot, ingress: Json, config: Istio) -> Tls:
    """The Secrets that `spec.tls` names, and the Services of the gateways that serve them."""
    places = {tls.origin(ingress, row) for row in tls.rows_of(ingress)}
    if not places:
        return Tls()
    found = {place: snapshot.get(Ref("Secret", *place)) for place in places}
    return Tls(
        services=_fronts(snapshot, config.external),
        inside=_fronts(snapshot, config.local),
        secrets={place: secret for place, secret in found.items() if secret is not None},
        filtering=_is_filtering(snapshot),
    )


def _fronts(snapshot: Snapshot, gateways: Sequence[istio.Gateway]) -> tuple[Json, ...]:
    hosts = [g.service.split(".") for g in gateways]
    services = [snapshot.get(Ref("Service", h[1], h[0])) for h in hosts if len(h) > 1]
    return tuple(s for s in services if s is not None)


def _is_filtering(snapshot: Snapshot) -> bool:
    """Whether net-istio-controller is told to see labelled Secrets only."""
    pods = snapshot.list("Pod", SYSTEM, NET_ISTIO)
    containers = [c for p in pods for c in (p.get("spec") or {}).get("containers") or ()]
    rows = [e for c in containers for e in c.get("env") or () if e.get("name") == tls.FILTERING]
    return any(str(row.get("value", "")).lower() == "true" for row in rows)


def _was_ready(ingress: Json) -> bool:
    """Whether the gateways took this generation once: then they are not asked again.

    Otherwise each change of other objects, while it is on its way to a gateway, would end the readiness.
    Source: net-istio pkg/reconciler/ingress/ingress.go, reconcileIngress (IsReady before probing).
    """
    observed = (ingress.get("status") or {}).get("observedGeneration")
    return observed == ingress["metadata"].get("generation") and is_true(ingress)


def _revision(obj: Json) -> int:
    text = str(obj["metadata"].get("resourceVersion", ""))
    return int(text) if text.isdigit() else 0


def _made(snapshot: Snapshot, ingress: Json, config: Istio, certificates: Tls) -> int | None:
    """The revision in which all VirtualServices and Gateways are as wanted; None while one is not."""
    if tls.problem(ingress, certificates):
        return None
    newest = 0
    for wanted in make_istio(ingress, config, certificates):
        stored = snapshot.get(ref_of(wanted))
        if stored is None or stored.get("spec") != wanted["spec"]:
            return None
        newest = max(newest, _revision(stored))
    return newest


def _missing(snapshot: Snapshot, config: Istio) -> Iterator[str]:
    for gateway in (*config.external, *config.local):
        if snapshot.get(Ref(GATEWAY, gateway.namespace, gateway.name)) is None:
            yield gateway.qualified


def _kourier(snapshot: Snapshot) -> str:
    places = ("knative-serving-ingress", "kourier-system", SYSTEM)
    return next((p for p in places if snapshot.get(Ref("Service", p, KOURIER_INTERNAL))), "")


def _kourier_certificate(snapshot: Snapshot) -> bool:
    """Whether net-kourier-controller is told of a certificate for all hosts."""
    pods = snapshot.list("Pod", None, {"app": "net-kourier-controller"})
    containers = [c for p in pods for c in (p.get("spec") or {}).get("containers") or ()]
    return any(e.get("name") == "CERTS_SECRET_NAME" for c in containers for e in c.get("env") or ())


def wake_all(changed: Json, snapshot: Snapshot) -> Iterator[Ref]:
    """All Ingresses, when the gateways or what names them change."""
    meta = changed["metadata"]
    is_config = changed["kind"] == "ConfigMap"
    is_service = changed["kind"] == "Service"
    if is_config and (meta.get("namespace"), meta["name"]) != (SYSTEM, istio.NAME):
        return
    if is_service and not _is_front(changed, snapshot):
        return
    yield from map(ref_of, snapshot.list(INGRESS))


def _is_front(service: Json, snapshot: Snapshot) -> bool:
    """Whether a Service is a gateway's."""
    meta = service["metadata"]
    if meta["name"] == KOURIER_INTERNAL:
        return True
    config = istio.parse_istio(data_of(snapshot, istio.NAME))
    place = f"{meta['name']}.{meta.get('namespace', '')}."
    return any(g.service.startswith(place) for g in config.external)


def wake_for_route(route: Json, snapshot: Snapshot) -> Iterator[Ref]:  # noqa: ARG001 - a Wakes
    """The Ingress that a Route of the router was made for."""
    labels = labels_of(route)
    if L_INGRESS_NAME in labels:
        yield Ref(INGRESS, labels.get(L_INGRESS_NAMESPACE, ""), labels[L_INGRESS_NAME])


def wake_for_secret(secret: Json, snapshot: Snapshot) -> Iterator[Ref]:
    """The Ingresses whose hosts a certificate is for."""
    place = secret["metadata"].get("namespace", ""), secret["metadata"]["name"]
    for ingress in snapshot.list(INGRESS):
        if place in {tls.origin(ingress, row) for row in tls.rows_of(ingress)}:
            yield ref_of(ingress)


def controller(probe: Probe, exposed: Exposed) -> Controller[World]:
    """The internal Ingress's row."""
    return Controller(
        name="ingress-serving",
        kind=INGRESS,
        owns=OWNED,
        wakes={
            "ConfigMap": wake_all,
            GATEWAY: wake_all,
            "Service": wake_all,
            ROUTER_ROUTE: wake_for_route,
            "Secret": wake_for_secret,
        },
        observe=observer(probe, exposed),
        plan=plan,
    )
