"""What a sidecar does with connections that its application opens.

A redirected connection arrives at 15001 and goes to the listener of the address it was for: `IP_PORT` for
bare connections, `0.0.0.0_PORT` for requests, which are told apart by Host. What nobody knows goes where it
wanted to (ALLOW_ANY) or nowhere (REGISTRY_ONLY).
Source: istio/istio pilot/pkg/networking/core/listener.go, httproute.go (buildSidecarOutboundHTTPRouteConfig).
Deviation: a port without a protocol of its own gets one listener per virtual IP, as upstream, but clients
that wait for the server to speak first are let through after 5 s.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, partial

from envoy.config.route.v3.route_components_pb2 import Route, VirtualHost
from envoy.config.route.v3.route_pb2 import RouteConfiguration

from hauberk.kinds.istio_networking.virtual_service_model import Destination as Target
from hauberk.kinds.istio_networking.virtual_service_model import TCPRoute
from hauberk.mesh.memo import Memo
from hauberk.mesh.model import MESH_GATEWAY, Destination, Port, Protocol, Routes, Service, Settings
from hauberk.mesh.origins import Origin, distinct
from hauberk.mesh.routing import RulesByHost, host_matches, rule_for, targets
from hauberk.xds.translate import inspect, managers, matching, names, routes
from hauberk.xds.translate.types import Message, Resource, encoded, resource

CAPTURE_PORT = 15001
OWN_PORTS = frozenset({CAPTURE_PORT, 15006, 15020, 15021, 15090})  # the proxy serves these itself
_OUT = "OUTBOUND"
_kept = Memo()


@dataclass(frozen=True)
class View:
    """What one client sees of the mesh: services (without endpoints), rules, and who it is."""

    settings: Settings
    namespace: str
    labels: tuple[tuple[str, str], ...]
    services: tuple[Service, ...]
    virtual: tuple[Routes, ...]
    rules: tuple[Destination, ...]
    by_host: dict[str, Service]

    def rule(self, service: Service) -> Destination | None:
        """The DestinationRule that counts for a service."""
        labels = dict(self.labels)
        root = self.settings.root
        spaces = (self.namespace, service.namespace, root)
        rules = self._rules.candidates(service.host, spaces)
        return rule_for(service.host, service.namespace, self.namespace, rules, root, labels)

    @cached_property
    def _rules(self) -> RulesByHost:
        return RulesByHost.of(self.rules)

    @cached_property
    def _routes(self) -> tuple[dict[str, Routes], list[tuple[str, Routes]]]:
        """The mesh's VirtualServices: the oldest of each exact host, and those of patterns."""
        exact: dict[str, Routes] = {}
        patterns: list[tuple[str, Routes]] = []
        for row in self.virtual:
            for host in row.hosts if MESH_GATEWAY in row.gateways else ():
                if host.startswith("*"):
                    patterns.append((host, row))
                else:
                    exact.setdefault(host, row)
        return exact, patterns

    def leads(self, found: Routes | None) -> tuple[Service | Destination | None, ...]:
        """All that the clusters named by a VirtualService depend on."""
        out: list[Service | Destination | None] = []
        for target in _kept.get(targets, found) if found is not None else ():
            service = self.by_host.get(target.host)
            rule = self.rule(service) if service is not None and target.subset else None
            out += (service, rule)
        return tuple(out)

    def cluster_of(self, target: Target, port: int) -> str:
        """The cluster of a destination; the black hole when there is no such service, port or subset.

        Source: istio/istio pilot/pkg/networking/core/route/route.go, GetDestinationCluster.
        """
        service = self.by_host.get(target.host)
        if service is None:
            return names.BLACK_HOLE
        if target.port is not None:
            port = target.port.number
        elif len(service.ports) == 1:
            port = service.ports[0].number
        if service.port(port) is None:
            return names.BLACK_HOLE
        if target.subset:
            rule = self.rule(service)
            if rule is None or target.subset not in {s.name for s in rule.spec.subsets}:
                return names.BLACK_HOLE
        return names.outbound(service.host, port, target.subset)

    def routes_for(self, host: str) -> Routes | None:
        """The VirtualService for a host within the mesh: the most specific, then the oldest."""
        exact, patterns = self._routes
        if host in exact:
            return exact[host]
        found = [row for row in patterns if host_matches(row[0], host)]
        return max(found, key=lambda row: len(row[0]))[1] if found else None

    def scope(self, port: int) -> routes.Scope:
        """Where the mesh's own routes are looked at."""
        return routes.Scope(MESH_GATEWAY, port, self.cluster_of, self.namespace, self.labels)


def outbound(view: View) -> tuple[Resource, ...]:
    """Listeners and route tables, without clusters."""
    return encoded(_outbound(view))


def nowhere(view: View) -> tuple[Resource, ...]:
    """The listener of a pod whose containers open no connections: what comes goes where it wanted to.

    Deviation: upstream's sidecars know every service, whatever their pod runs; a component of Serving or
    Eventing that is a role of its Envoy, or whose work the control plane does, has no use for that, and in a
    cluster with a thousand services its Envoy would need hundreds of megabytes.
    """
    return encoded([_virtual(view)])


def _outbound(view: View) -> Iterator[Message | Resource]:
    requests: dict[int, list[Service]] = defaultdict(list)
    bare: dict[int, list[Service]] = defaultdict(list)
    taken: set[tuple[str, int]] = set()
    for service in view.services:
        for port in service.ports:
            if port.protocol.is_http:
                requests[port.number].append(service)
            elif dialled := dialled_at(service, port):
                for address in dialled:
                    if (address, port.number) not in taken and "/" not in address:
                        taken.add((address, port.number))
                        yield from _connections(view, service, port, address)
            elif not service.headless:
                bare[port.number].append(service)
    for number in sorted({*requests, *bare, 80} - OWN_PORTS):
        yield from _wildcard(view, number, requests.get(number, ()), bare.get(number, ()))
    yield _virtual(view)


def dialled_at(service: Service, port: Port) -> tuple[str, ...]:
    """The addresses that clients connect to: virtual IPs, or the pods' own of a headless Service.

    Source: istio/istio pilot/pkg/networking/core/listener.go, buildSidecarOutboundListeners ("headless").
    """
    if service.headless:
        return tuple(dict.fromkeys(row.address for row in service.endpoints.get(port.number, ())))
    return service.addresses


def unknown(settings: Settings) -> str:
    """Where connections to addresses that nobody knows go."""
    return names.BLACK_HOLE if settings.registry_only else names.PASSTHROUGH


def _virtual(view: View) -> Message:
    rest = inspect.chain(
        [managers.tcp([(unknown(view.settings), 1)], view.settings)], name="virtualOutbound-catchall-tcp"
    )
    direct = inspect.chain(
        [managers.tcp([(names.BLACK_HOLE, 1)], view.settings)],
        name="virtualOutbound-blackhole",
        when=inspect.match(port=CAPTURE_PORT),
    )
    return inspect.listener(
        "virtualOutbound", CAPTURE_PORT, [direct], default=rest, direction=_OUT, original=True
    )


def _wildcard(
    view: View, number: int, requests: Sequence[Service], bare: Sequence[Service]
) -> Iterator[Message | Resource]:
    """A port on every address: requests by Host, and what is not HTTP to where it was going."""
    table = str(number)
    hcm = managers.http(f"0.0.0.0_{number}", "outbound", view.settings, routes=table)
    cluster = names.outbound(bare[0].host, number) if bare else unknown(view.settings)
    other = inspect.chain([managers.tcp([(cluster, 1)], view.settings)], name="other")
    by_name = [
        inspect.chain(
            [managers.tcp([(names.outbound(s.host, number), 1)], view.settings)],
            name=s.host,
            when=inspect.match(transport="tls", sni=[s.host]),
        )
        for s in bare
        if _distinct_sni(s, bare)
    ]
    if requests or number == 80:
        first = inspect.chain(
            [hcm], name="http", when=inspect.match(alpn=inspect.PLAIN_HTTP, transport="raw_buffer")
        )
        inspectors = [inspect.tls_inspector(), inspect.http_inspector()]
        yield inspect.listener(
            f"0.0.0.0_{number}", number, [first, *by_name], default=other, inspectors=inspectors,
            bind=False, direction=_OUT, sniffing=True,
        )  # fmt: skip
        yield table_of(view, table, number, requests)
    else:
        inspectors = [inspect.tls_inspector()] if by_name else []
        yield inspect.listener(
            f"0.0.0.0_{number}", number, by_name, default=other, inspectors=inspectors, bind=False,
            direction=_OUT, sniffing=bool(by_name),
        )  # fmt: skip


def _distinct_sni(service: Service, bare: Sequence[Service]) -> bool:
    first = next(s for s in bare if s.host == service.host)
    return first is service and len(bare) > 1 and "*" not in service.host.removeprefix("*.")


def _connections(view: View, service: Service, port: Port, address: str) -> Iterator[Message | Resource]:
    """The listener of one virtual IP and port."""
    name = f"{address}_{port.number}"
    own = names.outbound(service.host, port.number)
    found = view.routes_for(service.host)
    origins = distinct((*(found.origins if found is not None else ()), service.origin))
    default = inspect.chain([managers.tcp(_shares(view, found, port.number) or [(own, 1)], view.settings)])
    by_name = list(_by_sni(view, found, port.number))
    if port.protocol != Protocol.AUTO:
        inspectors = [inspect.tls_inspector()] if by_name else []
        yield resource(inspect.listener(
            name, port.number, by_name, address=address, default=default, inspectors=inspectors,
            bind=False, direction=_OUT,
        ), origins)  # fmt: skip
        return
    table = f"{service.host}:{port.number}"
    hcm = managers.http(name, "outbound", view.settings, routes=table)
    when = inspect.match(transport="raw_buffer", alpn=inspect.PLAIN_HTTP)
    yield resource(inspect.listener(
        name, port.number, [inspect.chain([hcm], name="http", when=when), *by_name], address=address,
        default=default, inspectors=[inspect.tls_inspector(), inspect.http_inspector()], bind=False,
        direction=_OUT, sniffing=True,
    ), origins)  # fmt: skip
    made = _routes(view, service, port.number, found)
    only = VirtualHost(name=f"{table}|http", domains=["*"], routes=made)
    yield resource(_table(table, [only]), origins)


def _shares(view: View, found: Routes | None, port: int) -> list[tuple[str, int]]:
    for rule in found.tcp if found is not None else ():
        gateways = found.gateways if found is not None else ()
        for match in rule.match or (None,):
            if match is None or (match.port in (0, port) and MESH_GATEWAY in (match.gateways or gateways)):
                return shares_of(rule, view, port)
    return []


def shares_of(rule: TCPRoute, view: View, port: int) -> list[tuple[str, int]]:
    """Clusters and weights of a rule for connections."""
    rows = [(s.destination, s.weight) for s in rule.route if s.destination is not None]
    return [(view.cluster_of(d, port), w or 1) for d, w in rows if w or len(rows) == 1]


def _by_sni(view: View, found: Routes | None, port: int) -> Iterator[Message]:
    seen: set[str] = set()
    for rule in found.tls if found is not None else ():
        for match in rule.match:
            fresh = [sni for sni in match.sni_hosts if sni not in seen]
            shares = shares_of(rule, view, port)
            if match.port in (0, port) and fresh and shares:
                seen |= set(fresh)
                when = inspect.match(transport="tls", sni=fresh)
                yield inspect.chain([managers.tcp(shares, view.settings)], name=fresh[0], when=when)


def table_of(view: View, name: str, number: int, services: Sequence[Service]) -> Resource:
    """The route table of a port: a virtual host per service, and per VirtualService without a service."""
    hosts: list[Message] = []
    origins: list[Origin | None] = []
    taken: set[str] = set()
    for service in services:
        domains = [d for d in domains_of(service, view.namespace) if d not in taken]
        if domains:
            taken |= set(domains)
            found = view.routes_for(service.host)
            origins += (*(found.origins if found is not None else ()), service.origin)
            hosts.append(_kept.keep(
                ("host", number, view.namespace, view.labels, *domains),
                partial(_virtual_host, view, service, number, domains, found),
                service, found, *view.leads(found),
            ))  # fmt: skip
    for row, made in _foreign(view, taken) if number == 80 else ():
        origins += row.origins
        hosts.append(made)
    return resource(_table(name, [*hosts, _fallback(view.settings)]), distinct(origins))


def _virtual_host(
    view: View, service: Service, number: int, domains: Sequence[str], found: Routes | None
) -> Message:
    made = VirtualHost(name=f"{service.host}:{number}", domains=domains)
    made.routes.extend(_routes(view, service, number, found))
    return made


def _foreign(view: View, taken: set[str]) -> Iterator[tuple[Routes, Message]]:
    """Hosts that only VirtualServices of the mesh know."""
    for row in view.virtual:
        for host in row.hosts if MESH_GATEWAY in row.gateways else ():
            if host in taken or host in view.by_host or host == "*":
                continue
            found = list(routes.translate(row.http, row.gateways, view.scope(80)))
            if found:
                taken.add(host)
                yield row, VirtualHost(name=f"{host}:80", domains=[host], routes=found)


def _routes(view: View, service: Service, port: int, found: Routes | None) -> list[Message]:
    made = list(routes.translate(found.http, found.gateways, view.scope(port))) if found is not None else []
    return made or [routes.to_cluster(names.outbound(service.host, port))]


def domains_of(service: Service, namespace: str) -> list[str]:
    """The names by which requests reach a service: full, shortened, and its virtual IPs.

    Source: istio/istio pilot/pkg/networking/core/httproute.go, GenerateAltVirtualHosts.
    """
    found = [service.host]
    if service.name:
        short = f"{service.name}.{service.namespace}"
        found += [f"{short}.svc", short]
        if service.namespace == namespace:
            found.append(service.name)
    return [*found, *(a for a in service.addresses if "/" not in a)]


def _fallback(settings: Settings) -> Message:
    if settings.registry_only:
        blocked = Route(match=matching.anything(), name="block_all", direct_response={"status": 502})
        return VirtualHost(name="block_all", domains=["*"], routes=[blocked])
    made = routes.to_cluster(names.PASSTHROUGH)
    made.name = "allow_any"
    made.route.ClearField("retry_policy")
    return VirtualHost(name="allow_any", domains=["*"], routes=[made], include_request_attempt_count=True)


def _table(name: str, hosts: Sequence[Message]) -> Message:
    return RouteConfiguration(
        name=name,
        virtual_hosts=hosts,
        validate_clusters={"value": False},
        ignore_port_in_host_matching=True,
        max_direct_response_body_size_bytes={"value": names.BUFFER_BYTES},
    )
