"""Label and field selectors as texts, compiled to predicates.

Source: apimachinery pkg/labels/selector.go, pkg/fields/selector.go; the fields by which a
kind can be selected, kubernetes pkg/registry/*/strategy.go.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from hauberk.base.apierrors import BadRequest
from hauberk.base.refs import Json, labels_of

Test = Callable[[Json], bool]

_KEY = r"[A-Za-z0-9][A-Za-z0-9._/-]*"
_TERM = re.compile(
    rf"\s*(?:(?P<absent>!\s*{_KEY})"
    rf"|(?P<set>{_KEY})\s+(?P<op>in|notin)\s*\((?P<values>[^)]*)\)"
    rf"|(?P<key>{_KEY})\s*(?P<eq>==|!=|=|>|<)\s*(?P<value>[A-Za-z0-9._-]*)"
    rf"|(?P<present>{_KEY}))\s*(?:,|$)"
)
_FIELD_TERM = re.compile(r"(?P<key>[^=!,]+?)(?P<op>==|!=|=)(?P<value>(?:[^,\\]|\\.)*)(?:,|$)")
_NAME_TERM = re.compile(r"(?:^|,)metadata\.name==?([^,\\]+)")

FIELDS: Mapping[str, frozenset[str]] = {
    "Pod": frozenset({
        "spec.nodeName", "spec.restartPolicy", "spec.schedulerName", "spec.serviceAccountName",
        "spec.hostNetwork", "status.phase", "status.podIP", "status.nominatedNodeName",
    }),
    "Event": frozenset({
        "involvedObject.kind", "involvedObject.namespace", "involvedObject.name", "involvedObject.uid",
        "involvedObject.apiVersion", "involvedObject.resourceVersion", "involvedObject.fieldPath",
        "reason", "reportingComponent", "source", "type",
    }),
    "Secret": frozenset({"type"}),
    "Namespace": frozenset({"status.phase"}),
    "Node": frozenset({"spec.unschedulable"}),
    "ReplicaSet.apps": frozenset({"status.replicas"}),
    "Service": frozenset({"spec.clusterIP", "spec.type"}),
    "Job.batch": frozenset({"status.successful"}),
    "CertificateSigningRequest.certificates.k8s.io": frozenset({"spec.signerName"}),
    "Event.events.k8s.io": frozenset({
        "involvedObject.kind", "involvedObject.namespace", "involvedObject.name", "involvedObject.uid",
        "involvedObject.apiVersion", "involvedObject.resourceVersion", "involvedObject.fieldPath",
        "reason", "reportingComponent", "source", "type",
    }),
}  # fmt: skip
_EVERY_KIND = frozenset({"metadata.name", "metadata.namespace"})


def labels(text: str) -> Test | None:
    """A test of labels; None when everything passes. BadRequest."""
    tests = _label_tests(text)
    if not tests:
        return None
    return lambda obj: all(test(labels_of(obj)) for test in tests)


def _label_tests(text: str) -> list[Callable[[Mapping[str, str]], bool]]:
    tests = []
    at = 0
    while at < len(text.rstrip()):
        match = _TERM.match(text, at)
        if match is None or match.end() == at:
            raise BadRequest(f'unable to parse requirement: found "{text[at:]}"')
        tests.append(_label_test(match))
        at = match.end()
    return tests


def _label_test(term: re.Match[str]) -> Callable[[Mapping[str, str]], bool]:
    if term["absent"]:
        key = term["absent"][1:].strip()
        return lambda own: key not in own
    if term["present"]:
        return lambda own: term["present"] in own
    if term["set"]:
        values = {v.strip() for v in term["values"].split(",")}
        if term["op"] == "in":
            return lambda own: own.get(term["set"]) in values
        return lambda own: own.get(term["set"]) not in values
    return _comparison(term["key"], term["eq"], term["value"])


def _comparison(key: str, op: str, value: str) -> Callable[[Mapping[str, str]], bool]:
    if op in ("=", "=="):
        return lambda own: own.get(key) == value
    if op == "!=":
        return lambda own: own.get(key) != value
    if not value.isdecimal():
        raise BadRequest("values[0]: Invalid value: for 'Gt', 'Lt' operators, the value must be an integer")
    sign = 1 if op == ">" else -1
    return lambda own: own.get(key, "").isdecimal() and sign * int(own[key]) > sign * int(value)


def fields(text: str, kind: str, more: frozenset[str] = frozenset()) -> Test | None:
    """A test of fields; None when everything passes. BadRequest for a field that cannot be selected by."""
    tests: list[Test] = []
    at = 0
    while at < len(text):
        match = _FIELD_TERM.match(text, at)
        if match is None:
            raise BadRequest(f"invalid field selector: {text}")
        key = match["key"].strip()
        if key not in _EVERY_KIND and key not in FIELDS.get(kind, more):
            raise BadRequest(f"field label not supported: {key}")
        tests.append(_field_test(key, re.sub(r"\\(.)", r"\1", match["value"]), match["op"] == "!="))
        at = match.end()
    if not tests:
        return None
    return lambda obj: all(test(obj) for test in tests)


def only_name(text: str) -> str:
    """The name that a field selector is about, if it asks for one."""
    found = _NAME_TERM.search(text)
    return found[1] if found else ""


def _field_test(key: str, value: str, negated: bool) -> Test:
    path = key.split(".")
    if key == "source":
        path = ["source", "component"]
    return lambda obj: (_text(obj, path) == value) != negated


def _text(obj: Any, path: list[str]) -> str:
    for step in path:
        obj = obj.get(step) if isinstance(obj, Mapping) else None
    if isinstance(obj, bool):
        return "true" if obj else "false"
    return "" if obj is None else str(obj)
