"""HBK14xx: the Service in front of the local Gateway."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from hauberk.checks import knative, mesh
from hauberk.checks.judges.gateways import labels_text, ports, target
from hauberk.checks.knative import host_parts, serving_of
from hauberk.checks.model import Found, Path
from hauberk.checks.world import Item, World, selects

TRANSLATION = "experimental.istio.io/disable-gateway-port-translation"
SERVICE_PORT = 80


def _local_services(world: World) -> Iterator[tuple[Item, Item]]:
    """(Service, Gateway) of every local gateway whose Service is known."""
    for row in knative.local_gateways(serving_of(world)):
        name, namespace = host_parts(row.service)
        service = world.named(mesh.SERVICE, namespace, name)
        gateway = world.named(mesh.GATEWAY, row.namespace, row.name)
        if service is not None and gateway is not None:
            yield service, gateway


def no_local_service(world: World) -> Iterator[Found]:
    """The local Gateway's Service does not exist."""
    serving = serving_of(world)
    if not world.whole or serving is None or not mesh.has_mesh(world):
        return
    for row in knative.local_gateways(serving):
        name, namespace = host_parts(row.service)
        if world.named(mesh.SERVICE, namespace, name) is None:
            other = next((s for s in world.all(mesh.SERVICE) if s.name == name), None)
            found = f"only {other.ref}" if other else f"no Service {namespace}/{name}"
            path: Path = ("metadata", "namespace") if other and not row.path else row.path
            item = other if other and not row.path else serving
            yield Found(item=item, path=path, found=found, wanted=f"a Service {namespace}/{name}")


def no_listener(world: World) -> Iterator[Found]:
    """The local Gateway's Service leads to a port where nobody listens."""
    for service, gateway in _local_services(world):
        numbers = {mesh.port_of(s) for _, s in mesh.servers(gateway)}
        for path, port in ports(service):
            ends = {target(port)} if TRANSLATION in service.labels else {target(port), port.get("port")}
            if port.get("port") == SERVICE_PORT and not ends & numbers:
                said = f"{target(port)}, where {gateway.ref} listens on {', '.join(map(str, numbers))}"
                yield Found(item=service, path=(*path, "targetPort"), found=said)


def translated(world: World) -> Iterator[Found]:
    """Port translation of the local Gateway's Service is on."""
    for service, gateway in _local_services(world):
        numbers = {mesh.port_of(s) for _, s in mesh.servers(gateway)}
        path: Path = ("metadata", "labels", TRANSLATION)
        crossing = any(target(p) in numbers and target(p) != p.get("port") for _, p in ports(service))
        if crossing and str(service.labels.get(TRANSLATION, "")).lower() != "true":
            said = service.labels.get(TRANSLATION)
            yield Found(item=service, path=path, found="no label" if said is None else f"`{said}`")


def local_selector(world: World) -> Iterator[Found]:
    """The local Gateway's Service selects no gateway pod."""
    pods = mesh.gateway_pods(world)
    for service, gateway in _local_services(world):
        selector = service.get("spec", "selector")
        near = [p for p in pods if p.namespace == service.namespace]
        hit = [p for p in near if selector and selects(selector, p.labels)]
        served = mesh.selected_pods(world, gateway)
        if pods and not (hit and (not served or any(p in served for p in hit))):
            said = labels_text(selector) if isinstance(selector, Mapping) else "nothing"
            yield Found(item=service, path=("spec", "selector"), found=f"`{said}` selects no gateway pod")


def local_type(world: World) -> Iterator[Found]:
    """The local Gateway is exposed outside the cluster."""
    for service, _ in _local_services(world):
        kind = service.get("spec", "type")
        if kind in ("NodePort", "LoadBalancer"):
            yield Found(item=service, path=("spec", "type"), found=f"`{kind}`")


def local_port(world: World) -> Iterator[Found]:
    """The local Gateway's Service has no port 80."""
    for service, _ in _local_services(world):
        found = [p for _, p in ports(service) if p.get("port") == SERVICE_PORT]
        if not found:
            have = ", ".join(str(p.get("port")) for _, p in ports(service)) or "none"
            yield Found(item=service, path=("spec", "ports"), found=f"ports {have}")


def local_port_name(world: World) -> Iterator[Found]:
    """The local Gateway's port is not named as HTTP/2."""
    for service, _ in _local_services(world):
        for path, port in ports(service):
            name, app = str(port.get("name", "")), str(port.get("appProtocol", ""))
            if port.get("port") == SERVICE_PORT and not _speaks_http2(name, app):
                yield Found(item=service, path=(*path, "name"), found=f"`{name}`")


def _speaks_http2(name: str, app: str) -> bool:
    return app in ("http2", "h2c", "grpc", "kubernetes.io/h2c") or name.partition("-")[0] in (
        "http2",
        "grpc",
        "h2c",
    )
