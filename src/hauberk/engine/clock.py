"""The system's clock: the one place that asks the machine for the time."""

from __future__ import annotations

import asyncio
import time


class SystemClock:
    """Wall-clock and monotonic time of this machine (ports.Clock)."""

    def now(self) -> float:
        """Seconds since the epoch."""
        return time.time()  # noqa: TID251 - this is the Clock

    def monotonic(self) -> float:
        """Seconds that never go back."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds)
