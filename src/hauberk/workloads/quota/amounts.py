"""Quantities added up, and written as Kubernetes writes them. Pure.

Source: kubernetes apimachinery pkg/api/resource/quantity.go (CanonicalizeBytes).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from hauberk.base.quantities import parse_quantity

_BINARY = ("", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei")
_DECIMAL = ("", "k", "M", "G", "T", "P", "E")


@dataclass
class Amounts:
    """Sums by resource name. `binary`: written with Ki, Mi, … as the first summand was."""

    values: dict[str, Decimal] = field(default_factory=dict)
    binary: set[str] = field(default_factory=set)

    def add(self, name: str, text: Any = "1") -> None:
        """Add a quantity."""
        value = Decimal(str(parse_quantity(str(text))))
        self.values[name] = self.values.get(name, Decimal(0)) + value
        if str(text).endswith("i"):
            self.binary.add(name)

    def merge(self, other: Amounts) -> None:
        """Add all of another."""
        for name, value in other.values.items():
            self.values[name] = self.values.get(name, Decimal(0)) + value
        self.binary |= other.binary

    def text(self, name: str, *, binary: bool = False) -> str:
        """The sum as Kubernetes writes it."""
        return written(self.values.get(name, Decimal(0)), binary=binary or name in self.binary)


def written(value: Decimal, *, binary: bool = False) -> str:
    """`Decimal("0.15")` → `150m`; 1000 → `1k`; binary: 67108864 → `64Mi`."""
    if value != value.to_integral_value():
        milli = (value * 1000).to_integral_value(rounding="ROUND_CEILING")
        return f"{int(milli)}m"
    number, step, names = int(value), 1024 if binary else 1000, _BINARY if binary else _DECIMAL
    power = 0
    while number and number % step == 0 and power < len(names) - 1:
        number, power = number // step, power + 1
    return f"{number}{names[power]}"


def total(rows: Iterable[Mapping[str, Any]]) -> Amounts:
    """The sum of resource lists."""
    out = Amounts()
    for row in rows:
        for name, text in row.items():
            out.add(name, text)
    return out


def largest(first: Amounts, rows: Iterable[Mapping[str, Any]]) -> Amounts:
    """`first`, or more where one of the lists alone has more (init containers run one by one)."""
    for row in rows:
        for name, text in row.items():
            value = Decimal(str(parse_quantity(str(text))))
            if value > first.values.get(name, Decimal(0)):
                first.values[name] = value
                first.binary |= {name} if str(text).endswith("i") else set()
    return first


def pod_amounts(spec: Mapping[str, Any], section: str) -> Amounts:
    """What a pod asks for (`requests`) or may use (`limits`)."""

    def of(container: Mapping[str, Any]) -> Mapping[str, Any]:
        found: Mapping[str, Any] = (container.get("resources") or {}).get(section) or {}
        return found

    inits = spec.get("initContainers") or ()
    lasting = [c for c in inits if c.get("restartPolicy") == "Always"]
    once = [c for c in inits if c.get("restartPolicy") != "Always"]
    running = total(of(c) for c in (*lasting, *(spec.get("containers") or ())))
    return largest(running, map(of, once))
