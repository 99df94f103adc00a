"""Wiring of the EventPolicy controller."""

from __future__ import annotations

from hauberk.base.refs import Ref
from hauberk.engine.plan import Controller
from hauberk.eventing.config.reading import FEATURES, data_of, is_enabled, wakes_all
from hauberk.eventing.eventpolicy.plan import World, plan
from hauberk.eventing.names import EVENT_POLICY, OIDC
from hauberk.ports import Snapshot


def observe(snapshot: Snapshot, ref: Ref) -> World | None:
    """Read one EventPolicy and the features."""
    policy = snapshot.get(ref)
    if policy is None:
        return None
    return World(policy=policy, authentication=is_enabled(data_of(snapshot, FEATURES), OIDC))


CONTROLLER: Controller[World] = Controller(
    name="eventpolicy",
    kind=EVENT_POLICY,
    wakes={"ConfigMap": wakes_all(EVENT_POLICY, FEATURES)},
    observe=observe,
    plan=plan,
)
