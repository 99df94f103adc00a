"""Aggregated ClusterRoles: their rules are those of the ClusterRoles that they select.

Source: kubernetes pkg/controller/clusterroleaggregation/clusterroleaggregation_controller.go.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from msgspec import convert

from hauberk.base.refs import Json, Ref, labels_of, ref_of
from hauberk.engine.plan import Controller, Plan
from hauberk.kinds.apps.selector import LabelSelector, matches
from hauberk.kinds.rbac.roles import CLUSTER_ROLE
from hauberk.ports import Index, Snapshot


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """An aggregated role and the others that it selects, by name."""

    role: Json
    selected: tuple[Json, ...]


def observe(snapshot: Snapshot, ref: Ref) -> World | None:
    """The role, if it is an aggregated one."""
    role = snapshot.get(ref)
    if role is None or not _selectors(role):
        return None
    others = [o for o in snapshot.list(CLUSTER_ROLE.id) if o["metadata"]["name"] != ref.name]
    return World(role=role, selected=tuple(o for o in others if _selects(role, o)))


def plan(world: World, now: float) -> Plan:  # noqa: ARG001 - every plan is given the time
    """The union of the rules, each once, in the order of the roles' names."""
    rules: list[Any] = []
    for role in world.selected:
        rules += [rule for rule in role.get("rules") or () if rule not in rules]
    if rules == list(world.role.get("rules") or ()):
        return Plan()
    return Plan(patches=((ref_of(world.role), {"rules": rules}),))


def _selectors(role: Json) -> list[Json]:
    return list((role.get("aggregationRule") or {}).get("clusterRoleSelectors") or ())


def _selects(role: Json, other: Json) -> bool:
    labels = labels_of(other)
    return any(matches(convert(selector, LabelSelector), labels) for selector in _selectors(role))


AGGREGATED = Index(CLUSTER_ROLE.id, lambda role: ("",) if _selectors(role) else ())
"""The aggregated ClusterRoles."""


def wake(role: Json, snapshot: Snapshot) -> Iterable[Ref]:
    """Every other aggregated role: one that no longer selects this role must lose its rules."""
    own = role["metadata"]["name"]
    return [ref_of(o) for o in snapshot.find(AGGREGATED, "") if o["metadata"]["name"] != own]


CONTROLLER = Controller(
    name="clusterrole-aggregation",
    kind=CLUSTER_ROLE.id,
    wakes={CLUSTER_ROLE.id: wake},
    observe=observe,
    plan=plan,
)
