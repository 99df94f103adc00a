"""VirtualServices and DestinationRules with their names resolved. Pure.

Source: istio/istio pilot/pkg/model/virtualservice.go (resolveVirtualServiceShortnames,
mergeVirtualServicesIfNeeded), pilot/pkg/model/config.go (ResolveShortnameToFQDN).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from msgspec.structs import replace

from hauberk.base.refs import Json, ref_of
from hauberk.kinds.istio_networking.destination_rule import DestinationRule
from hauberk.kinds.istio_networking.virtual_service_model import (
    Destination as Target,
)
from hauberk.kinds.istio_networking.virtual_service_model import (
    HTTPMatch,
    HTTPRoute,
    HTTPRouteDestination,
    L4Match,
    Mirror,
    RouteDestination,
    TCPRoute,
    VirtualService,
)
from hauberk.mesh.model import DOMAIN, MESH_GATEWAY, Destination, Finding, Routes
from hauberk.mesh.origins import distinct, origin_of

Match = TypeVar("Match", HTTPMatch, L4Match)
Share = TypeVar("Share", HTTPRouteDestination, RouteDestination, Mirror)


def full_host(host: str, namespace: str) -> str:
    """A name without dots is a Service of the namespace; everything else stands for itself."""
    if "." in host or host == "*" or not host:
        return host
    return f"{host}.{namespace}.svc.{DOMAIN}"


def gateway_name(name: str, namespace: str) -> str:
    """`mesh`, or `NAMESPACE/NAME`."""
    if name == MESH_GATEWAY:
        return name
    home, slash, own = name.rpartition("/")
    return f"{namespace if not slash or home == '.' else home}/{own}"


def routes_of(raw: Json, parsed: VirtualService) -> Routes:
    """A VirtualService with full host names and gateway names; delegates are still to be merged."""
    spec, namespace = parsed.spec, parsed.metadata.namespace
    return Routes(
        ref=ref_of(raw),
        hosts=tuple(full_host(h, namespace) for h in spec.hosts),
        gateways=tuple(gateway_name(g, namespace) for g in spec.gateways or (MESH_GATEWAY,)),
        http=tuple(_http(r, namespace) for r in spec.http),
        tls=tuple(_l4(r, namespace) for r in spec.tls),
        tcp=tuple(_l4(r, namespace) for r in spec.tcp),
        export_to=spec.export_to or ("*",),
        origins=(origin_of(raw),),
    )


def destination_of(raw: Json, parsed: DestinationRule) -> Destination:
    """A DestinationRule with its full host name."""
    host = full_host(parsed.spec.host, parsed.metadata.namespace)
    return Destination(ref=ref_of(raw), host=host, spec=parsed.spec, origin=origin_of(raw))


def _target(target: Target | None, namespace: str) -> Target | None:
    return None if target is None else replace(target, host=full_host(target.host, namespace))


def _shares(shares: tuple[Share, ...], namespace: str) -> tuple[Share, ...]:
    return tuple(replace(s, destination=_target(s.destination, namespace)) for s in shares)


def _matches(matches: tuple[Match, ...], namespace: str) -> tuple[Match, ...]:
    return tuple(replace(m, gateways=tuple(gateway_name(g, namespace) for g in m.gateways)) for m in matches)


def _http(route: HTTPRoute, namespace: str) -> HTTPRoute:
    return replace(
        route,
        match=_matches(route.match, namespace),
        route=_shares(route.route, namespace),
        mirror=_target(route.mirror, namespace),
        mirrors=_shares(route.mirrors, namespace),
    )


def _l4(route: TCPRoute, namespace: str) -> TCPRoute:
    return replace(route, match=_matches(route.match, namespace), route=_shares(route.route, namespace))


def with_delegates(roots: Sequence[Routes]) -> tuple[tuple[Routes, ...], list[Finding]]:
    """VirtualServices that have hosts, with the routes of those they delegate to put in place.

    A delegate's route matches what both it and the delegating route match. A delegate may not
    delegate further.
    """
    by_name = {(r.ref.namespace, r.ref.name): r for r in roots if not r.hosts}
    out, findings = [], []
    for root in roots:
        if not root.hosts:
            continue
        http: list[HTTPRoute] = []
        origins = list(root.origins)
        for route in root.http:
            if route.delegate is None:
                http.append(route)
                continue
            key = (route.delegate.namespace or root.ref.namespace, route.delegate.name)
            found = by_name.get(key)
            if found is None or not found.visible_to(root.ref.namespace):
                text = f"delegate VirtualService {key[0]}/{key[1]} does not exist or is not exported"
                findings.append(Finding(root.ref, "DelegateNotFound", text))
                continue
            http += _merged(route, found)
            origins += found.origins
        same = tuple(http) == root.http
        out.append(root if same else Routes(
            ref=root.ref, hosts=root.hosts, gateways=root.gateways, http=tuple(http),
            tls=root.tls, tcp=root.tcp, export_to=root.export_to, origins=distinct(origins),
        ))  # fmt: skip
    return tuple(out), findings


def _merged(root: HTTPRoute, delegate: Routes) -> Iterator[HTTPRoute]:
    anything = (HTTPMatch(),)
    for route in delegate.http:
        if route.delegate is None:
            yield replace(
                route,
                match=tuple(_both(a, b) for a in root.match or anything for b in route.match or anything),
                name=f"{root.name}-{route.name}".strip("-"),
                timeout=route.timeout or root.timeout,
                retries=route.retries or root.retries,
                headers=route.headers or root.headers,
                rewrite=route.rewrite or root.rewrite,
                fault=route.fault or root.fault,
            )  # fmt: skip


def _both(root: HTTPMatch, own: HTTPMatch) -> HTTPMatch:
    return replace(
        own,
        uri=own.uri or root.uri,
        scheme=own.scheme or root.scheme,
        method=own.method or root.method,
        authority=own.authority or root.authority,
        headers={**(root.headers or {}), **(own.headers or {})} or None,
        without_headers={**(root.without_headers or {}), **(own.without_headers or {})} or None,
        query_params={**(root.query_params or {}), **(own.query_params or {})} or None,
        port=own.port or root.port,
        gateways=own.gateways or root.gateways,
        source_labels={**(root.source_labels or {}), **(own.source_labels or {})} or None,
        source_namespace=own.source_namespace or root.source_namespace,
        ignore_uri_case=own.ignore_uri_case or root.ignore_uri_case,
    )


def host_matches(pattern: str, host: str) -> bool:
    """Whether a host name falls under `*`, `*.name` or the name itself."""
    if pattern == "*" or pattern == host:
        return True
    return pattern.startswith("*") and host.endswith(pattern[1:]) and len(host) > len(pattern) - 1


@dataclass(frozen=True)
class RulesByHost:
    """DestinationRules by namespace: of exact hosts, and of patterns. The order of each list is kept."""

    exact: Mapping[tuple[str, str], Sequence[Destination]]
    patterns: Mapping[str, Sequence[Destination]]

    @classmethod
    def of(cls, rules: Iterable[Destination]) -> RulesByHost:
        """Sort rules by where they are looked for."""
        exact: dict[tuple[str, str], list[Destination]] = defaultdict(list)
        patterns: dict[str, list[Destination]] = defaultdict(list)
        for rule in rules:
            if rule.host.startswith("*"):
                patterns[rule.ref.namespace].append(rule)
            else:
                exact[rule.ref.namespace, rule.host].append(rule)
        return cls(exact, patterns)

    def candidates(self, host: str, namespaces: Iterable[str]) -> list[Destination]:
        """The rules of these namespaces that may be for the host."""
        out: list[Destination] = []
        for namespace in dict.fromkeys(namespaces):
            out += (*self.exact.get((namespace, host), ()), *self.patterns.get(namespace, ()))
        return out


def rule_for(
    host: str,
    service_namespace: str,
    client_namespace: str,
    rules: Sequence[Destination],
    root: str,
    labels: Mapping[str, str] | None = None,
) -> Destination | None:
    """The DestinationRule that a client uses for a host: its own namespace's, the service's, the root's.

    Within a namespace the most specific host counts, then the oldest.
    Source: istio/istio pilot/pkg/model/push_context.go, destinationRule.
    """
    for namespace in (client_namespace, service_namespace, root):
        found = [
            r
            for r in rules
            if r.ref.namespace == namespace
            and host_matches(r.host, host)
            and r.visible_to(client_namespace)
            and _selects(r, namespace == client_namespace, labels)
        ]
        if found:
            return max(found, key=lambda r: (not r.host.startswith("*"), len(r.host)))
    return None


def _selects(rule: Destination, own: bool, labels: Mapping[str, str] | None) -> bool:
    selector = rule.spec.workload_selector
    if selector is None or not selector.match_labels:
        return True
    return own and labels is not None and all(labels.get(k) == v for k, v in selector.match_labels.items())


def destination_hosts(routes: Routes) -> set[str]:
    """Hosts that the VirtualService sends requests and connections to."""
    return {target.host for target in targets(routes)}


def unknown_subsets(routes: Routes, rules: Sequence[Destination]) -> list[tuple[str, str]]:
    """(host, subset) that the VirtualService names and no DestinationRule has."""
    wanted = {(t.host, t.subset) for t in targets(routes) if t.subset}
    if not wanted:
        return []
    have = {(r.host, subset.name) for r in rules for subset in r.spec.subsets}
    return sorted(
        (host, name)
        for host, name in wanted
        if not any(name == known and host_matches(pattern, host) for pattern, known in have)
    )


def targets(routes: Routes) -> list[Target]:
    """Every destination of a VirtualService."""
    every: list[Target | None] = [share.destination for r in routes.http for share in r.route]
    every += [mirror.destination for r in routes.http for mirror in r.mirrors]
    every += [r.mirror for r in routes.http]
    every += [s.destination for rows in (routes.tls, routes.tcp) for r in rows for s in r.route]
    return [d for d in every if d is not None]
