"""ServiceMeshControlPlane maistra.io/v2: what an admin may say about one mesh.

What it sets in motion is in `hauberk.operators.control_plane`.
Source: maistra/istio-operator pkg/apis/maistra/v2 (types, print columns), webhooks/mutation/controlplane.go.
Deviation: `maistra.io/v1` is served with the shape of v2; the v1 shape (`spec.istio`) is not converted.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

from msgspec import Meta

from hauberk.base.fields import FieldError, FieldErrors
from hauberk.base.quantities import parse_duration_s
from hauberk.base.refs import Json
from hauberk.kinds import placeholders
from hauberk.kinds.meta import Column, Kind, ObjectMeta, Part

SUPPORTED_VERSIONS = ("v2.4", "v2.5", "v2.6")
DEFAULT_VERSION = "v2.6"

Port = Annotated[int, Meta(ge=1, le=65535)]


class ServiceMetadata(Part, frozen=True):
    """Labels go on the Service and on the pods, and select them; annotations are the Service's."""

    labels: dict[str, str] | None = None
    annotations: dict[str, str] | None = None


class GatewayPort(Part, frozen=True):
    """A port of a gateway's Service."""

    port: Port
    name: str = ""
    target_port: int | str | None = None
    protocol: str = "TCP"

    __inert__ = ("nodePort", "appProtocol")


class GatewayService(Part, frozen=True):
    """The Service in front of a gateway."""

    metadata: ServiceMetadata = ServiceMetadata()
    type: str = "ClusterIP"
    ports: tuple[GatewayPort, ...] = ()

    __inert__ = (
        "clusterIP", "externalIPs", "sessionAffinity", "loadBalancerIP", "loadBalancerSourceRanges",
        "externalName", "externalTrafficPolicy", "healthCheckNodePort", "publishNotReadyAddresses",
        "sessionAffinityConfig",
    )  # fmt: skip


class GatewayDeployment(Part, frozen=True):
    """How many pods a gateway has."""

    replicas: Annotated[int, Meta(ge=0)] | None = None

    __inert__ = ("autoScaling", "strategy")


class GatewayPod(Part, frozen=True):
    """What the pods of a gateway carry."""

    metadata: ServiceMetadata = ServiceMetadata()

    __inert__ = ("nodeSelector", "priorityClassName", "tolerations", "affinity")


class GatewayRuntime(Part, frozen=True):
    """Pods of a gateway."""

    deployment: GatewayDeployment = GatewayDeployment()
    pod: GatewayPod = GatewayPod()

    __inert__ = ("container",)


class GatewayConfig(Part, frozen=True):
    """One gateway workload."""

    enabled: bool | None = None
    namespace: str = ""
    service: GatewayService = GatewayService()
    runtime: GatewayRuntime = GatewayRuntime()

    __inert__ = (
        "routerMode", "requestedNetworkView", "meshExpansionPorts", "ingress", "sds", "volumes",
        "routeConfig",
    )  # fmt: skip


class Gateways(Part, frozen=True):
    """The gateways of the mesh."""

    enabled: bool | None = None
    ingress: GatewayConfig = GatewayConfig()
    egress: GatewayConfig = GatewayConfig()
    additional_ingress: dict[str, GatewayConfig] | None = None
    additional_egress: dict[str, GatewayConfig] | None = None

    __inert__ = ("openshiftRoute",)


class Inbound(Part, frozen=True):
    """Which inbound ports of a pod the sidecar captures."""

    included_ports: tuple[str, ...] = ()
    excluded_ports: tuple[Port, ...] = ()

    __inert__ = ("interceptionMode",)


# `includedIPRanges`, not `includedIpRanges`: msgspec's camel case does not know acronyms.
class Outbound(Part, frozen=True, rename={
    "included_ip_ranges": "includedIPRanges", "excluded_ip_ranges": "excludedIPRanges",
    "excluded_ports": "excludedPorts",
}):  # fmt: skip
    """Which outbound connections of a pod the sidecar captures, and what it does with unknown hosts."""

    policy: str = ""
    included_ip_ranges: tuple[str, ...] = ()
    excluded_ip_ranges: tuple[str, ...] = ()
    excluded_ports: tuple[Port, ...] = ()


class TrafficControl(Part, frozen=True):
    """Capture rules of every sidecar in the mesh."""

    inbound: Inbound = Inbound()
    outbound: Outbound = Outbound()


class Networking(Part, frozen=True):
    """Networking of sidecars."""

    traffic_control: TrafficControl = TrafficControl()

    __inert__ = (
        "clusterDomain",
        "maxConnectionAge",
        "connectionTimeout",
        "initialization",
        "protocol",
        "dns",
    )


class Readiness(Part, frozen=True):
    """Readiness of sidecars, and whether the probes of the application go through them."""

    rewrite_application_probes: bool | None = None
    initial_delay_seconds: int | None = None
    period_seconds: int | None = None
    failure_threshold: int | None = None

    __inert__ = ("statusPort",)


class ProxyRuntime(Part, frozen=True):
    """Sidecar containers."""

    readiness: Readiness = Readiness()

    __inert__ = ("container",)


class Proxy(Part, frozen=True):
    """Every sidecar of the mesh."""

    networking: Networking = Networking()
    runtime: ProxyRuntime = ProxyRuntime()

    __inert__ = ("logging", "injection", "adminPort", "concurrency", "accessLogging", "envoyMetricsService")


class DataPlane(Part, frozen=True):
    """mTLS between workloads; on means STRICT."""

    mtls: bool = False
    automtls: bool | None = None


class Security(Part, frozen=True):
    """Security of the mesh."""

    data_plane: DataPlane = DataPlane()

    __inert__ = (
        "trust", "certificateAuthority", "identity", "controlPlane", "manageNetworkPolicy", "jwksResolverCA",
    )  # fmt: skip


class TechPreview(Part, frozen=True):
    """Mesh configuration that is merged last."""

    mesh_config: dict[str, Any] | None = None

    __inert__ = (
        "global", "sidecarInjectorWebhook", "wasmExtensions", "rateLimiting", "gatewayAPI", "errored",
        "controlPlaneMode",
    )  # fmt: skip


class ControlPlaneSpec(Part, frozen=True):
    """The wanted mesh."""

    version: str = ""
    profiles: tuple[str, ...] = ()
    security: Security = Security()
    gateways: Gateways = Gateways()
    proxy: Proxy = Proxy()
    tech_preview: TechPreview = TechPreview()

    __inert__ = (
        "mode", "cluster", "general", "policy", "tracing", "telemetry", "runtime", "addons", "meshConfig",
        "extensionProviders",
    )  # fmt: skip


class ServiceMeshControlPlane(Part, frozen=True):
    """A service mesh: its control plane, gateways and defaults."""

    metadata: ObjectMeta
    spec: ControlPlaneSpec = ControlPlaneSpec()
    status: dict[str, Any] | None = None


def validate(smcp: ServiceMeshControlPlane) -> FieldErrors:
    """Values that upstream refuses or that could never work."""
    default_config = (smcp.spec.tech_preview.mesh_config or {}).get("defaultConfig") or {}
    drain = default_config.get("terminationDrainDuration")
    path = "spec.techPreview.meshConfig.defaultConfig"
    if drain is not None:
        try:
            parse_duration_s(str(drain))
        except ValueError as error:
            yield FieldError(f"{path}.terminationDrainDuration", str(error))
    for where, gateway in (("ingress", smcp.spec.gateways.ingress), ("egress", smcp.spec.gateways.egress)):
        kind = gateway.service.type
        if kind not in ("ClusterIP", "NodePort", "LoadBalancer"):
            yield FieldError(
                f"spec.gateways.{where}.service.type",
                f'Unsupported value: "{kind}": supported values: "ClusterIP", "LoadBalancer", "NodePort"',
                "FieldValueNotSupported",
            )


def default(raw: dict[str, Any]) -> dict[str, Any]:
    """The version and the profile that upstream's mutating webhook fills in."""
    spec = raw.setdefault("spec", {})
    if isinstance(spec, dict):
        spec.setdefault("version", DEFAULT_VERSION)
        if not spec.get("profiles"):
            spec["profiles"] = ["default"]
    return raw


MESH_CONFIG = ("outboundTrafficPolicy", "enableAutoMtls", "accessLogFile", "accessLogFormat", "defaultConfig")
PROXY_CONFIG = ("holdApplicationUntilProxyStarts", "terminationDrainDuration", "proxyMetadata")
"""Keys of meshConfig and of its defaultConfig that act."""


def advice(raw: Json) -> Iterator[str]:
    """Keys of meshConfig that reach the mesh's ConfigMap and change nothing else."""
    path = "spec.techPreview.meshConfig"
    preview = (raw.get("spec") or {}).get("techPreview") or {}
    config = preview.get("meshConfig") or {}
    rows = ((path, MESH_CONFIG, config), (f"{path}.defaultConfig", PROXY_CONFIG, config.get("defaultConfig")))
    for where, acting, table in rows:
        for key in table if isinstance(table, dict) else ():
            if key not in acting:
                yield f"{where}.{key} is stored but does not act yet"


KIND = Kind(
    group="maistra.io",
    name="ServiceMeshControlPlane",
    plural="servicemeshcontrolplanes",
    model=ServiceMeshControlPlane,
    versions=("v2", "v1"),
    validate=validate,
    default=default,
    strict=placeholders.left_in,
    advice=advice,
    short_names=("smcp",),
    categories=("maistra-io",),
    columns=(
        Column("Ready", ".status.annotations.readyComponentCount", description="Components that are ready."),
        Column("Status", '.status.conditions[?(@.type=="Ready")].reason', description="Installation state."),
        Column("Profiles", ".status.appliedSpec.profiles", description="Profiles that were applied."),
        Column("Version", ".status.chartVersion", description="Version that is installed."),
        Column("Age", ".metadata.creationTimestamp", "date"),
    ),
)
