"""From one internal Ingress to its Routes. Pure.

The Routes live in the gateway's namespace, so they carry labels instead of an owner reference, and the
Ingress a finalizer.
Source: openshift-knative/serverless-operator serving/ingress/pkg/reconciler/ingress/ingress.go.
"""

from __future__ import annotations

from dataclasses import dataclass

from hauberk.base.refs import Json, Ref, annotations_of, ref_of
from hauberk.engine.plan import Plan
from hauberk.openshift.names import CLASSES, INGRESS_CLASS
from hauberk.openshift.serverless_ingress.make import make_routes


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """All that a decision about one Ingress may depend on."""

    ingress: Json
    routes: tuple[Ref, ...]  # those that carry this Ingress's labels, in any namespace


def plan(world: World, now: float) -> Plan:  # noqa: ARG001
    """Decide which Routes should exist; those that should not are deleted."""
    if annotations_of(world.ingress).get(INGRESS_CLASS) not in CLASSES:
        return Plan()
    routes = tuple(make_routes(world.ingress))
    wanted = {ref_of(route) for route in routes}
    return Plan(others=routes, gone=tuple(ref for ref in world.routes if ref not in wanted))


def finalize(world: World, now: float) -> Plan:  # noqa: ARG001
    """Take the Routes away."""
    return Plan(gone=world.routes)
