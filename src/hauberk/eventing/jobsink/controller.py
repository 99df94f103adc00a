"""Wiring of the JobSink controller."""

from __future__ import annotations

from hauberk.base.refs import Ref
from hauberk.engine.plan import Controller
from hauberk.eventing.config.reading import FEATURES, wakes_all
from hauberk.eventing.jobsink.plan import ROLE, World, plan
from hauberk.eventing.names import EVENT_POLICY
from hauberk.eventing.policies import policies_for, policies_ready, wake_for_policy
from hauberk.events.roles import Serves
from hauberk.kinds.eventing.job_sink import KIND
from hauberk.ports import Snapshot


def controller(serves: Serves) -> Controller[World]:
    """The row. `serves` knows what the job-sink acknowledged."""

    def observe(snapshot: Snapshot, ref: Ref) -> World | None:
        sink = snapshot.get(ref)
        if sink is None:
            return None
        ready, applied = policies_ready(policies_for(sink, snapshot), snapshot)
        acked = serves(ROLE, sink["metadata"]["uid"])
        return World(sink=sink, acked=acked, policies=ready, applied=applied)

    return Controller(
        name="jobsink",
        kind=KIND.id,
        wakes={EVENT_POLICY: wake_for_policy(KIND.id), "ConfigMap": wakes_all(KIND.id, FEATURES)},
        observe=observe,
        plan=plan,
    )
