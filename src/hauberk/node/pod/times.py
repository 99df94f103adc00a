"""Times of a pod's status: epoch seconds to RFC 3339 and back, and a terminated state as a record. Pure."""

from __future__ import annotations

from typing import Any

from hauberk.base.refs import Json
from hauberk.base.times import epoch, rfc3339

from .model import Ended


def stamp(at: float | None) -> str:
    """Whole seconds in UTC, as metav1.Time; the epoch when unknown, as the kubelet writes it."""
    return rfc3339(at or 0)


def parse_stamp(text: str | None) -> float | None:
    """Epoch seconds; None for nothing or nonsense."""
    if not text:
        return None
    try:
        return epoch(text)
    except ValueError:
        return None


def terminated_of(ended: Ended) -> dict[str, Any]:
    """A `terminated` state."""
    row: dict[str, Any] = {
        "exitCode": ended.code,
        "reason": ended.reason,
        "startedAt": stamp(ended.started_at),
        "finishedAt": stamp(ended.finished_at),
    }
    if ended.message:
        row["message"] = ended.message
    if ended.container_id:
        row["containerID"] = ended.container_id
    return row


def ended_of(row: Json | None) -> Ended | None:
    """The record behind a `terminated` state."""
    if not row:
        return None
    return Ended(
        code=int(row.get("exitCode") or 0),
        finished_at=parse_stamp(row.get("finishedAt")) or 0.0,
        started_at=parse_stamp(row.get("startedAt")),
        reason=str(row.get("reason") or "Error"),
        message=str(row.get("message") or ""),
        container_id=str(row.get("containerID") or ""),
    )
