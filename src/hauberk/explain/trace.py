"""What would become of a call: each station, what it does, and which resource decides. Pure; nothing is sent.

Matches and weights of VirtualServices are not walked: where one has several destinations, all are shown.
The verdict of a policy that depends on addresses or tokens is `unsure`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from hauberk.base.problems import Problem
from hauberk.base.refs import Ref
from hauberk.explain.authz import Request, decide
from hauberk.explain.describe import domain_of, server_words
from hauberk.explain.mtls import insists, workload_named
from hauberk.explain.seen import Seen
from hauberk.explain.words import Say, not_there
from hauberk.mesh.model import MESH_GATEWAY, Bind, Domain, Endpoint, Mode, Proxy, Routes
from hauberk.mesh.routing import host_matches, rule_for
from hauberk.mesh.workloads import Workload

SUFFIX = ".svc.cluster.local"
MOST_HOPS = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A call as its client makes it."""

    source: Workload | None  # None: no pod of the cluster
    proxy: Proxy | None
    https: bool
    host: str
    port: int
    path: str


def trace(seen: Seen, source: str, destination: str) -> list[Say]:
    """Walk the call. `source`: NAMESPACE/POD. `destination`: a URL, or NAMESPACE/SERVICE. Raises Problem."""
    call = _call(seen, source, destination)
    return [*_begin(seen, call)]


def _call(seen: Seen, source: str, destination: str) -> Call:
    namespace, slash, name = source.partition("/")
    pod = workload_named(seen, namespace, name) if slash else None
    if pod is None:
        known = (p["metadata"]["name"] for p in seen.snapshot.list("Pod", namespace))
        raise not_there("pod", namespace, name or source, known)
    url = destination
    if "//" not in destination:
        place, _, rest = destination.partition("/")
        url = f"http://{rest}.{place}{SUFFIX}"
    parts = urlsplit(url)
    if not parts.hostname or parts.scheme not in ("http", "https"):
        raise Problem(
            f"`{destination}` is no destination",
            wanted="http://SERVICE.NAMESPACE.svc.cluster.local/PATH, or NAMESPACE/SERVICE",
            found=destination,
            fix="hauberk mesh trace default/client default/hello",
        )
    https = parts.scheme == "https"
    proxy = seen.mesh.proxies.get(pod.uid)
    return Call(
        source=pod,
        proxy=proxy if proxy is not None and proxy.domain else None,
        https=https,
        host=_full(parts.hostname, pod.namespace),
        port=parts.port or (443 if https else 80),
        path=parts.path or "/",
    )


def _full(host: str, namespace: str) -> str:
    """A Kubernetes name in full, as the pod's resolver would complete it."""
    if host.endswith(".svc"):
        return f"{host}.cluster.local"
    if "." not in host:
        return f"{host}.{namespace}{SUFFIX}"
    return f"{host}{SUFFIX}" if host.count(".") == 1 else host


def _begin(seen: Seen, call: Call) -> Iterator[Say]:
    assert call.source is not None
    name = f"Pod {call.source.namespace}/{call.source.name}"
    domain = domain_of(seen, call.source.namespace)
    if call.proxy is None or domain is None:
        yield Say(about="client", words="has no sidecar: it sends what the program sends", decides=name)
        yield from _plain(seen, call, call.host, 0)
        return
    yield Say(about="client", words=f"its sidecar sends as {call.proxy.identity}", decides=name)
    routes = _routes_for(domain, call.host, MESH_GATEWAY, call.source.namespace)
    if routes is None or call.https:
        yield from _to_service(seen, domain, call, call.host, call.port, call.proxy.identity)
        return
    yield from _led(seen, domain, call, routes, call.proxy.identity)


def _routes_for(domain: Domain, host: str, gateway: str, namespace: str) -> Routes | None:
    """The oldest VirtualService for the host that the client or gateway obeys."""
    found = (r for r in domain.routes if gateway in r.gateways and r.visible_to(namespace))
    return next((r for r in found if any(host_matches(pattern, host) for pattern in r.hosts)), None)


def _led(seen: Seen, domain: Domain, call: Call, routes: Routes, identity: str) -> Iterator[Say]:
    """Along a VirtualService, to each of its destinations once."""
    targets = dict.fromkeys(
        (d.destination.host, d.destination.port.number if d.destination.port else 80)
        for rule in routes.http
        for d in rule.route
        if d.destination
    )
    words = ", ".join(f"{host}:{port}" for host, port in targets) or "no destination"
    yield Say(about="routes", words=f"leads to {words}", decides=str(routes.ref))
    for host, port in targets:
        yield from _to_service(seen, domain, call, host, port, identity)


def _to_service(seen: Seen, domain: Domain, call: Call, host: str, port: int, identity: str) -> Iterator[Say]:
    """From a proxy of the mesh to a host of the registry."""
    service = domain.by_host.get(host)
    if service is None:
        if domain.settings.registry_only:
            words = "the mesh does not know the host, and REGISTRY_ONLY lets nothing else out"
            yield Say(
                about=host, words=words, mark="refused", decides=f"control plane in {domain.settings.root}"
            )
        else:
            yield Say(about=host, words="not a host of the mesh: passed on as it is", mark="unsure")
        return
    assert call.source is not None
    rule = rule_for(host, service.namespace, call.source.namespace, domain.destinations, domain.settings.root)
    policy = rule.spec.traffic_policy if rule is not None else None
    mode = policy.tls.mode if policy is not None and policy.tls is not None else ""
    ends = service.endpoints.get(port, ())
    if rule is not None:
        yield Say(about=host, words=f"sent with TLS mode {mode or 'of its endpoints'}", decides=str(rule.ref))
    if not ends:
        yield Say(
            about=host, words=f"no endpoint on port {port}: 503", mark="refused", decides=str(service.ref)
        )
        return
    sends_mtls = mode == "ISTIO_MUTUAL" or (not mode and domain.settings.auto_mtls and ends[0].mtls)
    how = "over mTLS" if sends_mtls else "in plaintext"
    yield Say(about=host, words=f"{len(ends)} endpoints on port {port}, {how}", decides=str(service.ref))
    yield from _arrive(seen, call, ends[0], identity if sends_mtls else "", mtls=sends_mtls)


def _plain(seen: Seen, call: Call, host: str, hops: int) -> Iterator[Say]:
    """A client without a sidecar: Kubernetes' Services, as DNS and the network lead."""
    name, _, rest = host.removesuffix(SUFFIX).partition(".")
    raw = seen.snapshot.get(Ref("Service", rest, name)) if host.endswith(SUFFIX) else None
    if raw is None:
        yield Say(about=host, words="not a Service of this cluster", mark="unsure")
        return
    spec = raw.get("spec") or {}
    if spec.get("type") == "ExternalName" and hops < MOST_HOPS:
        other = str(spec.get("externalName", ""))
        yield Say(about=host, words=f"another name for {other}", decides=f"Service {rest}/{name}")
        yield from _plain(seen, call, other, hops + 1)
        return
    for domain in seen.mesh.domains.values():
        service = domain.by_host.get(host)
        if service is not None:
            break
    else:
        yield Say(about=host, words="no mesh knows it: plaintext, as it is", mark="unsure")
        return
    ends = service.endpoints.get(call.port, ())
    if not ends:
        words = f"no endpoint on port {call.port}: nothing accepts the connection"
        yield Say(about=host, words=words, mark="refused", decides=str(service.ref))
        return
    yield Say(about=host, words=f"{len(ends)} endpoints on port {call.port}", decides=str(service.ref))
    yield from _arrive(seen, call, ends[0], "", mtls=False)


def _arrive(seen: Seen, call: Call, end: Endpoint, identity: str, *, mtls: bool) -> Iterator[Say]:
    """At one endpoint: what its proxy demands, then its policies."""
    proxy = next((p for p in seen.mesh.proxies.values() if p.ip == end.address and p.domain), None)
    if proxy is None:
        yield Say(about=end.address, words=f"no proxy on port {end.port}: the program answers", mark="passes")
        return
    pod = workload_named(seen, proxy.namespace, proxy.name)
    assert pod is not None
    about = f"Pod {proxy.namespace}/{proxy.name}"
    if proxy.gateway:
        yield from _through_gateway(seen, call, proxy, end.port, identity, mtls=mtls)
        return
    found = insists(seen, pod, proxy, end.port)
    if found.mode is Mode.STRICT and not mtls:
        words = f"port {end.port} takes mTLS only, and this is {'TLS' if call.https else 'plaintext'}"
        yield Say(about=about, words=words, mark="refused", decides=found.decides)
        return
    yield Say(about=about, words=f"port {end.port} takes the connection", decides=found.decides)
    yield _judged(about, proxy, call, identity, end.port)


def _judged(about: str, proxy: Proxy, call: Call, identity: str, port: int) -> Say:
    request = Request(identity=identity, host=call.host, path=call.path, port=port)
    said = decide(proxy.policies, request)
    mark = "unsure" if not said.sure else "passes" if said.allowed else "refused"
    words = said.words if said.allowed else f"403: {said.words}"
    return Say(about=about, words=words, mark=mark, decides=str(said.decides) if said.decides else "")  # type: ignore[arg-type]


def _through_gateway(
    seen: Seen, call: Call, proxy: Proxy, port: int, identity: str, *, mtls: bool
) -> Iterator[Say]:
    """At a gateway's pod: its server, its policies, then the VirtualService behind it."""
    about = f"Pod {proxy.namespace}/{proxy.name}"
    binds = [b for b in proxy.binds if b.port == port]
    if not binds:
        yield Say(about=about, words=f"no Gateway opens port {port}", mark="refused")
        return
    bind = binds[0]
    if refused := _refused(bind, call, mtls=mtls):
        yield Say(about=about, words=refused, mark="refused", decides=str(bind.gateway))
        return
    yield Say(about=about, words=server_words(bind), decides=str(bind.gateway))
    verdict = _judged(about, proxy, call, identity, port)
    yield replace(verdict, mark="") if verdict.mark == "passes" else verdict
    domain = seen.mesh.domains[proxy.domain]
    routes = _routes_for(domain, call.host, bind.gateway_name, proxy.namespace)
    if verdict.mark == "refused":
        return
    if routes is None:
        yield Say(
            about=about,
            words=f"no VirtualService of {bind.gateway_name} has {call.host}: 404",
            mark="refused",
        )
        return
    source = workload_named(seen, proxy.namespace, proxy.name)
    yield from _led(seen, domain, replace(call, source=source), routes, proxy.identity)


def _refused(bind: Bind, call: Call, *, mtls: bool) -> str:
    """Why the server refuses the connection; empty when it does not."""
    mode = bind.server.tls.mode if bind.server.tls is not None else ""
    if mode == "ISTIO_MUTUAL" and not mtls:
        return f"port {bind.port} demands a certificate of the mesh, and the client has none"
    if mode in ("SIMPLE", "MUTUAL") and not call.https:
        return f"port {bind.port} speaks TLS, and this is plaintext"
    if not mode and call.https and not mtls:
        return f"port {bind.port} speaks plain HTTP, and this is TLS"
    return ""
