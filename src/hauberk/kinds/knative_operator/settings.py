"""Keys of Serving's ConfigMaps that are accepted and do nothing here, with what stands for them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

_MESH = "the mesh's mTLS protects these ways"
_WITHOUT_EFFECT: Mapping[str, Mapping[str, str]] = {
    "config-network": {
        "system-internal-tls": _MESH,
        "dataplane-trust": _MESH,
        "internal-encryption": _MESH,
        "mesh-compatibility-mode": "the activator reaches pods with the mesh's mTLS in any mode",
        "namespace-wildcard-cert-selector": "each host gets a certificate of its own",
    },
    "config-features": {
        "kubernetes.podspec-dryrun": "templates are checked by the same rules without a dry run",
        "queueproxy.mount-podinfo": "the queue-proxy reads no pod information",
        "queueproxy.resource-defaults": "the queue-proxy has the requests of config-deployment",
    },
    "config-certmanager": {
        "issuerRef": "the cluster's own authority issues certificates",
        "clusterLocalIssuerRef": "the cluster's own authority issues certificates",
        "systemInternalIssuerRef": _MESH,
    },
}
_OFF = ("", "auto", "disabled", "false", "none")


def without_effect(config: str, data: Mapping[str, Any]) -> Iterator[str]:
    """Warnings for keys of one ConfigMap (`config-network`); a key that is switched off says nothing."""
    for key, instead in _WITHOUT_EFFECT.get(config, {}).items():
        if str(data.get(key) or "").lower() not in _OFF:
            yield f"{config}: {key} is accepted and does nothing here: {instead}"


def of_resource(config: Mapping[str, Any]) -> Iterator[str]:
    """The same for `spec.config` of a KnativeServing, whose names may leave `config-` out."""
    for name, data in sorted(config.items()):
        full = name if name.startswith("config-") else f"config-{name}"
        if isinstance(data, Mapping):
            yield from without_effect(full, data)
