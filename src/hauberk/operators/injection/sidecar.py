"""The containers that injection adds. Pure.

Source: maistra/istio-operator resources/helm/v2.5/istio-control/istio-discovery/files/
  injection-template.yaml;
istio pkg/kube/inject (istio-init arguments as upstream writes them without CNI).
Deviation: istio-init instead of Maistra's CNI plugin; the node carries it out when the pod's network is made.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from hauberk.operators.control_plane.gateways import identity_env
from hauberk.operators.mesh_settings import MeshSettings
from hauberk.operators.names import CLUSTER_DOMAIN, PROXY_IMAGE, ROOT_CERT, TRUST_DOMAIN

TRAFFIC = "traffic.sidecar.istio.io/"
EXCLUDE_INBOUND = f"{TRAFFIC}excludeInboundPorts"
PROXY, INIT = "istio-proxy", "istio-init"
_OWN_PORTS = ("15090", "15021", "15020")
VOLUMES = (
    "workload-socket", "credential-socket", "workload-certs", "istio-envoy", "istio-data", "istio-podinfo",
    "istio-token", "istiod-ca-cert",
)  # fmt: skip


def excluded_inbound(mesh: MeshSettings, annotations: Mapping[str, str]) -> str:
    """Inbound ports that are not captured: the proxy's own, then the pod's annotation or the mesh's list."""
    listed = ",".join(map(str, mesh.excluded_inbound))
    return _ports(_OWN_PORTS, annotations.get(EXCLUDE_INBOUND, listed))


def make_init(mesh: MeshSettings, annotations: Mapping[str, str]) -> dict[str, Any]:
    """The init container whose arguments say what the pod's network captures."""

    def said(name: str, otherwise: str) -> str:
        return annotations.get(TRAFFIC + name, otherwise)

    args = [
        "istio-iptables",
        *("-p", "15001"),
        *("-z", "15006"),
        *("-u", "1337"),
        *("-m", "REDIRECT"),
        *("-i", said("includeOutboundIPRanges", mesh.included_ranges)),
        *("-x", said("excludeOutboundIPRanges", mesh.excluded_ranges)),
        *("-b", said("includeInboundPorts", mesh.included_inbound)),
        *("-d", excluded_inbound(mesh, annotations)),
    ]
    if included := said("includeOutboundPorts", ""):
        args += ["-q", included]
    if outbound := said("excludeOutboundPorts", ",".join(map(str, mesh.excluded_outbound))):
        args += ["-o", outbound]
    return {
        "name": INIT,
        "image": PROXY_IMAGE,
        "imagePullPolicy": "IfNotPresent",
        "args": [*args, "--log_output_level=default:warn"],
        "resources": _resources(annotations),
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "capabilities": {"add": ["NET_ADMIN", "NET_RAW"], "drop": ["ALL"]},
            "privileged": False,
            "runAsUser": 0,
        },
    }


def _ports(own: Sequence[str], more: str) -> str:
    extra = [port.strip() for port in more.split(",") if port.strip()]
    return ",".join([*own, *(port for port in extra if port not in own)])


def make_proxy(
    mesh: MeshSettings,
    pod: Mapping[str, Any],
    proxy_config: Mapping[str, Any],
    workload: tuple[str, str],
    probers: Mapping[str, Any],
) -> dict[str, Any]:
    """The sidecar. `workload` is the name and the owner path of what made the pod."""
    annotations = pod["metadata"].get("annotations") or {}
    containers = [c for c in pod["spec"]["containers"] if c["name"] != PROXY]
    ports = [port for c in containers for port in c.get("ports") or ()]
    level = annotations.get("sidecar.istio.io/logLevel", "warning")
    container: dict[str, Any] = {
        "name": PROXY,
        "image": PROXY_IMAGE,
        "imagePullPolicy": "IfNotPresent",
        "args": [
            "proxy",
            "sidecar",
            "--domain",
            f"$(POD_NAMESPACE).svc.{CLUSTER_DOMAIN}",
            f"--proxyLogLevel={level}",
            "--proxyComponentLogLevel=misc:error",
            "--log_output_level=default:warn",
        ],
        "ports": [{"name": "http-envoy-prom", "containerPort": 15090, "protocol": "TCP"}],
        "env": [
            *identity_env(),
            *_env(mesh, proxy_config, workload, containers, ports, annotations),
            *([_json("ISTIO_KUBE_APP_PROBERS", probers)] if probers else []),
        ],
        "readinessProbe": {
            "httpGet": {"path": "/healthz/ready", "port": 15021},
            "timeoutSeconds": 3,
            **_readiness(mesh, annotations),
        },
        "resources": _resources(annotations),
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
            "privileged": False,
            "readOnlyRootFilesystem": True,
            "runAsNonRoot": True,
            "runAsUser": 1337,
            "runAsGroup": 1337,
        },
        "volumeMounts": _mounts(),
    }
    if proxy_config.get("holdApplicationUntilProxyStarts") is True:
        container["lifecycle"] = {"postStart": {"exec": {"command": ["pilot-agent", "wait"]}}}
    return container


def _env(
    mesh: MeshSettings,
    proxy_config: Mapping[str, Any],
    workload: tuple[str, str],
    containers: Sequence[Mapping[str, Any]],
    ports: Sequence[Any],
    annotations: Mapping[str, str],
) -> list[dict[str, Any]]:
    name, owner = workload
    mode = annotations.get("sidecar.istio.io/interceptionMode", "REDIRECT")
    fixed = {
        "JWT_POLICY": "third-party-jwt",
        "PILOT_CERT_PROVIDER": "istiod",
        "CA_ADDR": mesh.discovery,
        "ISTIO_META_APP_CONTAINERS": ",".join(c["name"] for c in containers),
        "ISTIO_META_CLUSTER_ID": "Kubernetes",
        "ISTIO_META_INTERCEPTION_MODE": mode,
        "ISTIO_META_WORKLOAD_NAME": name,
        "ISTIO_META_OWNER": owner,
        "ISTIO_META_MESH_ID": TRUST_DOMAIN,
        "TRUST_DOMAIN": TRUST_DOMAIN,
        **{k: str(v) for k, v in (proxy_config.get("proxyMetadata") or {}).items()},
    }
    return [
        _json("PROXY_CONFIG", proxy_config),
        _json("ISTIO_META_POD_PORTS", ports),
        *({"name": k, "value": v} for k, v in fixed.items() if v),
    ]


def _json(name: str, value: Any) -> dict[str, Any]:
    return {"name": name, "value": json.dumps(value, sort_keys=True)}


def _readiness(mesh: MeshSettings, annotations: Mapping[str, str]) -> dict[str, int]:
    """The mesh's readiness settings, overridden by the pod's annotations; a bad number is ignored."""
    out = dict(mesh.readiness)
    for field in out:
        text = annotations.get(f"readiness.status.sidecar.istio.io/{field}", "")
        if text.isdigit():
            out[field] = int(text)
    return out


def _resources(annotations: Mapping[str, str]) -> dict[str, Any]:
    prefix = "sidecar.istio.io/proxy"
    names = ("CPU", "Memory", "CPULimit", "MemoryLimit")
    given = {n: annotations[prefix + n] for n in names if prefix + n in annotations}
    if not given:
        return {
            "requests": {"cpu": "100m", "memory": "128Mi"},
            "limits": {"cpu": "2000m", "memory": "1024Mi"},
        }
    requests = {"cpu": given.get("CPU"), "memory": given.get("Memory")}
    limits = {"cpu": given.get("CPULimit"), "memory": given.get("MemoryLimit")}
    rows = {"requests": requests, "limits": limits}
    return {k: kept for k, v in rows.items() if (kept := {n: q for n, q in v.items() if q})}


def _mounts() -> list[dict[str, Any]]:
    paths = {
        "workload-socket": "/var/run/secrets/workload-spiffe-uds",
        "credential-socket": "/var/run/secrets/credential-uds",
        "workload-certs": "/var/run/secrets/workload-spiffe-credentials",
        "istiod-ca-cert": "/var/run/secrets/istio",
        "istio-data": "/var/lib/istio/data",
        "istio-envoy": "/etc/istio/proxy",
        "istio-token": "/var/run/secrets/tokens",
        "istio-podinfo": "/etc/istio/pod",
    }
    return [{"name": name, "mountPath": path} for name, path in paths.items()]


def make_volumes() -> list[dict[str, Any]]:
    """The volumes that the sidecar mounts."""
    fields = [{"path": p, "fieldRef": {"fieldPath": f"metadata.{p}"}} for p in ("labels", "annotations")]
    token = {"path": "istio-token", "expirationSeconds": 43200, "audience": "istio-ca"}
    return [
        {"name": "workload-socket", "emptyDir": {}},
        {"name": "credential-socket", "emptyDir": {}},
        {"name": "workload-certs", "emptyDir": {}},
        {"name": "istio-envoy", "emptyDir": {"medium": "Memory"}},
        {"name": "istio-data", "emptyDir": {}},
        {"name": "istio-podinfo", "downwardAPI": {"items": fields}},
        {"name": "istio-token", "projected": {"sources": [{"serviceAccountToken": token}]}},
        {"name": "istiod-ca-cert", "configMap": {"name": ROOT_CERT}},
    ]
