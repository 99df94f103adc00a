"""The sources: where events begin. One folder per kind.

`controllers(…)` is given what a decision cannot know by itself: what the processes acknowledged, and what
RBAC lets an account do.
"""

from __future__ import annotations

from typing import Any

from hauberk.engine.plan import Controller
from hauberk.eventing.sources.apiserversource import controller as apiserversource
from hauberk.eventing.sources.apiserversource.watched import Allows
from hauberk.eventing.sources.containersource import controller as containersource
from hauberk.eventing.sources.pingsource import contract as ping
from hauberk.eventing.sources.pingsource import controller as pingsource
from hauberk.eventing.sources.sinkbinding import controller as sinkbinding
from hauberk.eventing.sources.sinkbinding.admission import ADMISSION
from hauberk.events.roles import Role, Serves

__all__ = ["ADMISSION", "ROLES", "Allows", "controllers"]


def controllers(serves: Serves, allows: Allows | None) -> tuple[Controller[Any], ...]:
    """All rows. Without `allows` ApiServerSources say that nobody checks their permissions."""
    return (
        pingsource.controller(serves),
        apiserversource.controller(allows),
        containersource.CONTROLLER,
        sinkbinding.CONTROLLER,
    )


ROLES: tuple[Role, ...] = (ping.ROLE,)
