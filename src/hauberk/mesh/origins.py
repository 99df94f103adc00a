"""Which stored rules a thing was made from, so that a refusal can be told to the rule behind it. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from hauberk.base.refs import Json, Ref, ref_of


@dataclass(frozen=True, slots=True, order=True)
class Origin:
    """One rule as it stood at one time. A change of its status makes no new one."""

    ref: Ref
    version: str  # UID/GENERATION


def origin_of(raw: Json) -> Origin:
    """The rule as it stands."""
    meta = raw["metadata"]
    return Origin(ref_of(raw), f"{meta.get('uid', '')}/{meta.get('generation', 0)}")


def distinct(origins: Iterable[Origin | None]) -> tuple[Origin, ...]:
    """Each once, in order, without the gaps."""
    return tuple(dict.fromkeys(o for o in origins if o is not None))
