"""`matchConditions`: CEL expressions that all must hold before a webhook or policy is asked.

Source: apiserver pkg/admission/plugin/webhook/matchconditions/matcher.go.
Deviation: `authorizer` is not there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from hauberk.apiserver import cel
from hauberk.apiserver.webhooks.attempt import Attempt, request_of
from hauberk.base.refs import Json

VARIABLES = ("namespaceObject", "object", "oldObject", "params", "request", "variables")


class Broken(Exception):
    """A condition has no value."""


def seen_by(attempt: Attempt, version: str) -> dict[str, Any]:
    """The variables of expressions."""
    request = request_of(attempt, version, "")
    shown = {"object": request.pop("object"), "oldObject": request.pop("oldObject")}
    return {**shown, "request": request, "params": None, "namespaceObject": None, "variables": {}}


def hold(conditions: Iterable[Json], variables: Mapping[str, Any]) -> bool:
    """Whether all conditions hold; one that does not counts more than one that breaks. Broken."""
    broken: list[str] = []
    for row in conditions:
        try:
            if cel.program(row["expression"], VARIABLES)(variables) is not True:
                return False
        except (cel.Refused, cel.Failed) as error:
            broken.append(f"expression '{row['expression']}' resulted in error: {error}")
    if broken:
        raise Broken(", ".join(broken))
    return True
