"""Small makers that the profiles share. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hauberk.base.refs import Json

INJECT = "sidecar.istio.io/inject"
REWRITE = "sidecar.istio.io/rewriteAppHTTPProbers"
SECRET_LABEL = "networking.internal.knative.dev/certificate-uid"


def make(
    api: str,
    kind: str,
    name: str,
    namespace: str = "",
    *,
    labels: Mapping[str, str] | None = None,
    annotations: Mapping[str, str] | None = None,
    **rest: Any,
) -> Json:
    """One object; `rest` are its top-level fields, such as `spec`."""
    meta: dict[str, Any] = {"name": name}
    if namespace:
        meta["namespace"] = namespace
    if labels:
        meta["labels"] = dict(labels)
    if annotations:
        meta["annotations"] = dict(annotations)
    return {"apiVersion": api, "kind": kind, "metadata": meta, **rest}


def in_mesh(name: str, labels: Mapping[str, str] | None = None) -> Json:
    """An operator's override that puts a sidecar into one workload.

    The label works for every version of the mesh; an annotation would not for workloads of the system.
    """
    return {
        "name": name,
        "labels": {INJECT: "true", **(labels or {})},
        "annotations": {REWRITE: "true"},
    }


def at_least(version: str, wanted: str) -> bool:
    """Whether a dotted version is `wanted` or later: `1.38.1` is at least `1.38`."""
    return _numbers(version) >= _numbers(wanted)


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))
