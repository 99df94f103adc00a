"""Label selectors: what they say, and whether labels satisfy them."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from hauberk.kinds.meta import Part

OPERATORS = ("DoesNotExist", "Exists", "In", "NotIn")


class Requirement(Part, frozen=True):
    """One expression of a label selector."""

    key: str = ""
    operator: str = ""
    values: tuple[str, ...] = ()


class LabelSelector(Part, frozen=True):
    """Labels that must be there (`matchLabels`) and expressions that must hold; empty matches all."""

    match_labels: dict[str, str] | None = None
    match_expressions: tuple[Requirement, ...] = ()


_HOLDS: Mapping[str, Callable[[str | None, tuple[str, ...]], bool]] = {
    "In": lambda value, values: value in values,
    "NotIn": lambda value, values: value not in values,
    "Exists": lambda value, _: value is not None,
    "DoesNotExist": lambda value, _: value is None,
}


def matches(selector: LabelSelector, labels: Mapping[str, str]) -> bool:
    """Whether the labels satisfy all parts of the selector."""
    if any(labels.get(k) != v for k, v in (selector.match_labels or {}).items()):
        return False
    return all(_HOLDS[e.operator](labels.get(e.key), e.values) for e in selector.match_expressions)


def is_empty(selector: LabelSelector | None) -> bool:
    """Whether the selector says nothing."""
    return selector is None or not (selector.match_labels or selector.match_expressions)
