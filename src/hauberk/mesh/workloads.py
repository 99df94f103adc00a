"""Pods as the mesh sees them: who they are, and what their Envoy is for. Pure.

Source: docs/design/001 (images are roles); istio/istio pilot/pkg/model/context.go (labels, identity).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from hauberk.base.quantities import parse_duration_s
from hauberk.base.refs import Json, annotations_of, labels_of
from hauberk.mesh.model import AppProbe, spiffe

PROXY = "proxyv2"
ROLE_IMAGES = ("queue", "activator", "autoscaler", "router", "kourier")
WAITS = "component"  # a process that only waits: the control plane does the component's work
EXCLUDE_INBOUND = "traffic.sidecar.istio.io/excludeInboundPorts"
PROBERS = "ISTIO_KUBE_APP_PROBERS"
_PREFIX = "hauberk.local/"
SECRET_TTL = "SECRET_TTL"
SECRET_LIFE_S = 86_400.0
_LONGEST_S = 90 * 86_400.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """What the mesh reads from one pod. Changes of the pod's other fields do not change it."""

    uid: str
    name: str
    namespace: str
    service_account: str
    ip: str
    labels: tuple[tuple[str, str], ...]
    sidecar: bool = False
    gateway: bool = False
    dials: bool = True  # False: no container has a program that opens connections
    excluded_inbound: tuple[int, ...] = ()
    probes: tuple[AppProbe, ...] = ()
    role_containers: tuple[tuple[str, Json], ...] = field(default=(), compare=True)
    port_names: tuple[tuple[str, int], ...] = ()
    secret_life_s: float = SECRET_LIFE_S  # of its certificate

    @property
    def identity(self) -> str:
        """The SPIFFE ID; empty without a proxy of the mesh."""
        in_mesh = self.sidecar or self.gateway
        return spiffe(self.namespace, self.service_account) if in_mesh else ""

    def has_labels(self, wanted: Mapping[str, str] | None) -> bool:
        """Whether the pod has all of these labels."""
        have = dict(self.labels)
        return all(have.get(k) == v for k, v in (wanted or {}).items())

    def target_port(self, target: int | str | None, default: int) -> int | None:
        """The number of a Service's targetPort on this pod."""
        if target is None or target == "":
            return default
        if isinstance(target, int) or target.isdigit():
            return int(target)
        return dict(self.port_names).get(target)


def image_role(image: str) -> str:
    """`proxyv2` for `hauberk.local/proxyv2:1.20`; empty for the images of others."""
    if not image.startswith(_PREFIX):
        return ""
    return image.removeprefix(_PREFIX).partition("@")[0].partition(":")[0]


def containers_of(pod: Json) -> Iterator[Json]:
    """Containers, and init containers that keep running (native sidecars)."""
    spec = pod.get("spec") or {}
    for container in spec.get("initContainers") or ():
        if container.get("restartPolicy") == "Always":
            yield container
    yield from spec.get("containers") or ()


def env_of(container: Json) -> dict[str, str]:
    """The literal environment of a container."""
    return {e["name"]: e["value"] for e in container.get("env") or () if e.get("value") is not None}


def workload_of(pod: Json) -> Workload:
    """The mesh's view of one pod."""
    meta, spec = pod["metadata"], pod.get("spec") or {}
    roles, proxies, programs, names = [], [], [], []
    for container in containers_of(pod):
        role = image_role(container.get("image", ""))
        if role == PROXY:
            proxies.append(container)
        elif role in ROLE_IMAGES:
            roles.append((role, container))
        elif role != WAITS:
            programs.append(container["name"])
        names += [(p["name"], p["containerPort"]) for p in container.get("ports") or () if p.get("name")]
    args = [str(a) for c in proxies for a in c.get("args") or ()]
    gateway = "router" in args[:3]
    return Workload(
        uid=meta["uid"],
        name=meta["name"],
        namespace=meta["namespace"],
        service_account=spec.get("serviceAccountName") or "default",
        ip=str((pod.get("status") or {}).get("podIP") or ""),
        labels=tuple(sorted(labels_of(pod).items())),
        sidecar=bool(proxies) and not gateway,
        gateway=gateway,
        dials=bool(programs),
        excluded_inbound=_ports(annotations_of(pod).get(EXCLUDE_INBOUND, "")),
        probes=tuple(p for c in proxies for p in app_probes(env_of(c).get(PROBERS, ""))),
        role_containers=tuple(roles),
        port_names=tuple(names),
        secret_life_s=next((secret_life_s(env_of(c)) for c in proxies), SECRET_LIFE_S),
    )


def secret_life_s(env: Mapping[str, str]) -> float:
    """The life of a proxy's certificate: `SECRET_TTL` of its environment or of `proxyMetadata`, else 24 h.

    Source: istio/istio pilot/cmd/pilot-agent/options/options.go (SECRET_TTL); istiod's MAX_WORKLOAD_CERT_TTL.
    Deviation: more than istiod's 90 days is 90 days, where istiod refuses to sign.
    """
    text = env.get(SECRET_TTL, "")
    if not text:
        try:
            config = json.loads(env.get("PROXY_CONFIG") or "{}")
            text = str((config.get("proxyMetadata") or {}).get(SECRET_TTL) or "")
        except (ValueError, AttributeError):
            text = ""
    wanted = seconds_of(text, SECRET_LIFE_S) if text else SECRET_LIFE_S
    return min(wanted, _LONGEST_S) if wanted > 0 else SECRET_LIFE_S


def _ports(text: str) -> tuple[int, ...]:
    return tuple(int(p) for p in text.replace(" ", "").split(",") if p.isdigit())


def app_probes(text: str) -> Iterator[AppProbe]:
    """The application's probes from the JSON that injection writes; nothing from what is not JSON.

    Source: istio/istio pkg/kube/inject/app_probe.go, DumpAppProbers; cmd/app/status/server.go.
    """
    try:
        probers = json.loads(text) if text else {}
    except ValueError:
        return
    for path, prober in probers.items():
        kind: Literal["http", "tcp", "grpc"] = "http"
        action: Mapping[str, Any] = prober.get("httpGet") or {}
        if prober.get("tcpSocket"):
            kind, action = "tcp", prober["tcpSocket"]
        elif prober.get("grpc"):
            kind, action = "grpc", prober["grpc"]
        port = action.get("port")
        if not isinstance(port, int):
            continue
        yield AppProbe(
            path=path,
            kind=kind,
            port=port,
            target=action.get("path") or "/",
            https=action.get("scheme") == "HTTPS",
            headers=tuple((h["name"], h["value"]) for h in action.get("httpHeaders") or ()),
            service=action.get("service") or "",
            timeout_s=float(prober.get("timeoutSeconds") or 1),
        )


def seconds_of(text: str, default: float) -> float:
    """A Go duration, or a bare number of seconds, or the default."""
    try:
        return float(text) if text.replace(".", "", 1).isdigit() else parse_duration_s(text)
    except ValueError:
        return default
