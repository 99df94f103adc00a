"""Wiring of namespaces into their mesh."""

from __future__ import annotations

from collections.abc import Iterable

from hauberk.base.refs import Json, Ref, is_deleting
from hauberk.engine.plan import Controller
from hauberk.operators.facts import Facts
from hauberk.operators.membership import control_plane_in, mesh_of, wanted_members
from hauberk.operators.mesh_namespace.plan import World, plan
from hauberk.operators.names import CONTROL_PLANE, MEMBER, MEMBER_OF, MEMBER_ROLL, ROOT_CERT
from hauberk.ports import Snapshot


def _members(changed: Json, snapshot: Snapshot) -> Iterable[Ref]:
    """Namespaces that the mesh of this roll or control plane wants, and those that carry its label."""
    mesh = changed["metadata"]["namespace"]
    labelled = (ns["metadata"]["name"] for ns in snapshot.list("Namespace", labels={MEMBER_OF: mesh}))
    return [Ref("Namespace", "", name) for name in {mesh, *wanted_members(snapshot, mesh), *labelled}]


def _own(member: Json, snapshot: Snapshot) -> Iterable[Ref]:  # noqa: ARG001
    return [Ref("Namespace", "", member["metadata"]["namespace"])]


def _root_cert(config_map: Json, snapshot: Snapshot) -> Iterable[Ref]:  # noqa: ARG001
    meta = config_map["metadata"]
    return [Ref("Namespace", "", meta["namespace"])] if meta["name"] == ROOT_CERT else []


def controller(facts: Facts) -> Controller[World]:
    """The controller of member namespaces."""

    def observe(snapshot: Snapshot, ref: Ref) -> World | None:
        namespace = snapshot.get(ref)
        if namespace is None:
            return None
        mesh = mesh_of(snapshot, ref.name) or ref.name
        if control_plane_in(snapshot, mesh) is None or is_deleting(namespace):
            mesh = ""
        return World(namespace=namespace, mesh=mesh, mesh_roots=facts.mesh_roots)

    return Controller(
        name="mesh-namespace",
        kind="Namespace",
        wakes={"ConfigMap": _root_cert, MEMBER_ROLL: _members, CONTROL_PLANE: _members, MEMBER: _own},
        observe=observe,
        plan=plan,
    )
