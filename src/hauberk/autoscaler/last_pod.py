"""What happens to the last pod of an idle revision. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

Phase: TypeAlias = Literal["activating", "active", "inactive"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Idle:
    """An idle revision (demand 0) at one instant. All times in seconds."""

    allowed: bool  # config-autoscaler: enable-scale-to-zero
    phase: Phase
    phase_age: float
    activation_timeout: float
    stable_window: float
    grace: float  # traffic needs this long to move to the activator
    retention: float  # hard minimum after going inactive
    proxied_for: float  # how long the activator has been in the path
    activator_answers: bool | None  # None: not asked yet; True if it is always in the path


@dataclass(frozen=True, slots=True)
class Drop:
    """Scale to 0."""


@dataclass(frozen=True, slots=True)
class Keep:
    """Stay at 1; look again after this many seconds."""

    retry_after: float | None


@dataclass(frozen=True, slots=True)
class GoInactive:
    """Keep the pod, send traffic through the activator."""


@dataclass(frozen=True, slots=True)
class AskActivator:
    """The activator must be in the path first; its Endpoints wake the revision."""


Step: TypeAlias = Drop | Keep | GoInactive | AskActivator


def next_step(idle: Idle) -> Step:
    """Choose what happens to the last pod.

    Source: knative/serving pkg/reconciler/autoscaling/kpa/scaler.go, handleScaleToZero.
    Deviation: an activation fails at its timeout, upstream strictly after it; a wait ends when the first of
    the two grace periods does, upstream waits for `proxied_for` only.
    """
    if not idle.allowed:
        return Keep(None)
    match idle.phase:
        case "activating":
            left = idle.activation_timeout - idle.phase_age
            return Drop() if left <= 0 else Keep(left)
        case "active":
            left = idle.stable_window - idle.phase_age
            return GoInactive() if left <= 0 else Keep(left)
        case "inactive":
            if not idle.activator_answers:
                return AskActivator()
            left = max(
                idle.retention - idle.phase_age,
                min(idle.grace - idle.phase_age, idle.grace - idle.proxied_for),
            )
            return Drop() if left <= 0 else Keep(left)
