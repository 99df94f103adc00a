"""From an Integration to the stages of its procedure, one module for each profile."""

from __future__ import annotations

from collections.abc import Callable

from hauberk.integration.model import Integration, Profile
from hauberk.integration.profiles import kubernetes, sm2, sm3
from hauberk.integration.profiles.steps import make_service
from hauberk.integration.stages import Stage

PROFILES: dict[Profile, Callable[[Integration], tuple[Stage, ...]]] = {
    "sm2": sm2.stages,
    "sm3": sm3.stages,
    "kubernetes": kubernetes.stages,
}


def stages(wanted: Integration) -> tuple[Stage, ...]:
    """Every object of the procedure, in the order of application."""
    return PROFILES[wanted.profile](wanted)


__all__ = ["PROFILES", "make_service", "stages"]
