"""The status that knative's operator gives its components. Pure.

Source: knative/operator pkg/apis/operator/v1beta1/knativeserving_lifecycle.go (conditions, messages).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from hauberk.base.conditions import Condition, ready
from hauberk.base.refs import Json
from hauberk.operators.names import KNATIVE_VERSION
from hauberk.operators.objects import is_available


def make_status(
    wanted: Iterable[Json], found: Mapping[tuple[str, str], Json], extra: Iterable[Condition] = ()
) -> dict[str, Any]:
    """Fold the Deployments into DeploymentsAvailable, and all into Ready.

    `found` is by namespace and name; `extra` are further conditions, counted unless they have a severity.
    """
    waiting = [
        d["metadata"]["name"]
        for d in wanted
        if not is_available(found.get((d["metadata"]["namespace"], d["metadata"]["name"])))
    ]
    available = (
        Condition(
            "DeploymentsAvailable", "False", "NotReady", f"Waiting on deployments: {', '.join(waiting)}"
        )
        if waiting
        else Condition("DeploymentsAvailable", "True")
    )
    parts = [
        Condition("DependenciesInstalled", "True"),
        available,
        Condition("InstallSucceeded", "True"),
        Condition("VersionMigrationEligible", "True"),
        *extra,
    ]
    conditions = sorted([*parts, ready(parts)], key=lambda c: c.type)
    return {"version": KNATIVE_VERSION, "conditions": [c.as_json() for c in conditions]}


def make_refusal(message: str) -> dict[str, Any]:
    """The status of a component that is not installed."""
    failed = Condition("InstallSucceeded", "False", "Error", f"Install failed with message: {message}")
    return {"conditions": [c.as_json() for c in (failed, ready([failed]))]}
