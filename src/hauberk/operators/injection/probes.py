"""Probes of the application's containers, led around strict mTLS: port 15020 of the sidecar answers. Pure.

Source: istio pkg/kube/inject/app_probe.go (patchRewriteProbe, DumpAppProbers, FormatProberURL).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hauberk.operators.injection.decide import parse_switch

REWRITE = "sidecar.istio.io/rewriteAppHTTPProbers"
STATUS_PORT = 15020
PATHS = {"readinessProbe": "readyz", "livenessProbe": "livez", "startupProbe": "startupz"}
HOOKS = {"preStop": "prestopz", "postStart": "poststartz"}


def rewrites(labels: Mapping[str, str], annotations: Mapping[str, str], mesh_default: bool) -> bool:
    """Whether this pod's probes are rewritten: its annotation, its label, else the mesh's default."""
    for source in (annotations, labels):
        said = parse_switch(source.get(REWRITE))
        if said is not None:
            return said
    return mesh_default


def rewritten(container: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The container with its network probes pointed at the sidecar, and what the sidecar must then do.

    The second part maps `/app-health/CONTAINER/readyz` to the original probe, as `ISTIO_KUBE_APP_PROBERS`
    holds it. exec probes stay: they need no network. The preStop hook stays as well, as upstream leaves
    it to `excludedPorts` (the document excludes 8022 for it).
    """
    out, probers = dict(container), dict[str, Any]()
    for field, short in PATHS.items():
        probe = container.get(field)
        if not isinstance(probe, Mapping):
            continue
        path = f"/app-health/{container['name']}/{short}"
        original = _original(probe, container)
        if original is None:
            continue
        probers[path] = original
        get: dict[str, Any] = {"path": path, "port": STATUS_PORT}
        kept = {k: v for k, v in probe.items() if k not in ("httpGet", "tcpSocket", "grpc")}
        out[field] = {**kept, "httpGet": get}
    return out, probers


def _original(probe: Mapping[str, Any], container: Mapping[str, Any]) -> dict[str, Any] | None:
    timeout = {"timeoutSeconds": probe["timeoutSeconds"]} if "timeoutSeconds" in probe else {}
    for field in ("httpGet", "tcpSocket", "grpc"):
        action = probe.get(field)
        if isinstance(action, Mapping):
            port = {"port": _number(action.get("port"), container)} if "port" in action else {}
            return {field: {**action, **port}, **timeout}
    return None


def _number(port: Any, container: Mapping[str, Any]) -> Any:
    """A named port as its number."""
    for row in container.get("ports") or ():
        if row.get("name") == port:
            return row["containerPort"]
    return port
