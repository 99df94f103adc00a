"""Whether an object keeps the rules of its schema; on update, only what changed can be wrong.

Source: apiextensions-apiserver pkg/apiserver/validation/ratcheting.go (KEP-4008);
pkg/registry/customresource/strategy.go.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cached_property
from typing import Any

from hauberk.apiserver.crd import celrules, values
from hauberk.base.fields import FieldError
from hauberk.base.refs import Json

_STEP = re.compile(r"[^.\[\]]+")
_NOT_CHECKED = FieldError(
    "<nil>",
    'Invalid value: "null": some validation rules were not checked because the object was invalid; '
    "correct the existing errors to complete validation",
)


class Checker:
    """The rules of one schema, compiled when first used."""

    def __init__(self, schema: Json) -> None:
        self._schema = schema

    @cached_property
    def _structure(self) -> values.Check:
        return values.compiled(self._schema)

    @cached_property
    def _rules(self) -> celrules.Judge | None:
        return celrules.judge_of(self._schema)

    def __call__(self, new: Json, old: Json | None) -> list[FieldError]:
        """What is wrong with an object."""
        errors: list[FieldError] = []
        self._structure(new, "", errors)
        if old is not None:
            errors = [e for e in errors if not _unchanged(e, new, old)]
        if self._rules is None:
            return errors
        if errors:
            return [*errors, _NOT_CHECKED]
        return list(self._rules(new, old, old is not None, ""))


def _unchanged(error: FieldError, new: Json, old: Json) -> bool:
    """Whether what an error is about was there before."""
    steps = _STEP.findall(error.path)
    if error.reason == "FieldValueRequired":
        steps = steps[:-1]  # it is about the parent
    return bool(steps) and _at(new, steps) == _at(old, steps)


def _at(value: Any, steps: list[str]) -> Any:
    for step in steps:
        if isinstance(value, Mapping):
            value = value.get(step)
        elif isinstance(value, list) and step.isdecimal() and int(step) < len(value):
            value = value[int(step)]
        else:
            return None
    return value
