"""Knative Eventing: brokers, triggers, channels, subscriptions, and what their processes are told.

`controllers(…)` is given what a decision cannot know by itself: what the processes of the data plane
acknowledged. `ROLES` are the processes, each with its contract.
"""

from __future__ import annotations

from typing import Any

from hauberk.engine.plan import Controller
from hauberk.eventing import admission, flows, sources
from hauberk.eventing.broker import controller as broker
from hauberk.eventing.channel import controller as channel
from hauberk.eventing.contract import brokerfilter, dispatcher, ingress
from hauberk.eventing.eventpolicy import controller as eventpolicy
from hauberk.eventing.eventtype import controller as eventtype
from hauberk.eventing.inmemorychannel import controller as inmemorychannel
from hauberk.eventing.istio import controller as istio
from hauberk.eventing.jobsink import contract as jobs
from hauberk.eventing.jobsink import controller as jobsink
from hauberk.eventing.subscribers import controller as subscribers
from hauberk.eventing.subscription import controller as subscription
from hauberk.eventing.trigger import controller as trigger
from hauberk.events.roles import Role, Serves, serves_all

__all__ = ["ADMISSION", "CONTROLLERS", "ROLES", "controllers"]


def controllers(
    *, serves: Serves = serves_all, allows: sources.Allows | None = None
) -> tuple[Controller[Any], ...]:
    """All rows. `serves` knows what the processes of a role acknowledged, `allows` is RBAC's answer."""
    return (
        broker.controller(serves),
        trigger.controller(serves),
        channel.CONTROLLER,
        inmemorychannel.controller(serves),
        subscription.CONTROLLER,
        *subscribers.CONTROLLERS,
        eventtype.CONTROLLER,
        eventpolicy.CONTROLLER,
        istio.CONTROLLER,
        *flows.CONTROLLERS,
        *sources.controllers(serves, allows),
        jobsink.controller(serves),
    )


CONTROLLERS = controllers()
ROLES: tuple[Role, ...] = (ingress.ROLE, brokerfilter.ROLE, dispatcher.ROLE, *sources.ROLES, jobs.ROLE)
ADMISSION = (*admission.ADMISSION, *sources.ADMISSION)
