"""Regular expressions of schemas, which upstream reads as RE2.

Guarantees: what RE2 refuses for its syntax (look-around, back references) is refused; what only
RE2 knows is matched by RE2 itself.
Source: apiextensions-apiserver pkg/apiserver/schema/validation.go (`pattern`).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache

from hauberk.apiserver import cel
from hauberk.kinds.istio_networking.regex import problem_of

Match = Callable[[str], bool]


def problem(pattern: str) -> str:
    """Why RE2 refuses a pattern; empty when it takes it."""
    if not problem_of(pattern):
        return ""
    found = cel.regex_problem(pattern)  # that was a guess without RE2, which takes its time to load
    return f"error parsing regexp: {found}" if found else ""


@lru_cache(maxsize=4096)
def matcher(pattern: str) -> Match:
    """Whether a text holds the pattern."""
    try:
        search = re.compile(pattern.replace(r"\z", r"\Z"), re.ASCII).search
    except re.error:
        return cel.regex(pattern)
    return lambda text: search(text) is not None
