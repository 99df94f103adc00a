"""What is wrong with one field of an object."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class FieldError:
    """One broken rule. `path` reads like `spec.traffic[0].percent`.

    `reason` is one of upstream's cause types (`FieldValueInvalid`, `FieldValueRequired`,
    `FieldValueDuplicate`, `FieldValueNotSupported`, `FieldValueForbidden`).
    """

    path: str
    message: str
    reason: str = "FieldValueInvalid"

    def under(self, prefix: str) -> FieldError:
        """The same error, seen from the parent of the object it was found in."""
        dot = "" if not self.path or self.path.startswith("[") else "."
        return replace(self, path=f"{prefix}{dot}{self.path}")

    def __str__(self) -> str:
        return f"{self.path}: {self.message}"


FieldErrors: TypeAlias = Iterator[FieldError]
