"""A role of the data plane as a row: what its contract says and who hears that it is served."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from hauberk.events.contract import Resource
from hauberk.ports import Snapshot

LABEL = "hauberk.dev/role"
"""The label of the pods that take a role's contract."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Role:
    """One kind of process. `resources` is pure; `reads` are the kinds that it looks at.

    `wakes` says which controller looks at an object again when what is served of it changed: kind → name.
    `restless`: what it serves changes without a new contract (Kafka comes and goes), so it is asked again.
    """

    name: str
    resources: Callable[[Snapshot], tuple[Resource, ...]]
    reads: tuple[str, ...]
    wakes: Mapping[str, str] = field(default_factory=dict)
    settings: Callable[[Snapshot], Mapping[str, object]] = lambda _: {}
    restless: bool = False


@dataclass(frozen=True, slots=True)
class Acked:
    """What every ready process of a role acknowledged about one object."""

    generation: int
    problem: str = ""  # what of it cannot be served


Serves: TypeAlias = Callable[[str, str], Acked | None]
"""From a role and the uid of a resource or egress to what is served of it; None: not every ready process of
the role serves it, or there is none."""


def serves_all(role: str, uid: str) -> Acked | None:  # noqa: ARG001 - a Serves
    """The plain answer: everything is served."""
    return Acked(generation=2**62)
