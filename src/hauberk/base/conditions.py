"""Status conditions: making them, folding them into Ready, keeping their transition times."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from hauberk.base.refs import Json

Truth = Literal["True", "False", "Unknown"]


@dataclass(frozen=True, slots=True)
class Condition:
    """One row of `status.conditions`, without its transition time (the engine's business).

    `severity` follows knative.dev/pkg: empty is Error and counts for Ready; `Info` does not.
    """

    type: str
    status: Truth
    reason: str = ""
    message: str = ""
    severity: Literal["", "Info", "Warning"] = ""

    def as_json(self) -> dict[str, Any]:
        """The condition as it stands in a status; empty strings are left out."""
        row = {"type": self.type, "status": self.status}
        extra = {"reason": self.reason, "message": self.message, "severity": self.severity}
        return {**row, **{k: v for k, v in extra.items() if v}}


def ready(parts: Iterable[Condition], type: str = "Ready") -> Condition:  # noqa: A002
    """Fold parts into one condition.

    | any part False | any part Unknown | result                             |
    |----------------|------------------|------------------------------------|
    | yes            | -                | False, that part's reason          |
    | no             | yes              | Unknown, that part's reason        |
    | no             | no               | True                               |

    Parts with a severity are informational and do not count.
    Source: knative.dev/pkg apis/condition_set.go, recomputeHappiness.
    """
    counted = [p for p in parts if not p.severity]
    for status in ("False", "Unknown"):
        for part in counted:
            if part.status == status:
                return Condition(type, part.status, part.reason, part.message)
    return Condition(type, "True")


def condition(obj: Json | None, type: str) -> Json | None:  # noqa: A002
    """The condition of that type in a raw object's status, or None."""
    for row in ((obj or {}).get("status") or {}).get("conditions") or ():
        if row.get("type") == type:
            found: Json = row
            return found
    return None


def is_true(obj: Json | None, type: str = "Ready") -> bool:  # noqa: A002
    """Whether the object reports the condition as True for its current generation."""
    row = condition(obj, type)
    if obj is None or row is None or row.get("status") != "True":
        return False
    observed = (obj.get("status") or {}).get("observedGeneration")
    return observed is None or observed == obj["metadata"].get("generation", observed)


def with_times(wanted: Sequence[Json], stored: Sequence[Json], now: str) -> list[dict[str, Any]]:
    """`wanted` with `lastTransitionTime`: kept while the status stays, `now` when it changes.

    `now` is RFC 3339. A wanted condition that brings a time of its own keeps it.
    """
    before = {c.get("type"): c for c in stored}
    out = []
    for row in wanted:
        old = before.get(row["type"])
        kept = old.get("lastTransitionTime") if old and old["status"] == row["status"] else None
        out.append({"lastTransitionTime": kept or now, **row})
    return out
