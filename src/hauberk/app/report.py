"""What `hauberk status` shows, as one JSON document. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from hauberk.base.conditions import is_true
from hauberk.base.refs import Json, is_deleting
from hauberk.cluster.options import Options
from hauberk.ports import Snapshot

ADMIN_KINDS = (
    "ServiceMeshControlPlane.maistra.io",
    "ServiceMeshMemberRoll.maistra.io",
    "KnativeServing.operator.knative.dev",
    "KnativeEventing.operator.knative.dev",
    "KnativeKafka.operator.serverless.openshift.io",
)


def endpoints(options: Options) -> dict[str, str]:
    """Where the cluster is reached from the host."""
    return {
        "api": options.api_url,
        "https": f"{options.host}:{options.https_port}",
        "http": f"{options.host}:{options.http_port}",
    }


def report(
    options: Options, snapshot: Snapshot, synced: Mapping[str, str], *, version: str
) -> dict[str, Any]:
    """The state of one cluster. `synced` maps a proxy's pod uid to its state, such as SYNCED."""
    pods = snapshot.list("Pod")
    return {
        "name": options.name,
        "version": version,
        "state": "running",
        "domain": options.domain,
        "strict": options.strict,
        "ephemeral": options.ephemeral,
        "endpoints": endpoints(options),
        "controlPlane": {"revision": snapshot.revision},
        "resources": [_resource(obj) for kind in ADMIN_KINDS for obj in snapshot.list(kind)],
        "pods": _pods(pods),
        "proxies": _proxies(pods, synced),
    }


def _resource(obj: Json) -> dict[str, Any]:
    meta = obj["metadata"]
    return {
        "kind": obj["kind"],
        "namespace": meta.get("namespace", ""),
        "name": meta["name"],
        "ready": is_true(obj),
    }


def _pods(pods: Sequence[Json]) -> dict[str, Any]:
    items = [
        {
            "namespace": pod["metadata"]["namespace"],
            "name": pod["metadata"]["name"],
            "phase": (pod.get("status") or {}).get("phase", "Pending"),
            "ready": is_true(pod),
        }
        for pod in pods
    ]
    return {"total": len(items), "ready": sum(i["ready"] for i in items), "items": items}


def _proxies(pods: Sequence[Json], synced: Mapping[str, str]) -> dict[str, Any]:
    """Proxies of pods that are to stay: the Envoy of a pod that is ending may be gone before the pod is."""
    leaving = {p["metadata"]["uid"] for p in pods if is_deleting(p)}
    names = {p["metadata"]["uid"]: f"{p['metadata']['name']}.{p['metadata']['namespace']}" for p in pods}
    items = [
        {"proxy": names.get(uid, uid), "status": state}
        for uid, state in sorted(synced.items())
        if uid not in leaving
    ]
    return {
        "total": len(items),
        "synced": sum(i["status"] == "SYNCED" for i in items),
        "items": items,
    }
