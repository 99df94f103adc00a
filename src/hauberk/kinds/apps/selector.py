"""The rules that workloads with a selector and a template share."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from hauberk.base.fields import FieldErrors
from hauberk.base.refs import Json
from hauberk.kinds.core.pod_rules import check_template
from hauberk.kinds.core.podspec import PodTemplateSpec
from hauberk.kinds.meta import Column
from hauberk.kinds.rules import at_least, check_labels, invalid, required, unsupported
from hauberk.kinds.selectors import OPERATORS, LabelSelector, Requirement, is_empty, matches

__all__ = [
    "OPERATORS",
    "WIDE",
    "LabelSelector",
    "Requirement",
    "check_selector",
    "check_workload",
    "count",
    "is_empty",
    "matches",
    "selector_text",
    "selector_update",
]


def check_selector(selector: LabelSelector | None, path: str) -> FieldErrors:
    """Source: apimachinery pkg/apis/meta/v1/validation/validation.go, ValidateLabelSelector."""
    if selector is None:
        yield required(path)
        return
    if is_empty(selector):
        yield invalid(path, "{}", "empty selector is invalid for a workload")
    yield from check_labels(f"{path}.matchLabels", selector.match_labels)
    for i, part in enumerate(selector.match_expressions):
        at = f"{path}.matchExpressions[{i}]"
        if part.operator not in OPERATORS:
            yield unsupported(f"{at}.operator", part.operator, OPERATORS)
        elif part.operator in ("In", "NotIn") and not part.values:
            yield required(f"{at}.values", "must be specified when `operator` is 'In' or 'NotIn'")


def check_workload(
    selector: LabelSelector | None, template: PodTemplateSpec, replicas: int | None
) -> FieldErrors:
    """What Deployment, ReplicaSet, StatefulSet and DaemonSet have in common."""
    yield from at_least("spec.replicas", replicas)
    yield from check_selector(selector, "spec.selector")
    labels = template.metadata.labels or {}
    known = selector is not None and all(e.operator in OPERATORS for e in selector.match_expressions)
    if selector is not None and known and not is_empty(selector) and not matches(selector, labels):
        yield invalid("spec.template.metadata.labels", labels, "`selector` does not match template `labels`")
    yield from check_template(template, "spec.template")
    if template.spec.restart_policy not in ("", "Always"):
        yield unsupported("spec.template.spec.restartPolicy", template.spec.restart_policy, ("Always",))


def selector_update(old: Json, new: Json) -> FieldErrors:
    """The selector of a workload is fixed."""
    before, after = (old.get("spec") or {}).get("selector"), (new.get("spec") or {}).get("selector")
    if before != after:
        yield invalid("spec.selector", _go(after), "field is immutable")


def _go(selector: Any) -> str:
    """A selector as upstream's error shows it."""
    labels = (selector or {}).get("matchLabels") or {}
    pairs = ", ".join(f'"{k}":"{v}"' for k, v in sorted(labels.items()))
    return f"{{MatchLabels:map[string]string{{{pairs}}}}}"


def _containers(key: str) -> Callable[[Json, float], object]:
    def read(raw: Json, _now: float) -> str:
        spec = ((raw.get("spec") or {}).get("template") or {}).get("spec") or {}
        return ",".join(str(c.get(key, "")) for c in spec.get("containers") or ())

    return read


def selector_text(raw: Json) -> Iterator[str]:
    """The selector as `kubectl get -o wide` prints it, part by part."""
    selector = (raw.get("spec") or {}).get("selector") or {}
    yield from (f"{k}={v}" for k, v in sorted((selector.get("matchLabels") or {}).items()))
    for part in selector.get("matchExpressions") or ():
        values = ",".join(part.get("values") or ())
        yield {
            "In": f"{part['key']} in ({values})",
            "NotIn": f"{part['key']} notin ({values})",
            "Exists": part["key"],
        }.get(part["operator"], f"!{part['key']}")


def _selector(raw: Json, _now: float) -> str:
    return ",".join(selector_text(raw)) or "<none>"


WIDE = (
    Column("Containers", _containers("name"), wide=True),
    Column("Images", _containers("image"), wide=True),
    Column("Selector", _selector, wide=True),
)


def count(section: str, key: str) -> Callable[[Json, float], object]:
    """A column of an integer that is 0 when it is absent."""

    def read(raw: Json, _now: float) -> int:
        return int((raw.get(section) or {}).get(key) or 0)

    return read
