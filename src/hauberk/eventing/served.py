"""Conditions that mean "the data plane knows it": from what its processes acknowledged. Pure."""

from __future__ import annotations

from hauberk.base.conditions import Condition
from hauberk.events.roles import Acked


def served(type: str, role: str, acked: Acked | None, generation: int) -> Condition:  # noqa: A002
    """What the processes of a role say about an object of that generation.

    | acknowledged     | condition                |
    |------------------|--------------------------|
    | nothing          | Unknown, NotYetServed    |
    | an older one     | Unknown, NotYetServed    |
    | with a problem   | False, CannotBeServed    |
    | this one         | True                     |

    Deviation: upstream has no such answer; its condition only says that there are endpoints.
    """
    if acked is None or acked.generation < generation:
        return Condition(type, "Unknown", "NotYetServed", f"Waiting for {role} to take it.")
    if acked.problem:
        return Condition(type, "False", "CannotBeServed", f"{role}: {acked.problem}")
    return Condition(type, "True")
