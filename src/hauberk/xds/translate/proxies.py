"""One proxy's whole configuration: `resources(mesh, proxy)`. Pure.

What proxies share (clusters of a service, listeners and routes of a namespace) is made once and kept by
the identity of what it was made from, so a change of one endpoint makes one resource anew.
"""

from __future__ import annotations

from functools import cache

from hauberk.mesh.memo import Memo
from hauberk.mesh.model import Bind, Destination, Domain, Mesh, Proxy, Routes, Service, Settings
from hauberk.mesh.roles import Role
from hauberk.mesh.routing import destination_hosts
from hauberk.xds.translate import clusters, names
from hauberk.xds.translate.clusters import Client
from hauberk.xds.translate.gateway import gateway
from hauberk.xds.translate.health import own_ports
from hauberk.xds.translate.inbound import inbound
from hauberk.xds.translate.outbound import View, nowhere, outbound
from hauberk.xds.translate.roles import listener as role_listener
from hauberk.xds.translate.roles import parts
from hauberk.xds.translate.types import LocalService, Message, Resource, Resources, RoleParts, resource

_kept = Memo()
_OUTSIDE = Settings(root="")


def resources(mesh: Mesh, proxy: Proxy) -> Resources:
    """Everything the proxy should have."""
    domain = mesh.domains.get(proxy.domain)
    settings = domain.settings if domain is not None else _OUTSIDE
    role = _kept.get(_role_parts, proxy.roles) if proxy.roles else RoleParts()
    address = (proxy.ip or "127.0.0.1") if proxy.sidecar else "0.0.0.0"
    made: list[Resource] = list(_kept.get(_role_resources, proxy.roles, address)) if proxy.roles else []
    if proxy.sidecar or proxy.gateway:
        made += _kept.get(own_ports, proxy, settings)
        made += _kept.get(_common)
    if domain is not None and (proxy.sidecar or proxy.gateway):
        made += _outward(proxy, domain)
    if proxy.sidecar:
        made += _kept.get(inbound, proxy, settings, role.services)
    whose = {"identity": proxy.identity, "namespace": proxy.namespace}
    return Resources.of(made, **whose, life_s=proxy.secret_life_s)


def _role_parts(roles: tuple[Role, ...]) -> RoleParts:
    found = RoleParts()
    for role in roles:
        found += parts(role)
    return found


def _role_resources(roles: tuple[Role, ...], address: str) -> tuple[Resource, ...]:
    """What the roles publish.

    Behind a sidecar their ports are opened on the pod's address only: on every address they would
    also take what the application sends to other pods' ports of the same number.
    """
    found = _kept.get(_role_parts, roles)
    messages = [
        *found.clusters,
        *found.endpoints,
        *found.routes,
        *(_opened(service, address) for service in _distinct(found.services)),
        *found.listeners,
    ]
    return tuple(resource(message) for message in messages)


def _opened(service: LocalService, address: str) -> Message:
    made = role_listener(service)
    made.address.socket_address.address = address
    return made


def _distinct(services: tuple[LocalService, ...]) -> list[LocalService]:
    """One service per port: the first role that asks for it."""
    return list({service.port: service for service in reversed(services)}.values())


def _common() -> tuple[Resource, ...]:
    return resource(clusters.black_hole()), resource(clusters.passthrough(names.PASSTHROUGH))


def _outward(proxy: Proxy, domain: Domain) -> list[Resource]:
    """Clusters towards services, and the listeners and routes by which they are reached."""
    by_labels = _kept.get(_reads_labels, domain.routes, domain.destinations)
    sources = (domain.settings, domain.shapes, domain.routes, domain.destinations)
    view = _kept.get(_view, *sources, proxy.namespace, proxy.labels if by_labels else ())
    client = _client(bool(proxy.identity), domain.settings.auto_mtls, proxy.gateway)
    made: list[Resource] = []
    if not (proxy.dials or proxy.gateway):
        return list(_kept.get(nowhere, view))
    if proxy.sidecar:
        made += _kept.get(outbound, view)
    else:
        made += _kept.get(gateway, proxy, view)
    if proxy.sidecar:
        return [*made, *_kept.get(_clusters, domain.services, view, client)]
    wanted = _kept.get(_named, proxy.binds, view)
    named = tuple(s for s in domain.services if s.host in wanted)
    return [*made, *_clusters(named, view, client)]


def _clusters(services: tuple[Service, ...], view: View, client: Client) -> tuple[Resource, ...]:
    made: list[Resource] = []
    for service in services:
        if service.visible_to(view.namespace):
            made += _kept.get(clusters.service_resources, service, view.rule(service), client)
    return tuple(made)


def _view(
    settings: Settings,
    shapes: tuple[Service, ...],
    routes: tuple[Routes, ...],
    rules: tuple[Destination, ...],
    namespace: str,
    labels: tuple[tuple[str, str], ...],
) -> View:
    seen = tuple(s for s in shapes if s.visible_to(namespace))
    by_host: dict[str, Service] = {}
    for service in seen:
        by_host.setdefault(service.host, service)
    virtual = tuple(r for r in routes if r.visible_to(namespace))
    return View(settings, namespace, labels, tuple(by_host.values()), virtual, rules, by_host)


@cache
def _client(certificate: bool, auto_mtls: bool, gateway: bool) -> Client:
    return Client(certificate, auto_mtls, gateway)


def _reads_labels(routes: tuple[Routes, ...], rules: tuple[Destination, ...]) -> bool:
    """Whether any rule looks at the client's labels. If none does, a namespace's proxies share everything."""
    matches = (m for r in routes for rule in r.http for m in rule.match)
    return any(m.source_labels for m in matches) or any(r.spec.workload_selector for r in rules)


def _named(binds: tuple[Bind, ...], view: View) -> frozenset[str]:
    """Hosts that a gateway's routes may lead to."""
    gateways = {bind.gateway_name for bind in binds}
    rows = [r for r in view.virtual if gateways & set(r.gateways)]
    return frozenset(host for row in rows for host in destination_hosts(row))
