"""What VirtualServices and DestinationRules name and the mesh does not have. Pure.

Source: istio/istio pkg/config/analysis/analyzers (IST0101, ReferencedResourceNotFound), which upstream shows
only to who runs `istioctl analyze`. Here each is told on the object.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from hauberk.mesh.model import MESH_GATEWAY, Destination, Domain, Finding, Routes
from hauberk.mesh.routing import host_matches, targets, unknown_subsets


def lost_references(domain: Domain, gateways: Collection[str]) -> list[Finding]:
    """One finding for each name that leads nowhere. `gateways` are NAMESPACE/NAME."""
    found = [finding for row in domain.routes for finding in _of_routes(row, domain, gateways)]
    return [*found, *(finding for rule in domain.destinations for finding in _of_rule(rule, domain))]


def _of_routes(row: Routes, domain: Domain, gateways: Collection[str]) -> Iterator[Finding]:
    for gateway in row.gateways:
        if gateway not in (MESH_GATEWAY, *gateways):
            yield Finding(row.ref, "GatewayNotFound", f"there is no Gateway {gateway} in the mesh")
    wanted = {(target.host, target.port.number if target.port else 0) for target in targets(row)}
    for host in sorted({host for host, _ in wanted} - set(domain.by_host)):
        text = f"destination host {host} is not known in the mesh: 503"
        yield Finding(row.ref, "DestinationNotFound", text)
    for host, port in sorted(wanted):
        service = domain.by_host.get(host)
        if service is not None and port and service.port(port) is None:
            have = ", ".join(str(p.number) for p in service.ports) or "none"
            text = f"destination host {host} has no port {port} (it has: {have}): 503"
            yield Finding(row.ref, "PortNotFound", text)
    for host, name in unknown_subsets(row, domain.destinations):
        text = f"no DestinationRule of {host} has the subset {name}: 503"
        yield Finding(row.ref, "SubsetNotFound", text)


def _of_rule(rule: Destination, domain: Domain) -> Iterator[Finding]:
    if rule.host not in domain.by_host and not any(host_matches(rule.host, host) for host in domain.by_host):
        text = f"host {rule.host} is not known in the mesh: the rule has no effect"
        yield Finding(rule.ref, "HostNotFound", text)
