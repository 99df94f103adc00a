"""EventPolicy: whether it is in force. Pure.

Source: knative/eventing pkg/reconciler/eventpolicy/eventpolicy.go; pkg/apis/eventing/v1alpha1/
eventpolicy_lifecycle.go.
"""

from __future__ import annotations

from dataclasses import dataclass

from hauberk.base.conditions import Condition
from hauberk.base.refs import Json
from hauberk.engine.plan import Plan
from hauberk.eventing.names import OIDC, conditions

TYPES = ("AuthenticationEnabled", "SubjectsResolved")


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """All that a decision about one EventPolicy may depend on."""

    policy: Json
    authentication: bool  # the feature authentication-oidc


def plan(world: World, now: float) -> Plan:  # noqa: ARG001 - the controller's shape
    """Decide what an EventPolicy's status says: that it is not in force, and why.

    Deviation: with the feature on, upstream resolves subjects and enforces them; here tokens are not built.
    """
    if not world.authentication:
        off = Condition("AuthenticationEnabled", "False", "OIDCAuthenticationDisabled")
        return Plan(status={"conditions": conditions(TYPES, off)})
    text = f"the feature {OIDC} does not act here: use AuthorizationPolicies of the mesh"
    missing = Condition("AuthenticationEnabled", "False", "NotImplemented", text)
    return Plan(status={"conditions": conditions(TYPES, missing)})
