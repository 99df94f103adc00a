"""Wiring of the EventPolicy controller."""

from __future__ import annotations

from hauberk.base.refs import Ref
from hauberk.engine.plan import Controller
from hauberk.eventing.config.reading import FEATURES, data_of, is_enabled, wakes_all
from hauberk.eventing.eventpolicy.plan import World, plan
from hauberk.eventing.names import EVENT_POLICY, OIDC
from hauberk.kinds.eventing.addressable import ref_of_reference
from hauberk.ports import Snapshot


def observe(snapshot: Snapshot, ref: Ref) -> World | None:
    """Read one EventPolicy and the senders that it names."""
    policy = snapshot.get(ref)
    if policy is None:
        return None
    rows = enumerate((policy.get("spec") or {}).get("from") or ())
    return World(
        policy=policy,
        authentication=is_enabled(data_of(snapshot, FEATURES), OIDC),
        senders={
            i: snapshot.get(ref_of_reference(row["ref"], ref.namespace)) for i, row in rows if row.get("ref")
        },
    )


CONTROLLER: Controller[World] = Controller(
    name="eventpolicy",
    kind=EVENT_POLICY,
    wakes={"ConfigMap": wakes_all(EVENT_POLICY, FEATURES)},
    observe=observe,
    plan=plan,
)
