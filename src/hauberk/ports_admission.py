"""Admission steps that are built in: pure functions between defaulting and validation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from hauberk.base.refs import Json
from hauberk.ports import Snapshot

Operation = Literal["CREATE", "UPDATE", "DELETE"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One write as an admission step sees it."""

    kind: str  # kind name
    operation: Operation
    obj: Json | None  # None on DELETE
    old: Json | None  # None on CREATE
    namespace: str
    subresource: str
    user: str
    snapshot: Snapshot
    options: Json  # the cluster's options: {"strict": bool, "domain": str, …}


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """The object to go on with (None: unchanged) and Warnings for the client."""

    obj: dict[str, Any] | None = None
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Admission:
    """A row of the admission table. `admit` raises an ApiError to refuse the write."""

    name: str
    kinds: tuple[str, ...]
    operations: tuple[Operation, ...] = ("CREATE", "UPDATE")
    admit: Callable[[Request], Outcome]
    mutates: bool = False  # mutating steps run first, in table order
