"""Kubernetes quantities and Go durations as numbers."""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation

_SUFFIX = {
    "n": Decimal("1e-9"), "u": Decimal("1e-6"), "m": Decimal("1e-3"), "": Decimal(1),
    "k": Decimal(10**3), "M": Decimal(10**6), "G": Decimal(10**9), "T": Decimal(10**12),
    "P": Decimal(10**15), "E": Decimal(10**18),
    "Ki": Decimal(2**10), "Mi": Decimal(2**20), "Gi": Decimal(2**30), "Ti": Decimal(2**40),
    "Pi": Decimal(2**50), "Ei": Decimal(2**60),
}  # fmt: skip
_QUANTITY = re.compile(r"([+-]?[0-9.]+(?:[eE][+-]?[0-9]+)?)([numkMGTPE]?i?)")
_UNIT_S = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
_PART = re.compile(r"([0-9]*\.?[0-9]+)(ns|us|µs|ms|s|m|h)")


def parse_quantity(text: str | int | float) -> Decimal:
    """`"500m"` → 0.5, `"1Gi"` → 1073741824. Raises ValueError."""
    match = _QUANTITY.fullmatch(str(text).strip())
    if match is None or match[2] not in _SUFFIX:
        raise ValueError(f"not a quantity: {text!r}")
    try:
        return Decimal(match[1]) * _SUFFIX[match[2]]
    except InvalidOperation:
        raise ValueError(f"not a quantity: {text!r}") from None


def parse_duration_s(text: str) -> float:
    """Seconds in a Go duration such as `"1m30s"`, `"0.5s"`, `"0"`. Raises ValueError."""
    body = text.removeprefix("-")
    if body == "0":
        return 0.0
    if not body or _PART.sub("", body):
        raise ValueError(f"not a duration: {text!r}")
    total = sum(float(n) * _UNIT_S[unit] for n, unit in _PART.findall(body))
    return -total if text.startswith("-") else total
