"""A byte stream both ways: what is left of an HTTP connection after its upgrade."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeAlias


class Connection(Protocol):
    """Bytes that nobody interprets."""

    async def read(self) -> bytes:
        """What arrived, at least one byte; nothing when the other side has gone."""

    async def write(self, data: bytes) -> None:
        """Send; waits while the other side does not read. Sending to one that is gone is lost."""

    def close(self) -> None:
        """End it."""


Take: TypeAlias = Callable[[], Connection]
"""Takes the connection away from HTTP; nothing has been answered yet."""
TAKE = "hauberk.take"
"""The key of a `Take` among an ASGI scope's extensions."""
