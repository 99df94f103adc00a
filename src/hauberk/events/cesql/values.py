r"""The three types of CESQL, the casts between them, and how an evaluation fails.

| to \ from | String                   | Integer     | Boolean           |
|-----------|--------------------------|-------------|-------------------|
| String    |                          | decimal     | `true` or `false` |
| Integer   | decimal, else cast error |             | 1 or 0            |
| Boolean   | true/false in any case   | 0 is false  |                   |

Source: sdk-go sql/v2/utils/casting.go; cesql_tck/casting_functions.yaml.
"""

from __future__ import annotations

import re

Value = bool | int | str
_INTEGER = re.compile(r"[+-]?[0-9]+")
SMALLEST, LARGEST = -(2**31), 2**31 - 1


class Failure(Exception):
    """An error of an evaluation: its kind in the words of the TCK, and what its node returns all the same."""

    def __init__(self, kind: str, text: str, value: Value | None = None) -> None:
        super().__init__(text)
        self.kind, self.value = kind, value


def to_string(value: Value) -> str:
    """Always defined."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def to_integer(value: Value) -> int:
    """Raises Failure `cast`."""
    if isinstance(value, (bool, int)):
        return int(value)
    if _INTEGER.fullmatch(value) and SMALLEST <= int(value) <= LARGEST:
        return int(value)
    raise Failure("cast", f"cannot cast from String to Integer: {value!r}")


def to_boolean(value: Value) -> bool:
    """Raises Failure `cast`."""
    if isinstance(value, (bool, int)):
        return bool(value)
    lower = value.lower()
    if lower in ("true", "false"):
        return lower == "true"
    raise Failure("cast", f"cannot cast String to Boolean, actual value: {value}")


def like(value: Value, wanted: Value) -> Value:
    """`value` cast to the type of `wanted`. Raises Failure `cast`."""
    if isinstance(wanted, bool):
        return to_boolean(value)
    if isinstance(wanted, int):
        return to_integer(value)
    return to_string(value)


def wrapped(number: int) -> int:
    """Two's complement of 32 bits, as Go's int32 arithmetic."""
    return (number + 2**31) % 2**32 - 2**31
