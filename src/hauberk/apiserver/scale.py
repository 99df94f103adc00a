"""The scale subresource: how many pods a workload should have. Pure.

Source: kubernetes pkg/registry/apps/deployment/storage/storage.go, scaleFromDeployment.
"""

from __future__ import annotations

from typing import Any

from hauberk.apiserver import jsonpath
from hauberk.base.apierrors import BadRequest
from hauberk.base.refs import Json

API_VERSION, KIND = "autoscaling/v1", "Scale"


def scale_of(obj: Json, paths: Json | None = None) -> dict[str, Any]:
    """The `autoscaling/v1 Scale` of a workload; `paths` are those of a user's kind."""
    if paths is not None:
        return _scale_at(obj, paths)
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


def _scale_at(obj: Json, paths: Json) -> dict[str, Any]:
    meta, selector = obj["metadata"], jsonpath.find(obj, paths.get("labelSelectorPath") or ".none")
    kept = ("name", "namespace", "uid", "resourceVersion", "creationTimestamp")
    wanted = jsonpath.find(obj, paths["specReplicasPath"]) or [None]
    found = jsonpath.find(obj, paths["statusReplicasPath"]) or [0]
    return {
        "apiVersion": API_VERSION,
        "kind": KIND,
        "metadata": {k: meta[k] for k in kept if k in meta},
        "spec": {"replicas": wanted[0] or 0},
        "status": {"replicas": found[0] or 0, **({"selector": selector[0]} if selector else {})},
    }


def with_scale(obj: Json, scale: Any, paths: Json | None = None) -> dict[str, Any]:
    """The workload with the replicas that a Scale asks for. BadRequest."""
    spec = scale.get("spec") if isinstance(scale, dict) else None
    replicas = (spec or {}).get("replicas", 0)
    if not isinstance(replicas, int) or isinstance(replicas, bool):
        raise BadRequest("json: cannot unmarshal into Go struct field ScaleSpec.spec.replicas of type int32")
    meta = dict(obj["metadata"])
    version = (scale.get("metadata") or {}).get("resourceVersion")
    if version:
        meta["resourceVersion"] = version
    where = (paths["specReplicasPath"] if paths else ".spec.replicas").strip(".").split(".")
    return {**_put(obj, where, replicas), "metadata": meta}


def _put(obj: Any, path: list[str], value: Any) -> dict[str, Any]:
    inner = value if len(path) == 1 else _put((obj or {}).get(path[0]), path[1:], value)
    return {**(obj or {}), path[0]: inner}
