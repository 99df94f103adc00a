"""Who shows a command's progress, step by step."""

from __future__ import annotations

from typing import Protocol


class Teller(Protocol):
    """Shows steps as they begin and end. One step at a time."""

    def start(self, what: str) -> None:
        """A step begins."""

    def done(self, detail: str = "") -> None:
        """The step that began last is done."""

    def failed(self, detail: str = "") -> None:
        """The step that began last did not hold."""


class Quiet:
    """A teller that says nothing."""

    def start(self, what: str) -> None:
        """Nothing."""

    def done(self, detail: str = "") -> None:
        """Nothing."""

    def failed(self, detail: str = "") -> None:
        """Nothing."""
