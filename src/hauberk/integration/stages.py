"""The steps of the procedure as values: what to apply, in which order, and what to wait for.

A profile makes stages; rendering, planning, installing and uninstalling read them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from hauberk.base.refs import Json, Ref


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """What must be true of an object before the next stage begins.

    | `condition`        | holds when                                                             |
    |--------------------|------------------------------------------------------------------------|
    | `exists`           | the object is there                                                    |
    | `available`        | a Deployment has all replicas updated and available                    |
    | `configured`       | a ServiceMeshMemberRoll lists every member of its spec as configured    |
    | a condition's type | `status.conditions` has it, `True`, for the object's own generation    |
    """

    ref: Ref
    condition: str
    within_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """One step of the procedure.

    `objects` are complete and in the order of their application. `shared` names those of them that
    belong to somebody else (a member's Namespace): we add fields to them, and uninstalling takes
    only these fields away. `secrets` names Secrets that hold keys: they are made from files beside
    `hauberk.yaml`, never rendered, and stand before `objects`.
    """

    name: str  # of its file and of its line of progress: `20-control-plane`
    title: str  # what a person reads
    why: str  # the document's reason, for the rendered comment
    objects: tuple[Json, ...]
    ready: tuple[Ready, ...] = ()
    shared: frozenset[Ref] = frozenset()
    secrets: tuple[Ref, ...] = ()


def objects_of(stages: Iterable[Stage]) -> tuple[Json, ...]:
    """Every object of the stages, in the order of their application."""
    return tuple(obj for stage in stages for obj in stage.objects)
