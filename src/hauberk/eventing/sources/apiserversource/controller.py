"""Wiring of the ApiServerSource controller."""

from __future__ import annotations

from collections.abc import Iterator

from hauberk.base.refs import Json, Ref, ref_of
from hauberk.engine.plan import Controller, Wakes
from hauberk.eventing.config.reading import FEATURES, data_of
from hauberk.eventing.names import DEPLOYMENT
from hauberk.eventing.sources.apiserversource.plan import World, deployment_name, plan
from hauberk.eventing.sources.apiserversource.watched import Allows, forbidden, namespaces_of
from hauberk.eventing.sources.wakes import wakes_of_sinks
from hauberk.kinds.eventing.addressable import resolve
from hauberk.kinds.eventing.api_server_source import KIND
from hauberk.ports import Snapshot

_RBAC = ("Role", "ClusterRole", "RoleBinding", "ClusterRoleBinding")


def wake_all(changed: Json, snapshot: Snapshot) -> Iterator[Ref]:  # noqa: ARG001 - a Wakes
    """All ApiServerSources: whose account may do what has changed, or which namespaces there are."""
    yield from map(ref_of, snapshot.list(KIND.id))


def controller(allows: Allows | None) -> Controller[World]:
    """The row. `allows` is RBAC's answer; without it permissions stay unknown."""

    def observe(snapshot: Snapshot, ref: Ref) -> World | None:
        source = snapshot.get(ref)
        if source is None:
            return None
        namespaces = namespaces_of(source, snapshot)
        return World(
            source=source,
            sink=resolve((source.get("spec") or {}).get("sink") or {}, ref.namespace, snapshot),
            namespaces=namespaces,
            forbidden=None if allows is None else forbidden(source, namespaces, allows),
            deployment=snapshot.get(Ref(DEPLOYMENT, ref.namespace, deployment_name(source))),
            features=data_of(snapshot, FEATURES),
        )

    rbac: dict[str, Wakes] = {f"{kind}.rbac.authorization.k8s.io": wake_all for kind in _RBAC}
    return Controller(
        name="apiserversource",
        kind=KIND.id,
        owns=(DEPLOYMENT,),
        wakes=wakes_of_sinks(KIND.id, {**rbac, "Namespace": wake_all}),
        observe=observe,
        plan=plan,
    )
