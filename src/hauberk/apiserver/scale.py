"""The scale subresource: how many pods a workload should have. Pure.

Source: kubernetes pkg/registry/apps/deployment/storage/storage.go, scaleFromDeployment.
"""

from __future__ import annotations

from typing import Any

from hauberk.base.apierrors import BadRequest
from hauberk.base.refs import Json

API_VERSION, KIND = "autoscaling/v1", "Scale"


def scale_of(obj: Json) -> dict[str, Any]:
    """The `autoscaling/v1 Scale` of a workload."""
    spec, status, meta = obj.get("spec") or {}, obj.get("status") or {}, obj["metadata"]
    kept = ("name", "namespace", "uid", "resourceVersion", "creationTimestamp")
    selector = (spec.get("selector") or {}).get("matchLabels") or {}
    shown = ",".join(f"{k}={v}" for k, v in sorted(selector.items()))
    return {
        "apiVersion": API_VERSION,
        "kind": KIND,
        "metadata": {k: meta[k] for k in kept if k in meta},
        "spec": {"replicas": spec.get("replicas", 0)},
        "status": {"replicas": status.get("replicas", 0), **({"selector": shown} if shown else {})},
    }


def with_scale(obj: Json, scale: Any) -> dict[str, Any]:
    """The workload with the replicas that a Scale asks for. BadRequest."""
    spec = scale.get("spec") if isinstance(scale, dict) else None
    replicas = (spec or {}).get("replicas", 0)
    if not isinstance(replicas, int) or isinstance(replicas, bool):
        raise BadRequest("json: cannot unmarshal into Go struct field ScaleSpec.spec.replicas of type int32")
    meta = dict(obj["metadata"])
    version = (scale.get("metadata") or {}).get("resourceVersion")
    if version:
        meta["resourceVersion"] = version
    return {**obj, "metadata": meta, "spec": {**(obj.get("spec") or {}), "replicas": replicas}}
