"""Which writes a webhook or a policy is about. Pure.

Source: apiserver pkg/admission/plugin/webhook/predicates/{rules,namespace,object}, generic/webhook.go.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from hauberk.apiserver.webhooks.attempt import Attempt
from hauberk.base.refs import Json, Ref, labels_of

_ANY = "*"
_NEVER = ("admissionregistration.k8s.io",)


def matched_version(spec: Json, rules: Iterable[Json], attempt: Attempt) -> str | None:
    """The version in which the object is to be sent; None when the write is not matched."""
    if attempt.kind.group in _NEVER:
        return None
    rows = list(rules)
    if any(_rule(row, attempt, attempt.version) for row in rows):
        return attempt.version
    if spec.get("matchPolicy", "Equivalent") != "Equivalent":
        return None
    for version in attempt.kind.versions:
        if any(_rule(row, attempt, version) for row in rows):
            return version
    return None


def _rule(rule: Json, attempt: Attempt, version: str) -> bool:
    kind = attempt.kind
    return (
        _has(rule.get("operations"), attempt.verb)
        and _has(rule.get("apiGroups"), kind.group)
        and _has(rule.get("apiVersions"), version)
        and _resource(rule.get("resources") or (), kind.plural, attempt.call.subresource)
        and _scope(rule.get("scope") or _ANY, namespaced=kind.namespaced)
        and _name(rule.get("resourceNames") or (), attempt.name)
    )


def _has(values: Any, wanted: str) -> bool:
    return _ANY in (values or ()) or wanted in (values or ())


def _resource(resources: Iterable[str], plural: str, subresource: str) -> bool:
    for text in resources:
        name, _, below = text.partition("/")
        if name in (_ANY, plural) and below in (subresource, _ANY):
            return True
    return False


def _scope(scope: str, *, namespaced: bool) -> bool:
    return scope == _ANY or scope == ("Namespaced" if namespaced else "Cluster")


def _name(names: Iterable[str], name: str) -> bool:
    wanted = tuple(names)
    return not wanted or name in wanted


def selected(spec: Json, attempt: Attempt) -> bool:
    """Whether the selectors of a webhook or policy take the write."""
    return _namespace(spec.get("namespaceSelector"), attempt) and _object(spec.get("objectSelector"), attempt)


def _namespace(selector: Json | None, attempt: Attempt) -> bool:
    if not selector:
        return True
    if attempt.kind.id == "Namespace":
        return labels_match(selector, labels_of(attempt.about))
    if not attempt.kind.namespaced:
        return True
    found = attempt.snapshot.get(Ref("Namespace", "", attempt.namespace))
    return found is not None and labels_match(selector, labels_of(found))


def _object(selector: Json | None, attempt: Attempt) -> bool:
    if not selector:
        return True
    seen = [o for o in (attempt.obj, attempt.old) if o is not None]
    return any(labels_match(selector, labels_of(o)) for o in seen)


def labels_match(selector: Json, labels: Mapping[str, str]) -> bool:
    """Whether a LabelSelector takes these labels."""
    for key, value in (selector.get("matchLabels") or {}).items():
        if labels.get(key) != value:
            return False
    return all(_expression(row, labels) for row in selector.get("matchExpressions") or ())


def _expression(row: Json, labels: Mapping[str, str]) -> bool:
    key, values = row.get("key", ""), row.get("values") or ()
    match row.get("operator"):
        case "In":
            return key in labels and labels[key] in values
        case "NotIn":
            return key not in labels or labels[key] not in values
        case "Exists":
            return key in labels
        case "DoesNotExist":
            return key not in labels
        case _:
            return False
