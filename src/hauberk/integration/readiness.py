"""Whether an object is as ready as its stage wants it: pure verdicts over what the cluster says."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from hauberk.base.conditions import condition
from hauberk.base.refs import Json, is_deleting
from hauberk.integration.stages import Ready


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether it holds, and what is seen: a few words for the line of progress."""

    holds: bool
    seen: str = ""


def judge(wanted: Ready, obj: Json | None) -> Verdict:
    """What `Ready.condition` says of the object.

    | object                         | `exists` | other                                              |
    |--------------------------------|----------|----------------------------------------------------|
    | absent                         | no       | no                                                 |
    | being deleted                  | no       | no                                                 |
    | status of an older generation  | yes      | no                                                 |
    | else                           | yes      | by its replicas, members or condition              |
    """
    if obj is None:
        return Verdict(False, "it is not there")
    if is_deleting(obj):
        return Verdict(False, "it is being deleted")
    match wanted.condition:
        case "exists":
            return Verdict(True)
        case "available":
            return _available(obj)
        case "configured":
            return _configured(obj)
        case name:
            return _condition(obj, name)


def is_silent(obj: Json | None) -> bool:
    """Whether no controller has said a word about the object: its status is empty."""
    return obj is not None and not obj.get("status")


def not_true(obj: Json | None) -> tuple[str, ...]:
    """The conditions that do not hold, each as `Type=Status Reason: message`."""
    rows: Iterable[Json] = ((obj or {}).get("status") or {}).get("conditions") or ()
    return tuple(_told(row) for row in rows if row.get("status") != "True" and row.get("severity") != "Info")


def _available(obj: Json) -> Verdict:
    if (behind := _behind(obj)) is not None:
        return behind
    wanted = int((obj.get("spec") or {}).get("replicas", 1))
    status = obj.get("status") or {}
    updated, there = int(status.get("updatedReplicas") or 0), int(status.get("availableReplicas") or 0)
    return Verdict(updated >= wanted and there >= wanted, f"{min(updated, there)} of {wanted} available")


def _configured(obj: Json) -> Verdict:
    members = tuple((obj.get("spec") or {}).get("members") or ())
    done = tuple((obj.get("status") or {}).get("configuredMembers") or ())
    missing = [m for m in members if m not in done]
    if missing:
        return Verdict(False, f"not configured: {', '.join(missing)}")
    return _behind(obj) or Verdict(True, f"{len(members)} members")


def _condition(obj: Json, name: str) -> Verdict:
    if (behind := _behind(obj)) is not None:
        return behind
    row = condition(obj, name)
    if row is None:
        return Verdict(False, "its status is empty" if is_silent(obj) else f"no condition {name}")
    return Verdict(row.get("status") == "True", "" if row.get("status") == "True" else _told(row))


def _behind(obj: Json) -> Verdict | None:
    observed = (obj.get("status") or {}).get("observedGeneration")
    generation = obj["metadata"].get("generation")
    if observed is None or generation is None or observed >= generation:
        return None
    return Verdict(False, f"its controller has seen generation {observed} of {generation}")


def _told(row: Json) -> str:
    why = ": ".join(part for part in (row.get("reason", ""), row.get("message", "")) if part)
    return f"{row.get('type')}={row.get('status')}" + (f" {why}" if why else "")
