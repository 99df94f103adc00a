"""Which namespaces belong to which mesh, read from rolls, members and control planes.

Source: maistra/istio-operator pkg/controller/servicemesh/memberroll/controller.go, getRequiredNamespaces.
Deviation: a namespace counts as a member from the moment its roll or member says so; upstream first waits
for the control plane to be installed, and pods made meanwhile miss their sidecar.
"""

from __future__ import annotations

import re

from hauberk.base.refs import Json, Ref, is_deleting
from hauberk.kinds.maistra.member import MEMBER_NAME
from hauberk.kinds.maistra.member_roll import ROLL_NAME
from hauberk.operators.names import CONTROL_PLANE, MEMBER, MEMBER_ROLL
from hauberk.ports import Snapshot

_NEVER = re.compile(r"kube|kube-.*|openshift|openshift-.*|ibm-.*")


def control_plane_in(snapshot: Snapshot, namespace: str) -> Json | None:
    """The mesh of a namespace: its oldest control plane that is not being deleted."""
    alive = [smcp for smcp in snapshot.list(CONTROL_PLANE, namespace) if not is_deleting(smcp)]
    return min(alive, key=_age, default=None)


def _age(obj: Json) -> tuple[str, str]:
    return str(obj["metadata"].get("creationTimestamp", "")), str(obj["metadata"]["name"])


def roll_in(snapshot: Snapshot, namespace: str) -> Json | None:
    """The member roll of a mesh's namespace."""
    roll = snapshot.get(Ref(MEMBER_ROLL, namespace, ROLL_NAME))
    return roll if roll is not None and not is_deleting(roll) else None


def listed_in(roll: Json) -> tuple[str, ...]:
    """The namespaces that a roll's spec names, as written."""
    return tuple((roll.get("spec") or {}).get("members") or ())


def wanted_members(snapshot: Snapshot, mesh: str) -> tuple[str, ...]:
    """Namespaces that should belong to the mesh in namespace `mesh`, sorted; some may not exist."""
    roll = roll_in(snapshot, mesh)
    listed = set(listed_in(roll)) if roll is not None else set()
    if "*" in listed:
        every = {str(ns["metadata"]["name"]) for ns in snapshot.list("Namespace")}
        listed = {name for name in every if not _NEVER.fullmatch(name)}
    for member in snapshot.list(MEMBER):
        if not is_deleting(member) and joins(member) == mesh:
            listed.add(str(member["metadata"]["namespace"]))
    return tuple(sorted(listed - {mesh}))


def joins(member: Json) -> str:
    """The namespace of the mesh that a ServiceMeshMember refers to."""
    return str(((member.get("spec") or {}).get("controlPlaneRef") or {}).get("namespace", ""))


def mesh_of(snapshot: Snapshot, namespace: str) -> str | None:
    """The namespace of the mesh that `namespace` is a member of, or None. Rolls go before members."""
    for roll in snapshot.list(MEMBER_ROLL):
        mesh = str(roll["metadata"]["namespace"])
        if is_deleting(roll) or mesh == namespace:
            continue
        listed = listed_in(roll)
        if namespace in listed or ("*" in listed and not _NEVER.fullmatch(namespace)):
            return mesh
    member = snapshot.get(Ref(MEMBER, namespace, MEMBER_NAME))
    if member is not None and not is_deleting(member) and joins(member) not in ("", namespace):
        return joins(member)
    return None
