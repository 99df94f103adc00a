"""EventPolicy: the subjects that it lets in. Pure.

Source: knative/eventing pkg/reconciler/eventpolicy/eventpolicy.go; pkg/apis/eventing/v1alpha1/
eventpolicy_lifecycle.go.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from hauberk.base.conditions import Condition
from hauberk.base.refs import Json
from hauberk.engine.plan import Plan
from hauberk.eventing.names import conditions

TYPES = ("AuthenticationEnabled", "SubjectsResolved")


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """All that a decision about one EventPolicy may depend on."""

    policy: Json
    authentication: bool  # the feature authentication-oidc
    senders: Mapping[int, Json | None]  # the object of each `from[i].ref`


def plan(world: World, now: float) -> Plan:  # noqa: ARG001 - the controller's shape
    """Decide what an EventPolicy's status says."""
    subjects, problem = subjects_of(world)
    if not world.authentication:
        off = Condition("AuthenticationEnabled", "False", "OIDCAuthenticationDisabled")
        return Plan(status={"conditions": conditions(TYPES, off)})
    on = Condition("AuthenticationEnabled", "True")
    if problem:
        failed = Condition("SubjectsResolved", "False", "SubjectsNotResolved", problem)
        return Plan(status={"conditions": conditions(TYPES, on, failed)})
    resolved = Condition("SubjectsResolved", "True")
    return Plan(status={"conditions": conditions(TYPES, on, resolved), "from": list(subjects)})


def subjects_of(world: World) -> tuple[tuple[str, ...], str]:
    """The OIDC subjects, or why one is not known."""
    found = []
    for i, sender in enumerate((world.policy.get("spec") or {}).get("from") or ()):
        if sender.get("sub"):
            found.append(str(sender["sub"]))
            continue
        ref, obj = sender.get("ref") or {}, world.senders.get(i)
        name = ((obj or {}).get("status") or {}).get("auth", {}).get("serviceAccountName")
        if obj is None or not name:
            place = f"{ref.get('namespace', '')}/{ref.get('name', '')}"
            why = "does not exist" if obj is None else "has no serviceAccountName in its status.auth"
            return (), f"{ref.get('kind', '')} {place} {why}"
        found.append(f"system:serviceaccount:{obj['metadata']['namespace']}:{name}")
    return tuple(found), ""
