"""Which meshes there are, what they say, and which namespaces they have. Pure.

Source: maistra/istio-operator conversion of spec.security, spec.proxy and spec.techPreview.meshConfig.
"""

from __future__ import annotations

from collections.abc import Mapping

from hauberk.base.refs import Json, is_deleting
from hauberk.mesh.model import Settings
from hauberk.ports import Snapshot

CONTROL_PLANE = "ServiceMeshControlPlane.maistra.io"
MEMBER_ROLL = "ServiceMeshMemberRoll.maistra.io"


def settings_of(smcp: Json) -> Settings:
    """The settings of one control plane."""
    spec = smcp.get("spec") or {}
    config = (spec.get("techPreview") or {}).get("meshConfig") or {}
    plane = (spec.get("security") or {}).get("dataPlane") or {}
    traffic = ((spec.get("proxy") or {}).get("networking") or {}).get("trafficControl") or {}
    policy = (config.get("outboundTrafficPolicy") or {}).get("mode") or (
        (traffic.get("outbound") or {}).get("policy") or "ALLOW_ANY"
    )
    return Settings(
        root=smcp["metadata"]["namespace"],
        strict=bool(plane.get("mtls")),
        auto_mtls=plane.get("automtls", config.get("enableAutoMtls", True)) is not False,
        registry_only=policy == "REGISTRY_ONLY",
        access_log=str(config.get("accessLogFile") or ""),
        access_log_format=str(config.get("accessLogFormat") or ""),
    )


def meshes(snapshot: Snapshot) -> dict[str, tuple[Settings, frozenset[str]]]:
    """Root namespace → settings and namespaces, oldest control plane first in its namespace.

    A namespace that two rolls list belongs to the first one by name.
    """
    found: dict[str, tuple[Settings, frozenset[str]]] = {}
    taken: set[str] = set()
    planes = [p for p in snapshot.list(CONTROL_PLANE) if not is_deleting(p)]
    for smcp in sorted(planes, key=_age):
        root = smcp["metadata"]["namespace"]
        if root in found:
            continue
        members = {root, *_members(snapshot, root)} - taken
        taken |= members
        found[root] = (settings_of(smcp), frozenset(members))
    return found


def _members(snapshot: Snapshot, root: str) -> set[str]:
    rolls = [r for r in snapshot.list(MEMBER_ROLL, root) if not is_deleting(r)]
    return {name for roll in rolls for name in (roll.get("status") or {}).get("configuredMembers") or ()}


def _age(obj: Json) -> tuple[str, str, str]:
    meta: Mapping[str, str] = obj["metadata"]
    return meta.get("creationTimestamp", ""), meta.get("namespace", ""), meta["name"]
