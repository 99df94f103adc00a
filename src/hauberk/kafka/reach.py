"""Why a component cannot reach a Kafka cluster although both are well: the mesh. Pure.

With the outbound policy REGISTRY_ONLY a pod with a sidecar reaches what the mesh's registry names, and a
cluster outside the mesh is named by a ServiceEntry only.
"""

from __future__ import annotations

from hauberk.base.refs import Json, labels_of
from hauberk.kafka.names import SYSTEM
from hauberk.ports import Snapshot

CONTROL_PLANE = "ServiceMeshControlPlane.maistra.io"
SERVICE_ENTRY = "ServiceEntry.networking.istio.io"
ROLE_LABEL = "hauberk.dev/role"
INJECT = "sidecar.istio.io/inject"


def pods_of(role: str, snapshot: Snapshot) -> list[Json]:
    """The pods of a role."""
    return list(snapshot.list("Pod", SYSTEM, {ROLE_LABEL: role}))


def is_running(role: str, snapshot: Snapshot) -> bool:
    """Whether a pod of the role is ready."""
    return any(
        row.get("type") == "Ready" and row.get("status") == "True"
        for pod in pods_of(role, snapshot)
        for row in (pod.get("status") or {}).get("conditions") or ()
    )


def hint(servers: str, role: str, snapshot: Snapshot) -> str:
    """What of the mesh keeps the pods of a role from a cluster; empty when nothing does.

    | sidecar | outbound policy | ServiceEntry with host and port | hint |
    |---------|-----------------|---------------------------------|------|
    | no      | -               | -                               |      |
    | yes     | ALLOW_ANY       | -                               |      |
    | yes     | REGISTRY_ONLY   | yes                             |      |
    | yes     | REGISTRY_ONLY   | no                              | yes  |
    """
    if not any(labels_of(pod).get(INJECT) == "true" for pod in pods_of(role, snapshot)):
        return ""
    if not any(_outbound(row) == "REGISTRY_ONLY" for row in snapshot.list(CONTROL_PLANE)):
        return ""
    for server in servers.split(","):
        host, _, port = server.rpartition(":")
        if not any(_names(entry, host, port) for entry in snapshot.list(SERVICE_ENTRY)):
            return (
                f"the mesh's outbound policy is REGISTRY_ONLY and no ServiceEntry that {SYSTEM} sees names "
                f"{host} with port {port}"
            )
    return ""


def _outbound(control_plane: Json) -> str:
    proxy = (control_plane.get("spec") or {}).get("proxy") or {}
    policy = ((proxy.get("networking") or {}).get("trafficControl") or {}).get("outbound") or {}
    return str(policy.get("policy") or "")


def _names(entry: Json, host: str, port: str) -> bool:
    spec = entry.get("spec") or {}
    seen = spec.get("exportTo") or ["*"]
    home = entry["metadata"].get("namespace")
    if SYSTEM not in seen and "*" not in seen and not ("." in seen and home == SYSTEM):
        return False
    ports = {str(row.get("number")) for row in spec.get("ports") or ()}
    return port in ports and any(_matches(str(said), host) for said in spec.get("hosts") or ())


def _matches(said: str, host: str) -> bool:
    """A host of a ServiceEntry and one of a client, which may leave the cluster's domain out."""
    long = {host, f"{host}.cluster.local", f"{host}.svc.cluster.local"}
    if said.startswith("*."):
        return any(name.endswith(said[1:]) for name in long)
    return said in long or f"{said}.cluster.local" in long or f"{said}.svc.cluster.local" in long
