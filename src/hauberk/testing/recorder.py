"""A recorder that keeps what it is told."""

from __future__ import annotations

from typing import Literal

from hauberk.base.refs import Json, Ref, ref_of


class KeptEvents:
    """ports.Recorder: `seen` holds (object, reason, message)."""

    def __init__(self) -> None:
        self.seen: list[tuple[Ref, str, str]] = []

    def event(
        self,
        about: Json,
        reason: str,
        message: str,
        *,
        type: Literal["Normal", "Warning"] = "Normal",  # noqa: A002
        component: str = "hauberk",
    ) -> None:
        """Keep it."""
        _ = type, component
        self.seen.append((ref_of(about), reason, message))
