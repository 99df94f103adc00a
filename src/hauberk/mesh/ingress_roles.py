"""What OpenShift's router and Kourier are given: Routes and Ingresses with their endpoints. Pure.

Source: openshift/router pkg/router/template (endpoints by target port, annotations);
knative-extensions/net-kourier pkg/generator/ingress_translator.go.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Literal, TypeAlias

from hauberk.base.certificates import is_pair
from hauberk.base.conditions import is_true
from hauberk.base.paths import Paths
from hauberk.base.refs import Json, Ref, annotations_of, is_deleting
from hauberk.kinds.knative_internal.ingress import network_hash
from hauberk.mesh.roles import (
    Backend,
    HttpSplit,
    KourierCertificate,
    KourierRole,
    KourierRoute,
    RouterRole,
    RouterRoute,
)
from hauberk.mesh.workloads import env_of, seconds_of
from hauberk.ports import Snapshot

ROUTE = "Route.route.openshift.io"
INGRESS = "Ingress.networking.internal.knative.dev"
READS = (ROUTE, INGRESS)
CLASS = "networking.knative.dev/ingress.class"
KOURIER = "kourier.ingress.networking.knative.dev"
KOURIER_CONTROLLER = "net-kourier-controller"
TIMEOUT = "haproxy.router.openshift.io/timeout"
_LOCAL = ".svc.cluster.local"
_H2C = "kubernetes.io/h2c"

SlicesByService: TypeAlias = Mapping[tuple[str, str], Sequence[Json]]
Wanted: TypeAlias = Callable[[str, int], bool]


def backends_of(pieces: Sequence[Json], wanted: Wanted, *, first: bool = False) -> tuple[Backend, ...]:
    """Ready addresses on the ports that `wanted(name, number)`; with `first` on one port per slice."""
    found: set[Backend] = set()
    for piece in pieces:
        rows = [(p.get("name") or "", p.get("port") or 0) for p in piece.get("ports") or ()]
        numbers = [number for name, number in rows if wanted(name, number)]
        for number in numbers[:1] if first else numbers:
            for row in piece.get("endpoints") or ():
                if (row.get("conditions") or {}).get("ready") is not False:
                    found |= {Backend(address, number) for address in row.get("addresses") or ()}
    return tuple(sorted(found))


def _service_ports(service: Json | None) -> Sequence[Json]:
    ports: Sequence[Json] = ((service or {}).get("spec") or {}).get("ports") or ()
    return ports


def router_role(
    snapshot: Snapshot, slices: SlicesByService, paths: Paths, https_port: int = 443
) -> RouterRole:
    """Every admitted Route, with its Service's ready endpoints. Redirects lead to `https_port`."""
    rows = [r for r in snapshot.list(ROUTE) if not is_deleting(r) and _admitted(r)]
    routes = tuple(_router_route(r, snapshot, slices) for r in sorted(rows, key=_name))
    return RouterRole(
        https_socket=str(paths.router_https_socket),
        http_socket=str(paths.router_http_socket),
        routes=routes,
        https_port=https_port,
    )


def _name(obj: Json) -> tuple[str, str]:
    return obj["metadata"]["namespace"], obj["metadata"]["name"]


def _admitted(route: Json) -> bool:
    rows: Any = (route.get("status") or {}).get("ingress") or ()
    return any(is_true({"metadata": {}, "status": row}, "Admitted") for row in rows)


def _router_route(route: Json, snapshot: Snapshot, slices: SlicesByService) -> RouterRoute:
    meta, spec = route["metadata"], route.get("spec") or {}
    tls, name = spec.get("tls") or {}, (spec.get("to") or {}).get("name", "")
    service = snapshot.get(Ref("Service", meta["namespace"], name))
    target = (spec.get("port") or {}).get("targetPort")
    backends = backends_of(slices.get((meta["namespace"], name), ()), _targeting(service, target))
    chain = [tls.get("certificate") or "", tls.get("caCertificate") or ""]
    return RouterRoute(
        namespace=meta["namespace"],
        name=meta["name"],
        host=spec.get("host") or "",
        path=spec.get("path") or "",
        wildcard=spec.get("wildcardPolicy") == "Subdomain",
        termination=tls.get("termination") or "none",
        insecure=tls.get("insecureEdgeTerminationPolicy") or ("None" if tls else "Allow"),
        certificate="\n".join(part for part in chain if part),
        key=tls.get("key") or "",
        destination_ca=tls.get("destinationCACertificate") or "",
        backends=tuple((b, 1) for b in backends),
        http2=any(p.get("appProtocol") == _H2C and _is_target(p, target) for p in _service_ports(service)),
        timeout_s=seconds_of(annotations_of(route).get(TIMEOUT, ""), 30.0),
    )


def _is_target(port: Json, target: object) -> bool:
    return target is None or target in (port.get("targetPort"), port.get("name"), port.get("port"))


def _targeting(service: Json | None, target: object) -> Wanted:
    """A Route's targetPort is a port of the endpoints: by the Service port's name, or by its own number."""
    if target is None:
        first = next((p.get("name") or "" for p in _service_ports(service)), None)
        return lambda name, _: first is None or name == first
    named = {p.get("name") or "" for p in _service_ports(service) if p.get("targetPort") == target}
    return lambda name, number: name == target or str(number) == str(target) or name in named


def kourier_role(snapshot: Snapshot, slices: SlicesByService) -> KourierRole:
    """Every Ingress of class Kourier.

    Plain HTTP is never redirected here, whatever `httpOption` says: the OpenShift Route in front does that,
    and behind an edge Route every request is plain.
    Source: serverless-operator openshift-knative-operator/pkg/serving/kourier.go, addKourierEnvValues.
    """
    rows = [
        i for i in snapshot.list(INGRESS) if not is_deleting(i) and annotations_of(i).get(CLASS) == KOURIER
    ]
    rows.sort(key=_name)
    routes = [r for i in rows for r in _kourier_routes(i, snapshot, slices)]
    found = [c for i in rows for c in _certificates(i, snapshot)]
    inside = {h for r in routes if r.visibility == "ClusterLocal" for h in r.hosts}
    return KourierRole(
        routes=tuple(routes),
        certificates=(*(c for c in found if not inside & set(c.hosts)), *_default_certificate(snapshot)),
        local_certificates=tuple(c for c in found if inside & set(c.hosts)),
    )


def _certificates(ingress: Json, snapshot: Snapshot) -> Iterator[KourierCertificate]:
    """Those that `spec.tls` names; one that is missing or no pair is left out."""
    for row in (ingress.get("spec") or {}).get("tls") or ():
        place = row.get("secretNamespace") or ingress["metadata"]["namespace"]
        yield from _certificate(snapshot, place, row.get("secretName") or "", tuple(row.get("hosts") or ()))


def _default_certificate(snapshot: Snapshot) -> Iterator[KourierCertificate]:
    """The certificate for all hosts, as net-kourier-controller's environment names it.

    Source: net-kourier pkg/generator/ingress_translator.go, useHTTPSListenerWithOneCert.
    """
    for pod in snapshot.list("Pod", None, {"app": KOURIER_CONTROLLER}):
        for container in (pod.get("spec") or {}).get("containers") or ():
            env = env_of(container)
            if not is_deleting(pod) and env.get("CERTS_SECRET_NAME"):
                place = env.get("CERTS_SECRET_NAMESPACE", "")
                yield from _certificate(snapshot, place, env["CERTS_SECRET_NAME"], ())
                return


def _certificate(
    snapshot: Snapshot, namespace: str, name: str, hosts: tuple[str, ...]
) -> Iterator[KourierCertificate]:
    data = (snapshot.get(Ref("Secret", namespace, name)) or {}).get("data") or {}
    try:
        chain, key = (base64.b64decode(data.get(k, "")).decode() for k in ("tls.crt", "tls.key"))
    except ValueError:
        return
    if is_pair(chain, key):
        yield KourierCertificate(hosts=hosts, chain=chain, key=key)


def _kourier_routes(ingress: Json, snapshot: Snapshot, slices: SlicesByService) -> Iterator[KourierRoute]:
    meta, spec = ingress["metadata"], ingress.get("spec") or {}
    digest = network_hash(ingress)
    for rule in spec.get("rules") or ():
        visibility: Literal["ExternalIP", "ClusterLocal"] = rule.get("visibility") or "ExternalIP"
        secured = {h for row in spec.get("tls") or () for h in row.get("hosts") or ()}
        for path in (rule.get("http") or {}).get("paths") or ():
            yield KourierRoute(
                namespace=meta["namespace"],
                name=meta["name"],
                hosts=tuple(rule.get("hosts") or ()),
                path=path.get("path") or "",
                match_headers=tuple(
                    sorted((k, v.get("exact", "")) for k, v in (path.get("headers") or {}).items())
                ),
                set_headers=_pairs(path.get("appendHeaders")),
                rewrite_host=path.get("rewriteHost") or "",
                splits=tuple(
                    _split(s, meta["namespace"], snapshot, slices) for s in path.get("splits") or ()
                ),
                visibility=visibility,
                tls=bool(secured & set(rule.get("hosts") or ())),
                probe_hash=digest,
            )


def _pairs(headers: Mapping[str, str] | None) -> tuple[tuple[str, str], ...]:
    return tuple(sorted((headers or {}).items()))


def _followed(snapshot: Snapshot, namespace: str, name: str) -> tuple[str, str]:
    """The Service that an ExternalName Service stands for, where that is one of the cluster.

    A DomainMapping leads to such a placeholder, and through it to Kourier's own internal Service.
    Source: net-kourier pkg/generator/ingress_translator.go, translateIngress (ExternalName backends).
    """
    service = snapshot.get(Ref("Service", namespace, name)) or {}
    spec = service.get("spec") or {}
    host = str(spec.get("externalName") or "") if spec.get("type") == "ExternalName" else ""
    short, inside, _ = host.partition(_LOCAL)
    parts = short.split(".")
    return (parts[1], parts[0]) if inside and len(parts) == 2 else (namespace, name)


def _split(split: Json, home: str, snapshot: Snapshot, slices: SlicesByService) -> HttpSplit:
    namespace, name = split.get("serviceNamespace") or home, split["serviceName"]
    wanted = split.get("servicePort", 80)
    place = _followed(snapshot, namespace, name)
    service = snapshot.get(Ref("Service", *place))
    ports = [p for p in _service_ports(service) if wanted in (p["port"], p.get("name"))]
    names = {p.get("name") or "" for p in ports}
    http2 = any((p.get("name") or "").startswith(("http2", "h2c")) for p in ports)
    return HttpSplit(
        backends=backends_of(slices.get(place, ()), lambda port, _: port in names),
        weight=int(split.get("percent", 100)),
        cluster=f"{namespace}/{name}/{wanted}",
        http2=http2,
        headers=_pairs(split.get("appendHeaders")),
    )
