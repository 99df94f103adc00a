"""One turn of the machine: the state as it changes, the actions asked for, and when to look again.

Lives inside one call of `machine.step` or `machine.after`; nothing keeps it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from .layout import Layout
from .model import Action, Health, PodState, Step, Unit
from .spec import Pod


class Turn:
    """A state under change."""

    def __init__(self, pod: Pod, layout: Layout, state: PodState, now: float) -> None:
        self.pod, self.layout, self.state, self.now = pod, layout, state, now
        self._actions: list[Action] = []
        self._wake_at: float | None = None

    def set(self, **changes: Any) -> None:
        """Change fields of the state."""
        self.state = replace(self.state, **changes)

    def put(self, name: str, unit: Unit) -> None:
        """Change one unit."""
        self.state = replace(self.state, units={**self.state.units, name: unit})

    def put_health(self, container: str, health: Health) -> None:
        """Change one container's health."""
        if self.state.health.get(container) != health:
            self.state = replace(self.state, health={**self.state.health, container: health})

    def do(self, action: Action) -> None:
        """Ask for an action."""
        self._actions.append(action)

    def wake(self, at: float) -> None:
        """Look again at that time (epoch s) at the latest."""
        self._wake_at = at if self._wake_at is None else min(at, self._wake_at)

    def reached(self, at: float) -> bool:
        """Whether that time has come; asks to be woken when it comes otherwise."""
        if self.now >= at:
            return True
        self.wake(at)
        return False

    def done(self) -> Step:
        """The result."""
        return Step(self.state, tuple(self._actions), self._wake_at)
