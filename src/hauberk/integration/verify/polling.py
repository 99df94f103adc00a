"""Asking again until an answer will do."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")
PAUSE_S = 0.2


async def until(
    ask: Callable[[], Awaitable[T]], holds: Callable[[T], bool], within_s: float
) -> tuple[T, bool]:
    """The first answer that holds, or the last one of `within_s` seconds; and whether it holds."""
    deadline = time.monotonic() + within_s
    while True:
        answer = await ask()
        if holds(answer) or time.monotonic() > deadline:
            return answer, holds(answer)
        await asyncio.sleep(PAUSE_S)
