"""HBK14xx: the two Gateways of Knative and what leads to them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from hauberk.checks import knative, mesh
from hauberk.checks.knative import GatewayRow, host_parts, serving_of
from hauberk.checks.model import Found, Path
from hauberk.checks.world import Item, World, dig, selects

HTTPS_PORT = 443
STATUS_PORT = 15021


def _ingress(world: World) -> Iterator[Item]:
    yield from _existing(world, knative.gateways(serving_of(world)))


def _local(world: World) -> Iterator[Item]:
    yield from _existing(world, knative.local_gateways(serving_of(world)))


def _existing(world: World, rows: tuple[GatewayRow, ...]) -> Iterator[Item]:
    for row in rows:
        found = world.named(mesh.GATEWAY, row.namespace, row.name)
        if found is not None:
            yield found


def _missing(rows: Any) -> Any:
    def judge(world: World) -> Iterator[Found]:
        serving = serving_of(world)
        if not world.whole or serving is None or not mesh.has_mesh(world):
            return
        for row in rows(serving):
            if world.named(mesh.GATEWAY, row.namespace, row.name) is None:
                yield Found(item=serving, path=row.path, found=f"no Gateway {row.namespace}/{row.name}")

    return judge


def no_selector(world: World) -> Iterator[Found]:
    """A Gateway of Knative applies to every proxy."""
    for gateway in (*_ingress(world), *_local(world)):
        if not gateway.get("spec", "selector"):
            yield Found(item=gateway, path=("spec", "selector"), found="no selector")


def nameless(world: World) -> Iterator[Found]:
    """A port of a Gateway or ServiceEntry has no name."""
    for gateway in world.all(mesh.GATEWAY):
        for path, server in mesh.servers(gateway):
            if not dig(server, ("port", "name")):
                yield Found(item=gateway, path=(*path, "port", "name"), found="nothing")
    for entry in world.all("ServiceEntry.networking.istio.io"):
        for path, port in entry.rows("spec", "ports"):
            if not port.get("name"):
                yield Found(item=entry, path=(*path, "name"), found="nothing")


def no_pods(world: World) -> Iterator[Found]:
    """A Gateway selects no gateway pod."""
    if not mesh.gateway_pods(world):
        return
    for gateway in (*_ingress(world), *_local(world)):
        selector = gateway.get("spec", "selector")
        if selector and not mesh.selected_pods(world, gateway):
            text = labels_text(selector) if isinstance(selector, Mapping) else "nothing"
            pods = "; ".join(
                sorted({f"{p.namespace}: {labels_text(p.labels)}" for p in mesh.gateway_pods(world)})
            )
            yield Found(item=gateway, path=("spec", "selector"), found=f"`{text}` selects none of {pods}")


def labels_text(labels: Mapping[str, Any]) -> str:
    """`a=b, c=d`."""
    return ", ".join(f"{k}={v}" for k, v in labels.items())


def _https(gateway: Item) -> list[tuple[Path, Mapping[str, Any]]]:
    return [(p, s) for p, s in mesh.servers(gateway) if mesh.port_of(s) == HTTPS_PORT]


def no_https(world: World) -> Iterator[Found]:
    """The ingress Gateway has no HTTPS server on 443."""
    for gateway in _ingress(world):
        found = _https(gateway)
        if not found:
            ports = ", ".join(str(mesh.port_of(s)) for _, s in mesh.servers(gateway)) or "none"
            numbers = [path for path, _ in mesh.servers(gateway)]
            at: Path = (*numbers[0], "port", "number") if numbers else ("spec", "servers")
            yield Found(item=gateway, path=at, found=f"servers on {ports}")
        for path, server in found:
            protocol = dig(server, ("port", "protocol"))
            if protocol != "HTTPS":
                yield Found(item=gateway, path=(*path, "port", "protocol"), found=f"443 speaks `{protocol}`")


def tls_mode(world: World) -> Iterator[Found]:
    """The ingress Gateway does not end TLS as SIMPLE."""
    for gateway in _ingress(world):
        for path, server in _https(gateway):
            mode = dig(server, ("tls", "mode"))
            if mode != "SIMPLE":
                said = "nothing" if mode is None else f"`{mode}`"
                yield Found(item=gateway, path=(*path, "tls", "mode"), found=said)


def credential(world: World) -> Iterator[Found]:
    """The ingress Gateway names no certificate."""
    for gateway in _ingress(world):
        for path, server in _https(gateway):
            tls = server.get("tls") or {}
            if tls.get("mode") in ("SIMPLE", "MUTUAL") and not tls.get("credentialName"):
                yield Found(item=gateway, path=(*path, "tls", "credentialName"), found="nothing")


def hosts(world: World) -> Iterator[Found]:
    """A Gateway of Knative does not serve every host."""
    for gateway in (*_ingress(world), *_local(world)):
        rows = list(mesh.servers(gateway))
        if rows and not any(mesh.claims_everything(s) for _, s in rows):
            path, server = rows[0]
            hosts = server.get("hosts")
            said = ", ".join(map(str, hosts)) if isinstance(hosts, list) and hosts else "nothing"
            yield Found(item=gateway, path=(*path, "hosts"), found=said)


def plain_local(world: World) -> Iterator[Found]:
    """The local Gateway does not ask for client certificates."""
    if mesh.flavour(world) != "sm2":
        return
    for gateway in _local(world):
        for path, server in mesh.servers(gateway):
            protocol, mode = dig(server, ("port", "protocol")), dig(server, ("tls", "mode"))
            if protocol not in ("HTTPS", "TLS"):
                yield Found(
                    item=gateway, path=(*path, "port", "protocol"), found=f"`{protocol}`", wanted="HTTPS"
                )
            elif mode != "ISTIO_MUTUAL":
                said = "nothing" if mode is None else f"`{mode}`"
                yield Found(item=gateway, path=(*path, "tls", "mode"), found=said)


def no_ingress_service(world: World) -> Iterator[Found]:
    """The ingress Gateway's Service does not exist."""
    serving = serving_of(world)
    if not world.whole or serving is None or not mesh.planes(world):
        return
    made = {("istio-ingressgateway", p.namespace) for p in mesh.planes(world) if p.item.ref.kind == mesh.SMCP}
    for row in knative.gateways(serving):
        name, namespace = host_parts(row.service)
        if (name, namespace) not in made and world.named(mesh.SERVICE, namespace, name) is None:
            path = row.path or ("spec", "config", "istio")
            key = f"gateway.{row.namespace}.{row.name}"
            here = next(iter(made), None)
            host = f"{here[0]}.{here[1]}.svc.cluster.local" if here else "the gateway's Service"
            fix = f"set `spec.config.istio` key `{key}` to `{host}`"
            yield Found(item=serving, path=path, found=f"no Service {namespace}/{name}", fix=fix)


def probe_service(world: World) -> Iterator[Found]:
    """net-istio looks for Services by the labels of the Gateway's selector."""
    if mesh.flavour(world) == "sm2" and not world.live:
        return
    for gateway in _ingress(world):
        selector = gateway.get("spec", "selector")
        if not any(selects(selector, s.labels) for s in world.all(mesh.SERVICE)):
            text = labels_text(selector) if isinstance(selector, Mapping) else ""
            yield Found(item=gateway, path=("spec", "selector"), found=f"no Service is labelled `{text}`")


def ports(service: Item) -> Iterator[tuple[Path, Mapping[str, Any]]]:
    """(path, port) of a Service."""
    yield from service.rows("spec", "ports")


def target(port: Mapping[str, Any]) -> Any:
    """Where a port of a Service leads."""
    return port.get("targetPort", port.get("port"))


def conflicts(world: World) -> Iterator[Found]:
    """Other Gateways that take every host on 443 of the same pods."""
    ours = {g.ref for g in _ingress(world)}
    for gateway in world.all(mesh.GATEWAY):
        if gateway.ref in ours:
            continue
        for path, server in mesh.servers(gateway):
            if mesh.port_of(server) == HTTPS_PORT and mesh.claims_everything(server):
                yield from _shared(world, gateway, path)


def _shared(world: World, gateway: Item, path: Path) -> Iterator[Found]:
    mine = mesh.selected_pods(world, gateway)
    for other in _ingress(world):
        both = [p for p in mesh.selected_pods(world, other) if p in mine]
        if both and other.namespace in {*mesh.SYSTEM, other.namespace}:
            found = f"`*` on 443 of the pods of {other.ref}: {both[0].item.ref}"
            yield Found(item=gateway, path=(*path, "hosts"), found=found)
            return


def exposed(world: World) -> Iterator[Found]:
    """The ingress gateway is exposed by NodePort or LoadBalancer."""
    if not mesh.on_openshift(world):
        return
    kind = ("spec", "gateways", "ingress", "service", "type")
    for item in world.all(mesh.SMCP):
        if item.get(*kind) in ("NodePort", "LoadBalancer"):
            yield Found(item=item, path=kind, found=f"`{item.get(*kind)}`")
    for row in knative.gateways(serving_of(world)):
        name, namespace = host_parts(row.service)
        service = world.named(mesh.SERVICE, namespace, name)
        if service is not None and service.get("spec", "type") in ("NodePort", "LoadBalancer"):
            yield Found(item=service, path=("spec", "type"), found=f"`{service.get('spec', 'type')}`")


def mixed(world: World) -> Iterator[Found]:
    """Old and new spelling of config-istio are mixed."""
    for serving in world.all(knative.SERVING):
        rows = list(knative.istio_settings(serving))
        new = [r for r in rows if r[0] in ("external-gateways", "local-gateways")]
        old = [r for r in rows if r[0].startswith(("gateway.", "local-gateway."))]
        if new and old:
            yield Found(item=serving, path=old[0][2], found=f"`{old[0][0]}` beside `{new[0][0]}`")


def shared_credential(world: World) -> Iterator[Found]:
    """Several Gateways serve the same certificate."""
    first: dict[tuple[str, tuple[str, ...]], Item] = {}
    for gateway in world.all(mesh.GATEWAY):
        for path, server in mesh.servers(gateway):
            name = dig(server, ("tls", "credentialName"))
            pods = tuple(sorted(str(p.item.ref) for p in mesh.selected_pods(world, gateway)))
            if not name or not pods or mesh.port_of(server) != HTTPS_PORT:
                continue
            other = first.setdefault((str(name), pods), gateway)
            if other is not gateway and not mesh.claims_everything(server):
                found = f"`{name}`, which {other.ref} serves, too"
                yield Found(item=gateway, path=(*path, "tls", "credentialName"), found=found)


def no_status_port(world: World) -> Iterator[Found]:
    """The ingress gateway's Service does not show the proxy's health."""
    for row in knative.gateways(serving_of(world)):
        name, namespace = host_parts(row.service)
        service = world.named(mesh.SERVICE, namespace, name)
        if service is not None and STATUS_PORT not in {p.get("port") for _, p in ports(service)}:
            yield Found(item=service, path=("spec", "ports"), found=f"no port {STATUS_PORT}")


def bare_ports(world: World) -> Iterator[Found]:
    """The gateway's Service must lead to what the Gateways listen on and to its health."""
    for row in knative.gateways(serving_of(world)):
        name, namespace = host_parts(row.service)
        service = world.named(mesh.SERVICE, namespace, name)
        if service is not None:
            have = {p.get("port") for _, p in ports(service)}
            missing = [n for n in (80, 443) if n not in have]
            if missing:
                said = ", ".join(map(str, sorted(h for h in have if isinstance(h, int)))) or "none"
                yield Found(item=service, path=("spec", "ports"), found=f"ports {said}")


missing_ingress = _missing(knative.gateways)

missing_local = _missing(knative.local_gateways)
