"""What a world says of its mesh, whatever installs it: control planes, settings, members, gateways. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from hauberk.base.quantities import parse_duration_s
from hauberk.checks.model import Path
from hauberk.checks.world import Item, World, dig, selects

SMCP = "ServiceMeshControlPlane.maistra.io"
SMMR = "ServiceMeshMemberRoll.maistra.io"
SMM = "ServiceMeshMember.maistra.io"
ISTIO = "Istio.sailoperator.io"
ISTIO_CNI = "IstioCNI.sailoperator.io"
ISTIO_OPERATOR = "IstioOperator.install.istio.io"
GATEWAY = "Gateway.networking.istio.io"
PEER_AUTHENTICATION = "PeerAuthentication.security.istio.io"
SERVICE = "Service"
SYSTEM = ("knative-serving", "knative-eventing")
DEFAULT_NAMESPACE = "istio-system"
DRAIN = ("defaultConfig", "terminationDrainDuration")


@dataclass(frozen=True, slots=True)
class Settings:
    """Where a kind of control plane keeps what the integration sets."""

    flavour: str  # sm2, or sail: sm3 and kubernetes alike
    mesh_config: Path
    excluded: Path


PLANES: Mapping[str, Settings] = {
    SMCP: Settings(
        "sm2",
        ("spec", "techPreview", "meshConfig"),
        ("spec", "proxy", "networking", "trafficControl", "inbound", "excludedPorts"),
    ),
    ISTIO: Settings(
        "sail", ("spec", "values", "meshConfig"), ("spec", "values", "global", "proxy", "excludeInboundPorts")
    ),
    ISTIO_OPERATOR: Settings(
        "sail", ("spec", "meshConfig"), ("spec", "values", "global", "proxy", "excludeInboundPorts")
    ),
}


@dataclass(frozen=True, slots=True)
class Plane:
    """One mesh control plane."""

    item: Item
    settings: Settings

    @property
    def flavour(self) -> str:
        """`sm2`, or `sail`: upstream Istio, by whichever operator."""
        return self.settings.flavour

    @property
    def namespace(self) -> str:
        """The mesh's root namespace: policies there hold for all of it."""
        if self.item.ref.kind == ISTIO:
            return str(self.item.get("spec", "namespace") or DEFAULT_NAMESPACE)
        return self.item.namespace or DEFAULT_NAMESPACE

    @property
    def drain_path(self) -> Path:
        """Where the proxies' drain duration stands."""
        return (*self.settings.mesh_config, *DRAIN)

    def drain_s(self) -> float | None:
        """Seconds that a proxy lives on after SIGTERM; None when nothing (readable) is said."""
        found = self.item.get(*self.drain_path)
        try:
            return parse_duration_s(str(found)) if found is not None else None
        except ValueError:
            return None

    def excluded(self) -> frozenset[int]:
        """Inbound ports that no sidecar captures: a list, or Istio's text with commas."""
        found = self.item.get(*self.settings.excluded)
        rows = found if isinstance(found, list | tuple) else str(found or "").split(",")
        return frozenset(int(str(row)) for row in rows if str(row).strip().isdigit())


def planes(world: World) -> tuple[Plane, ...]:
    """Every mesh control plane of the world."""
    return tuple(Plane(item, s) for kind, s in PLANES.items() for item in world.all(kind))


def has_mesh(world: World) -> bool:
    """Whether the world has, or by its members and gateways means to have, a mesh."""
    if planes(world) or world.all(SMMR):
        return True
    return any(
        item.get("spec", "ingress", "istio", "enabled") is True
        for item in world.all("KnativeServing.operator.knative.dev")
    )


def flavour(world: World) -> str:
    """Which procedure the world follows; without a control plane, the document's."""
    found = planes(world)
    return found[0].flavour if found else "sm2"


def on_openshift(world: World) -> bool:
    """Whether outside traffic comes through OpenShift's Routes."""
    if world.all(SMCP) or "Route.route.openshift.io" in world.served:
        return True
    return any(
        "openshift.io" in item.ref.kind or any("openshift.io/" in key for key in item.annotations)
        for item in world.items
    )


def members(roll: Item) -> Iterator[tuple[Path, str]]:
    """(path, namespace) of every member of a roll."""
    rows = roll.get("spec", "members")
    for index, name in enumerate(rows if isinstance(rows, list | tuple) else ()):
        yield ("spec", "members", index), str(name)


def member_namespaces(world: World) -> frozenset[str]:
    """Every namespace of a member roll or with a member object."""
    listed = {name for roll in world.all(SMMR) for _, name in members(roll)}
    return frozenset(listed | {m.namespace for m in world.all(SMM)})


def mesh_of(world: World, namespace: str) -> frozenset[str]:
    """The root namespaces of the meshes that `namespace` belongs to.

    With member rolls, those of the rolls that list it (and its own, where a control plane lives in it);
    without, every mesh: sm3 and upstream watch all namespaces.
    """
    rolls = world.all(SMMR)
    if not rolls:
        return frozenset(p.namespace for p in planes(world))
    roots = {p.namespace for p in planes(world)} | {roll.namespace for roll in rolls}
    own = roots & {namespace}
    listed = {roll.namespace for roll in rolls if namespace in {name for _, name in members(roll)}}
    return frozenset(own | listed)


@dataclass(frozen=True, slots=True)
class GatewayPods:
    """Gateway pods of one workload: what a Gateway's selector is compared with."""

    namespace: str
    labels: Mapping[str, str]
    item: Item


def gateway_pods(world: World) -> tuple[GatewayPods, ...]:
    """Pods, else workloads, else what the control planes will create, that serve as gateways."""
    running = tuple(_templates(world, ("Pod",), ("metadata",)))
    made = tuple(_templates(world, ("Deployment.apps", "DaemonSet.apps"), ("spec", "template", "metadata")))
    return running or (*made, *_promised(world))


def _templates(world: World, kinds: Sequence[str], meta: Path) -> Iterator[GatewayPods]:
    for item in world.of(kinds):
        labels = item.get(*meta, "labels") or {}
        template = (item.get(*meta, "annotations") or {}).get("inject.istio.io/templates", "")
        injected = "gateway" in str(template).split(",")
        if injected or ("istio" in labels and str(labels["istio"]).endswith("gateway")):
            yield GatewayPods(item.namespace, labels, item)


def _promised(world: World) -> Iterator[GatewayPods]:
    """The ingress gateway of a ServiceMeshControlPlane: its Service's labels are its pods', too."""
    for plane in planes(world):
        if plane.item.ref.kind == SMCP and gateway_enabled(plane.item):
            yield GatewayPods(plane.namespace, smcp_gateway_labels(plane.item), plane.item)


def gateway_enabled(smcp: Item) -> bool:
    """Whether the control plane makes the ingress gateway."""
    gates = ("spec", "gateways", "enabled"), ("spec", "gateways", "ingress", "enabled")
    return all(smcp.get(*path) is not False for path in gates)


def smcp_gateway_labels(smcp: Item) -> Mapping[str, str]:
    """The labels of the ingress gateway's pods and Service.

    Source: maistra/istio-operator, resources/helm/*/gateways/istio-ingress.
    """
    own = smcp.get("spec", "gateways", "ingress", "service", "metadata", "labels")
    return {
        "app": "istio-ingressgateway",
        "istio": "ingressgateway",
        **(own if isinstance(own, dict) else {}),
    }


def selected_pods(world: World, gateway: Item) -> tuple[GatewayPods, ...]:
    """The gateway pods that serve a Gateway: of its selector, in a mesh that its namespace is in."""
    selector = gateway.get("spec", "selector")
    ours = mesh_of(world, gateway.namespace)

    def same_mesh(pods: GatewayPods) -> bool:
        return not world.all(SMMR) or bool(ours & mesh_of(world, pods.namespace))

    return tuple(p for p in gateway_pods(world) if selects(selector, p.labels) and same_mesh(p))


def servers(gateway: Item) -> Iterator[tuple[Path, Mapping[str, Any]]]:
    """(path, server) of a Gateway."""
    yield from gateway.rows("spec", "servers")


def port_of(server: Mapping[str, Any]) -> int | None:
    """The server's port number."""
    found = dig(server, ("port", "number"))
    return found if isinstance(found, int) else None


def claims_everything(server: Mapping[str, Any]) -> bool:
    """Whether the server takes every host: `*`, with or without a namespace."""
    hosts = server.get("hosts")
    return any(str(h).rpartition("/")[2] == "*" for h in (hosts if isinstance(hosts, list | tuple) else ()))


def effective_mtls(world: World) -> str:
    """The mode of the mesh as a whole: of the root namespace's policy, else of the control plane."""
    for plane in planes(world):
        for policy in world.all(PEER_AUTHENTICATION):
            if policy.namespace == plane.namespace and not policy.get("spec", "selector"):
                return str(policy.get("spec", "mtls", "mode") or "PERMISSIVE")
        if plane.item.ref.kind == SMCP and plane.item.get("spec", "security", "dataPlane", "mtls") is True:
            return "STRICT"
    return "PERMISSIVE"


def yaml_in(text: Any) -> Any:
    """YAML inside a string value; None when it is none."""
    try:
        return yaml.safe_load(text) if isinstance(text, str) else None
    except yaml.YAMLError:
        return None
