"""Wiring of the controller that makes Routes of Ingresses."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hauberk.base.refs import Json, Ref, annotations_of, controller_of, ref_of
from hauberk.engine.plan import Controller
from hauberk.kinds.networking.ingress import KIND
from hauberk.openshift.ingress_to_route.plan import DESTINATION_CA, World, class_of, plan
from hauberk.openshift.names import ROUTE
from hauberk.ports import Snapshot

CLASS = "IngressClass.networking.k8s.io"


def services_of(ingress: Json) -> set[str]:
    """The Services that an Ingress names."""
    paths = [
        p
        for rule in (ingress.get("spec") or {}).get("rules") or ()
        for p in (rule.get("http") or {}).get("paths") or ()
    ]
    return {s["name"] for p in paths if (s := (p.get("backend") or {}).get("service"))}


def secrets_of(ingress: Json) -> set[str]:
    """The Secrets that an Ingress names."""
    names = {str(r.get("secretName") or "") for r in (ingress.get("spec") or {}).get("tls") or ()}
    return {*names, annotations_of(ingress).get(DESTINATION_CA, "")} - {""}


def observe(snapshot: Snapshot, ref: Ref) -> World | None:
    """Read an Ingress and what it names."""
    ingress = snapshot.get(ref)
    if ingress is None:
        return None
    uid, named = ingress["metadata"]["uid"], class_of(ingress)
    return World(
        ingress=ingress,
        ingress_class=snapshot.get(Ref(CLASS, "", named)) if named else None,
        services=_found(snapshot, "Service", ref.namespace, services_of(ingress)),
        secrets=_found(snapshot, "Secret", ref.namespace, secrets_of(ingress)),
        routes=tuple(
            r for r in snapshot.owned_by(uid, (ROUTE,)) if (controller_of(r) or {}).get("uid") == uid
        ),
    )


def _found(snapshot: Snapshot, kind: str, namespace: str, names: set[str]) -> dict[str, Json]:
    rows = {n: snapshot.get(Ref(kind, namespace, n)) for n in sorted(names)}
    return {n: row for n, row in rows.items() if row is not None}


def _by_service(service: Json, snapshot: Snapshot) -> Sequence[Ref]:
    return _naming(service, snapshot, services_of)


def _by_secret(secret: Json, snapshot: Snapshot) -> Sequence[Ref]:
    return _naming(secret, snapshot, secrets_of)


def _naming(obj: Json, snapshot: Snapshot, names: Any) -> Sequence[Ref]:
    meta = obj["metadata"]
    rows = snapshot.list(KIND.id, meta.get("namespace", ""))
    return [ref_of(i) for i in rows if meta["name"] in names(i)]


def _by_class(row: Json, snapshot: Snapshot) -> Sequence[Ref]:
    return [ref_of(i) for i in snapshot.list(KIND.id) if class_of(i) == row["metadata"]["name"]]


CONTROLLER: Controller[World] = Controller(
    name="ingress-to-route",
    kind=KIND.id,
    owns=(ROUTE,),
    wakes={"Service": _by_service, "Secret": _by_secret, CLASS: _by_class},
    observe=observe,
    plan=plan,
)
