"""Objects of a small cluster for tests of the mesh, as they are stored."""

from __future__ import annotations

import base64
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import yaml

from hauberk.base.refs import Json, Ref, kind_of, labels_of, ref_of
from hauberk.ports import Index

PEM = base64.b64encode(b"-----BEGIN CERTIFICATE-----\n").decode()
KEY = base64.b64encode(b"-----BEGIN PRIVATE KEY-----\n").decode()


class Stored:
    """ports.Snapshot over a list of objects."""

    revision = 1

    def __init__(self, *objects: Json) -> None:
        self.objects = [*objects]

    def get(self, ref: Ref) -> Json | None:
        return next((o for o in self.objects if ref_of(o) == ref), None)

    def list(
        self, kind: str, namespace: str | None = None, labels: Mapping[str, str] | None = None
    ) -> Sequence[Json]:
        return [
            o
            for o in self.objects
            if kind_of(o) == kind
            and namespace in (None, o["metadata"].get("namespace", ""))
            and all(labels_of(o).get(k) == v for k, v in (labels or {}).items())
        ]

    def owned_by(self, uid: str, kinds: Collection[str]) -> Sequence[Json]:
        return []

    def find(self, index: Index, key: str) -> Sequence[Json]:
        return [o for o in self.list(index.kind) if key in index.keys(o)]


def read(text: str) -> list[dict[str, Any]]:
    """Objects from YAML documents."""
    return [doc for doc in yaml.safe_load_all(text) if doc]


def control_plane(*, mtls: bool = True, root: str = "istio-system", **mesh_config: Any) -> dict[str, Any]:
    return {
        "apiVersion": "maistra.io/v2",
        "kind": "ServiceMeshControlPlane",
        "metadata": {"name": "basic", "namespace": root},
        "spec": {
            "security": {"dataPlane": {"mtls": mtls}},
            "techPreview": {"meshConfig": mesh_config},
            "proxy": {"networking": {"trafficControl": {"inbound": {"excludedPorts": [8444, 8022]}}}},
        },
    }


def members(*names: str, root: str = "istio-system") -> dict[str, Any]:
    return {
        "apiVersion": "maistra.io/v1",
        "kind": "ServiceMeshMemberRoll",
        "metadata": {"name": "default", "namespace": root},
        "spec": {"members": list(names)},
        "status": {"configuredMembers": list(names)},
    }


def pod(
    name: str,
    namespace: str,
    ip: str,
    *,
    proxy: str = "sidecar",
    labels: Mapping[str, str] | None = None,
    containers: Sequence[Json] = (),
    env: Mapping[str, str] | None = None,
    annotations: Mapping[str, str] | None = None,
    account: str = "default",
) -> dict[str, Any]:
    """A pod with an injected sidecar, a gateway's proxy, or (proxy "") neither."""
    rows = list(containers) or [{"name": "app", "image": "example.com/app"}]
    if proxy:
        args = ["proxy", "router" if proxy == "gateway" else "sidecar"]
        mine: dict[str, Any] = {"name": "istio-proxy", "image": "hauberk.local/proxyv2", "args": args}
        mine["env"] = [{"name": k, "value": v} for k, v in (env or {}).items()]
        rows = [mine] if proxy == "gateway" else [*rows, mine]
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": name,
            "namespace": namespace,
            "uid": f"uid-{name}",
            "labels": dict(labels or {"app": name}),
            "annotations": dict(annotations or {}),
        },
        "spec": {"serviceAccountName": account, "containers": rows},
        "status": {"podIP": ip, "phase": "Running"},
    }


def service(
    name: str,
    namespace: str,
    ip: str,
    ports: Sequence[tuple[str, int, int]],
    *,
    selector: Mapping[str, str] | None = None,
    labels: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """A Service with ports (name, port, target)."""
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name, "namespace": namespace, "labels": dict(labels or {})},
        "spec": {
            "clusterIP": ip,
            "selector": dict(selector or {"app": name}),
            "ports": [{"name": n, "port": p, "targetPort": t, "protocol": "TCP"} for n, p, t in ports],
        },
    }


def slice_of(service: Json, *pods: Json) -> dict[str, Any]:
    """The EndpointSlice of a Service over ready pods."""
    meta = service["metadata"]
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {
            "name": f"{meta['name']}-x",
            "namespace": meta["namespace"],
            "labels": {"kubernetes.io/service-name": meta["name"]},
        },
        "addressType": "IPv4",
        "ports": [
            {"name": p["name"], "port": p["targetPort"], "protocol": "TCP"} for p in service["spec"]["ports"]
        ],
        "endpoints": [
            {
                "addresses": [p["status"]["podIP"]],
                "conditions": {"ready": True},
                "targetRef": {"kind": "Pod", "uid": p["metadata"]["uid"], "name": p["metadata"]["name"]},
            }
            for p in pods
        ],
    }


def tls_secret(name: str, namespace: str = "istio-system") -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": name, "namespace": namespace},
        "type": "kubernetes.io/tls",
        "data": {"tls.crt": PEM, "tls.key": KEY},
    }
