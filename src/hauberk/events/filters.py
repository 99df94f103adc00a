"""Which events pass: the filter dialects of Triggers, EventPolicies and sources, compiled to one function.

| dialect                  | passes when                                                                     |
|--------------------------|---------------------------------------------------------------------------------|
| `attributes: {name: v}`  | every attribute is there and equal; an empty value only asks for the attribute  |
| `exact: {name: v}`       | every attribute equals its value                                                |
| `prefix`, `suffix`       | every attribute starts (ends) with its value                                    |
| `all`, `any`: [filters]  | all (at least one) of them pass; an empty list passes                           |
| `not: filter`            | the filter does not pass                                                        |
| `cesql: text`            | the expression is true, and raised no error                                     |

Source: knative/eventing pkg/eventfilter/{attributes,subscriptionsapi}; CloudEvents Subscriptions API 3.2.4.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from hauberk.events import cesql
from hauberk.events.event import Event

Filter = Callable[[Event], bool]


class FilterError(ValueError):
    """A filter that cannot be compiled. `path` is where in the list of filters, `text` why."""

    def __init__(self, path: str, text: str) -> None:
        super().__init__(f"{path}: {text}" if path else text)
        self.path, self.text = path, text


def compile(filters: Sequence[Mapping[str, Any]], path: str = "filters") -> Filter:  # noqa: A001
    """One function for a list of filters, all of which must pass. Raises FilterError."""
    compiled = _each(filters, path)
    if not compiled:
        return _everything
    if len(compiled) == 1:
        return compiled[0]
    return lambda event: all(f(event) for f in compiled)


def _everything(event: Event) -> bool:  # noqa: ARG001
    return True


def _each(filters: Any, path: str) -> list[Filter]:
    if not isinstance(filters, Sequence) or isinstance(filters, str):
        raise FilterError(path, "a list of filters is wanted")
    return [_one(item, f"{path}[{index}]") for index, item in enumerate(filters)]


def _one(item: Any, path: str) -> Filter:
    if not isinstance(item, Mapping):
        raise FilterError(path, "a filter is an object")
    given = {name: value for name, value in item.items() if value or name == "attributes"}
    if not given:
        return _everything
    if len(given) > 1:
        raise FilterError(
            path, f"multiple dialects found, filters can have only one dialect set: {', '.join(given)}"
        )
    ((dialect, value),) = given.items()
    make = _DIALECTS.get(dialect)
    if make is None:
        raise FilterError(path, f"unknown dialect `{dialect}`, known are {', '.join(_DIALECTS)}")
    return make(value, f"{path}.{dialect}")


def _table(value: Any, path: str) -> dict[str, str]:
    if not isinstance(value, Mapping) or not all(isinstance(v, str) for v in value.values()):
        raise FilterError(path, "attributes and their values, as strings, are wanted")
    return dict(value)


def _filled(value: Any, path: str) -> dict[str, str]:
    table = _table(value, path)
    if not all(name and text for name, text in table.items()):
        raise FilterError(path, "invalid arguments, attribute and value can't be empty")
    return table


def _attributes(value: Any, path: str) -> Filter:
    rows = tuple(_table(value, path).items())
    if any(name in _ALWAYS and not text for name, text in rows):
        rows = tuple(row for row in rows if row[0] not in _ALWAYS or row[1])

    def passes(event: Event) -> bool:
        get = event.attributes.get
        for name, text in rows:
            found = get(_LEGACY.get(name, name))
            if found is None or (text and found != text):
                return False
        return True

    return passes


# Source: pkg/eventfilter/attributes/filter.go: these exist for every event, empty when it has none
_ALWAYS = frozenset(
    ("specversion", "type", "source", "subject", "id", "time", "schemaurl", "datacontenttype")
)
_LEGACY = {"schemaurl": "dataschema"}


def _exact(value: Any, path: str) -> Filter:
    rows = tuple(_filled(value, path).items())
    return lambda event: all(event.attributes.get(name) == text for name, text in rows)


def _prefix(value: Any, path: str) -> Filter:
    rows = tuple(_filled(value, path).items())
    return lambda event: all(event.attributes.get(name, "").startswith(text) for name, text in rows)


def _suffix(value: Any, path: str) -> Filter:
    rows = tuple(_filled(value, path).items())
    return lambda event: all(event.attributes.get(name, "").endswith(text) for name, text in rows)


def _all(value: Any, path: str) -> Filter:
    parts = _each(value, path)
    return lambda event: all(f(event) for f in parts)


def _any(value: Any, path: str) -> Filter:
    parts = _each(value, path)
    return lambda event: any(f(event) for f in parts)


def _not(value: Any, path: str) -> Filter:
    part = _one(value, path)
    return lambda event: not part(event)


def _cesql(value: Any, path: str) -> Filter:
    if not isinstance(value, str):
        raise FilterError(path, "an expression is wanted")
    try:
        expression = cesql.parse(value)
    except cesql.ParseError as error:
        raise FilterError(path, f"error while parsing expression {value}. Error: {error}") from error

    def passes(event: Event) -> bool:
        result, errors = cesql.evaluate(expression, event.attributes)
        return result is True and not errors

    return passes


_DIALECTS: Mapping[str, Callable[[Any, str], Filter]] = {
    "attributes": _attributes,
    "exact": _exact,
    "prefix": _prefix,
    "suffix": _suffix,
    "all": _all,
    "any": _any,
    "not": _not,
    "cesql": _cesql,
}
