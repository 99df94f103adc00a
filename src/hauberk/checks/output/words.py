"""Words that several forms need."""

from __future__ import annotations


def counted(number: int, noun: str) -> str:
    """`1 object`, `2 objects`; `info` has no plural."""
    return f"{number} {noun}" if number == 1 or noun == "info" else f"{number} {noun}s"
