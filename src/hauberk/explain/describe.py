"""What applies to a pod, a service, a route. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from hauberk.base.refs import Json, Ref, labels_of, ref_of
from hauberk.explain.mtls import insists, workload_named
from hauberk.explain.seen import ROUTE, Seen, is_injected
from hauberk.explain.words import Say, findings_about, not_there
from hauberk.mesh.model import MESH_GATEWAY, Bind, Domain, Mode, Proxy, Routes, Service
from hauberk.mesh.registry import service_host
from hauberk.mesh.routing import host_matches, rule_for
from hauberk.mesh.workloads import Workload

INJECT = "sidecar.istio.io/inject"
TAKES = {
    Mode.STRICT: "mTLS only: a client without a certificate of the mesh is refused",
    Mode.PERMISSIVE: "mTLS and plaintext",
    Mode.DISABLE: "plaintext only",
}


def describe_pod(seen: Seen, namespace: str, name: str) -> list[Say]:
    """Identity, mTLS of each port, policies, servers, Services. Raises Problem when there is none."""
    pod = workload_named(seen, namespace, name)
    if pod is None:
        known = (p["metadata"]["name"] for p in seen.snapshot.list("Pod", namespace))
        raise not_there("pod", namespace, name, known)
    proxy = seen.mesh.proxies.get(pod.uid)
    if proxy is None or not proxy.domain:
        return [*_outside(seen, pod), *_services_of(seen, pod)]
    kind = "a gateway" if proxy.gateway else "a sidecar"
    rows = [Say(about="mesh", words=f"in the mesh of {proxy.domain}, with {kind}")]
    rows.append(Say(about="identity", words=proxy.identity))
    rows += _servers(proxy) if proxy.gateway else _ports(seen, pod, proxy)
    rows += _policies(proxy)
    rows += _services_of(seen, pod)
    refs = [p.ref for p in proxy.policies] + [b.gateway for b in proxy.binds]
    return [*rows, *findings_about(seen, [Ref("Pod", namespace, name), *refs])]


def domain_of(seen: Seen, namespace: str) -> Domain | None:
    """The mesh that a namespace belongs to."""
    found = (d for root, d in seen.mesh.domains.items() if root and namespace in d.namespaces)
    return next(found, None)


def _outside(seen: Seen, pod: Workload) -> Iterator[Say]:
    domain = domain_of(seen, pod.namespace)
    labels = dict(pod.labels)
    yield Say(about="mesh", words="outside: it has no sidecar; it takes plaintext from anybody")
    if domain is None:
        yield Say(about="why", words=f"{pod.namespace} is in no mesh", decides="no member roll lists it")
    elif labels.get(INJECT) == "false":
        yield Say(about="why", words="it asks for no sidecar", decides=f"its label {INJECT}")
    elif labels.get(INJECT) == "true":
        words = "it asks for a sidecar and was made before its namespace was in the mesh: make it again"
        yield Say(about="why", words=words, decides=f"its label {INJECT}")
    else:
        space = seen.snapshot.get(Ref("Namespace", "", pod.namespace))
        also = "" if space is None or not is_injected(space) else ", and was made before its namespace was"
        yield Say(about="why", words=f"it does not ask for one: no label {INJECT}{also}")


def _ports(seen: Seen, pod: Workload, proxy: Proxy) -> Iterator[Say]:
    numbers = [*(i.port for i in proxy.inbound), *pod.excluded_inbound]
    for number in sorted(dict.fromkeys(numbers)):
        found = insists(seen, pod, proxy, number)
        words = "passes the sidecar by: plaintext" if number in pod.excluded_inbound else TAKES[found.mode]
        yield Say(about=f"port {number}", words=words, decides=found.decides)
    rest = insists(seen, pod, proxy, 0)
    yield Say(about="other ports", words=TAKES[rest.mode], decides=rest.decides)


def _servers(proxy: Proxy) -> Iterator[Say]:
    if not proxy.binds:
        yield Say(about="servers", words="no Gateway selects it: it opens no port")
    for bind in proxy.binds:
        yield Say(about=f"port {bind.port}", words=server_words(bind), decides=str(bind.gateway))


def server_words(bind: Bind) -> str:
    """What a Gateway's server takes."""
    hosts = ", ".join(host for _, host in bind.hosts)
    tls = bind.server.tls
    protocol = bind.server.port.protocol if bind.server.port else ""
    if tls is None:
        return f"{protocol} for {hosts}"
    shown = {
        "SIMPLE": f"TLS with the certificate of Secret {tls.credential_name}",
        "ISTIO_MUTUAL": "mTLS of the mesh: a client needs a certificate of the mesh",
        "MUTUAL": f"TLS with Secret {tls.credential_name}, and a certificate of its CA from the client",
        "PASSTHROUGH": "TLS, passed on as it is",
    }
    return f"{shown.get(tls.mode, tls.mode)}, for {hosts}"


def _policies(proxy: Proxy) -> Iterator[Say]:
    for policy in proxy.policies:
        verb = "denies what its rules match" if policy.action == "DENY" else "allows what its rules match"
        if not policy.rules:
            verb = (
                "denies everything that no other policy allows"
                if policy.action == "ALLOW"
                else "denies nothing"
            )
        yield Say(about="policy", words=f"{verb} ({len(policy.rules)} rules)", decides=str(policy.ref))
    if not proxy.policies:
        yield Say(about="policy", words="no AuthorizationPolicy selects it: whoever gets in may do anything")


def _services_of(seen: Seen, pod: Workload) -> Iterator[Say]:
    for raw in seen.snapshot.list("Service", pod.namespace):
        selector = (raw.get("spec") or {}).get("selector")
        if selector and pod.has_labels(selector):
            yield Say(
                about="service",
                words=f"is behind it by its labels {_labels(selector)}",
                decides=str(ref_of(raw)),
            )


def _labels(selector: dict[str, str]) -> str:
    return ", ".join(f"{k}={v}" for k, v in selector.items())


def describe_service(seen: Seen, namespace: str, name: str) -> list[Say]:
    """Ports, endpoints, and the rules of the mesh for its host. Raises Problem when there is none."""
    raw = seen.snapshot.get(Ref("Service", namespace, name))
    if raw is None:
        known = (p["metadata"]["name"] for p in seen.snapshot.list("Service", namespace))
        raise not_there("service", namespace, name, known)
    host = service_host(name, namespace)
    spec = raw.get("spec") or {}
    rows = [Say(about="host", words=host)]
    if spec.get("type") == "ExternalName":
        rows.append(Say(about="name", words=f"another name for {spec.get('externalName')}"))
    domain = domain_of(seen, namespace)
    if domain is None:
        return [*rows, Say(about="mesh", words=f"{namespace} is in no mesh: clients speak plaintext to it")]
    service = domain.by_host.get(host)
    rows += _endpoints(service) if service is not None else ()
    for routes in domain.routes:
        if any(host_matches(pattern, host) for pattern in routes.hosts):
            rows.append(Say(about="routes", words=routes_words(routes), decides=str(routes.ref)))
    rule = rule_for(host, namespace, namespace, domain.destinations, domain.settings.root)
    if rule is not None:
        mode = (
            rule.spec.traffic_policy.tls.mode
            if rule.spec.traffic_policy and rule.spec.traffic_policy.tls
            else ""
        )
        rows.append(
            Say(about="clients", words=f"TLS mode {mode}" if mode else "as it says", decides=str(rule.ref))
        )
    refs = [r.ref for r in domain.routes if host in r.hosts] + ([rule.ref] if rule else [])
    return [*rows, *findings_about(seen, [ref_of(raw), *refs])]


def _endpoints(service: Service) -> Iterator[Say]:
    for port in service.ports:
        ready = service.endpoints.get(port.number, ())
        mutual = sum(e.mtls for e in ready)
        words = f"{len(ready)} endpoints" if ready else "no endpoint: requests get 503"
        how = f", {mutual} of them over mTLS" if ready else ""
        yield Say(
            about=f"port {port.number}",
            words=f"{port.protocol.value}, {words}{how}",
            decides=str(service.ref),
        )


def routes_words(routes: Routes) -> str:
    """Whose requests a VirtualService leads, and where to."""
    whose = "clients in the mesh" if MESH_GATEWAY in routes.gateways else ""
    gates = ", ".join(g for g in routes.gateways if g != MESH_GATEWAY)
    to = dict.fromkeys(d.destination.host for h in routes.http for d in h.route if d.destination)
    from_ = " and ".join(part for part in (whose, gates and f"Gateway {gates}") if part)
    return f"leads {from_} to {', '.join(to) or 'no HTTP destination'}"


def describe_route(seen: Seen, namespace: str, name: str) -> list[Say]:
    """From the router to the Gateway's server and the rules behind it. Raises Problem when there is none."""
    raw = seen.snapshot.get(Ref(ROUTE, namespace, name)) or _route_of_service(seen, namespace, name)
    if raw is None:
        known = (p["metadata"]["name"] for p in seen.snapshot.list(ROUTE, namespace))
        raise not_there("route", namespace, name, known)
    spec = raw["spec"]
    host, to = str(spec.get("host", "")), str((spec.get("to") or {}).get("name", ""))
    place = raw["metadata"]["namespace"]
    rows = [Say(about="host", words=host, decides=str(ref_of(raw))), _termination(raw)]
    service = seen.snapshot.get(Ref("Service", place, to))
    if service is None:
        return [
            *rows,
            Say(about="to", words=f"Service {place}/{to}, which is not there: 503", mark="refused"),
        ]
    rows.append(
        Say(
            about="to",
            words=f"port {(spec.get('port') or {}).get('targetPort', '')}",
            decides=str(ref_of(service)),
        )
    )
    selector = (service.get("spec") or {}).get("selector") or {}
    gates = [
        p for p in seen.mesh.proxies.values() if p.gateway and p.namespace == place and _has(p, selector)
    ]
    ports = _behind_port(service, (spec.get("port") or {}).get("targetPort"))
    open_ = [b for p in gates[:1] for b in p.binds if b.port in ports]
    binds = [b for b in open_ if any(host_matches(h, host) for _, h in b.hosts)]
    if not binds:
        words = "no Gateway opens the port for this host: the connection is cut"
        rows.append(Say(about="server", words=words, mark="refused"))
    rows += (Say(about=f"server {b.port}", words=server_words(b), decides=str(b.gateway)) for b in binds)
    rows += _behind(seen, {b.gateway_name for b in binds}, host)
    return [*rows, *findings_about(seen, [ref_of(raw), *(b.gateway for b in binds)])]


def _behind_port(service: Json, wanted: Any) -> set[int]:
    """The pods' ports behind the Service's port that a Route names; all of them when it names none."""
    rows = (service.get("spec") or {}).get("ports") or ()
    chosen = [
        r for r in rows if wanted is None or wanted in (r.get("name"), r.get("port"), r.get("targetPort"))
    ]
    return {t for r in chosen if isinstance(t := r.get("targetPort", r.get("port")), int)}


def _has(proxy: Proxy, selector: dict[str, str]) -> bool:
    have = dict(proxy.labels)
    return bool(selector) and all(have.get(k) == v for k, v in selector.items())


def _behind(seen: Seen, gateways: set[str], host: str) -> Iterator[Say]:
    for domain in seen.mesh.domains.values():
        for routes in domain.routes:
            if gateways & {*routes.gateways} and any(host_matches(p, host) for p in routes.hosts):
                yield Say(about="routes", words=routes_words(routes), decides=str(routes.ref))


def _termination(route: Json) -> Say:
    tls: dict[str, Any] = route["spec"].get("tls") or {}
    shown = {
        "passthrough": "the router passes TLS on: the gateway shows its certificate",
        "edge": "the router ends TLS with a certificate of its own",
        "reencrypt": "the router ends TLS and begins it anew",
    }
    words = shown.get(tls.get("termination", ""), "plain HTTP")
    plain = tls.get("insecureEdgeTerminationPolicy")
    return Say(about="TLS", words=words + (f"; plain HTTP: {plain}" if plain else ""))


def _route_of_service(seen: Seen, namespace: str, name: str) -> Json | None:
    """The Route of a Knative service, found by the labels that the operator puts on it."""
    for raw in seen.snapshot.list(ROUTE):
        labels = labels_of(raw)
        names = (
            labels.get("serving.knative.openshift.io/ingressNamespace"),
            labels.get("serving.knative.openshift.io/ingressName"),
        )
        if names == (namespace, name):
            return raw
    return None
