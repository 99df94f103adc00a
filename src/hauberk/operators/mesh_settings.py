"""One ServiceMeshControlPlane as the settings that its parts need. Pure.

Source: maistra/istio-operator pkg/controller/versions/conversion_*.go (fields to chart values) and
resources/helm/v2.5/istio-control/istio-discovery (values.yaml, templates/configmap.yaml).
Deviation: `proxyMetadata` has no DNS capture: pods resolve names through the node. A sidecar's readiness is
asked for at once, not after 1 s: a cold start waits for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hauberk.base.refs import Json
from hauberk.kinds.maistra.control_plane import KIND, ControlPlaneSpec
from hauberk.operators.names import TRUST_DOMAIN

PROFILES = ("default", "base", "small", "maistra", "servicemesh")


@dataclass(frozen=True, slots=True, kw_only=True)
class MeshSettings:
    """What one mesh says about its workloads."""

    name: str
    namespace: str
    strict: bool  # security.dataPlane.mtls
    mesh_config: Mapping[str, Any]
    rewrite_probes: bool
    included_inbound: str
    excluded_inbound: tuple[int, ...]
    included_ranges: str
    excluded_ranges: str
    excluded_outbound: tuple[int, ...]
    readiness: Mapping[str, int]  # initialDelaySeconds, periodSeconds, failureThreshold

    @property
    def proxy_config(self) -> Mapping[str, Any]:
        """`meshConfig.defaultConfig`."""
        found: Mapping[str, Any] = self.mesh_config["defaultConfig"]
        return found

    @property
    def discovery(self) -> str:
        """Where proxies find their configuration."""
        return f"istiod-{self.name}.{self.namespace}.svc:15012"


def settings_of(smcp: Json) -> MeshSettings:
    """The settings of one control plane."""
    spec = KIND.parse(smcp).spec
    meta = smcp["metadata"]
    traffic = spec.proxy.networking.traffic_control
    ready = spec.proxy.runtime.readiness
    return MeshSettings(
        name=meta["name"],
        namespace=meta["namespace"],
        strict=spec.security.data_plane.mtls,
        mesh_config=_mesh_config(meta["name"], meta["namespace"], spec),
        rewrite_probes=ready.rewrite_application_probes is not False,
        included_inbound=",".join(traffic.inbound.included_ports) or "*",
        excluded_inbound=traffic.inbound.excluded_ports,
        included_ranges=",".join(traffic.outbound.included_ip_ranges) or "*",
        excluded_ranges=",".join(traffic.outbound.excluded_ip_ranges),
        excluded_outbound=traffic.outbound.excluded_ports,
        readiness={
            "initialDelaySeconds": ready.initial_delay_seconds or 0,
            "periodSeconds": ready.period_seconds or 2,
            "failureThreshold": ready.failure_threshold or 30,
        },
    )


def _mesh_config(name: str, namespace: str, spec: ControlPlaneSpec) -> dict[str, Any]:
    config: dict[str, Any] = {
        "trustDomain": TRUST_DOMAIN,
        "rootNamespace": namespace,
        "enablePrometheusMerge": True,
        "outboundTrafficPolicy": {
            "mode": spec.proxy.networking.traffic_control.outbound.policy or "ALLOW_ANY"
        },
        "defaultConfig": {"discoveryAddress": f"istiod-{name}.{namespace}.svc:15012"},
    }
    if spec.security.data_plane.automtls is not None:
        config["enableAutoMtls"] = spec.security.data_plane.automtls
    return merged(config, spec.tech_preview.mesh_config or {})


def merged(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """`over` laid upon `base`, maps key by key, everything else whole."""
    out = dict(base)
    for key, value in over.items():
        before = out.get(key)
        both = isinstance(before, Mapping) and isinstance(value, Mapping)
        out[key] = merged(before, value) if both else value  # type: ignore[arg-type]
    return out
