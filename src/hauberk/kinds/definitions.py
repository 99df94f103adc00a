"""The CustomResourceDefinitions that a real cluster has of the kinds served here: clients look for them.

`kn` finds sources and channels by the labels of their definitions; installers and GitOps tools ask whether a
definition is there. The kinds themselves act by their own rows: a definition's schema admits everything and
`kubectl explain` shows the real one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from hauberk.base.refs import Json
from hauberk.kinds import KINDS
from hauberk.kinds.meta import Column, Kind

OWN = "hauberk.dev/own"  # a checksum: which release's definition it is
_AGGREGATED = ("route.openshift.io", "metrics.k8s.io")
_CHANNELS = ("Channel", "InMemoryChannel", "KafkaChannel")
_ADDRESSABLE = {
    "serving.knative.dev": ("Service", "Route"),
    "eventing.knative.dev": ("Broker", "KafkaSink"),
    "messaging.knative.dev": _CHANNELS,
    "flows.knative.dev": ("Sequence", "Parallel"),
    "sinks.knative.dev": ("JobSink",),
}
_DOC = "Served by Hauberk itself: `kubectl explain` shows the fields."


def definitions() -> Iterator[Json]:
    """One for each kind that is a custom resource upstream."""
    for kind in KINDS:
        if not (
            kind.builtin or kind.extra.get("virtual") or kind.group in _AGGREGATED or "." not in kind.group
        ):
            yield definition_of(kind)


def definition_of(kind: Kind[Any]) -> Json:
    """The definition of one kind, with its names, versions, columns and upstream's duck-type labels."""
    names = {"plural": kind.plural, "singular": kind.singular or kind.name.lower(), "kind": kind.name}
    lists: Mapping[str, tuple[str, ...]] = {"shortNames": kind.short_names, "categories": kind.categories}
    spec = {
        "group": kind.group,
        "names": {**names, "listKind": kind.list_name, **{k: list(v) for k, v in lists.items() if v}},
        "scope": "Namespaced" if kind.namespaced else "Cluster",
        "versions": [_version(kind, i, name) for i, name in enumerate(kind.versions)],
    }
    digest = hashlib.sha256(msgspec.json.encode(spec)).hexdigest()[:16]
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{kind.plural}.{kind.group}", "labels": {OWN: digest, **_labels(kind)}},
        "spec": spec,
    }


def _labels(kind: Kind[Any]) -> dict[str, str]:
    """What Knative's own clients look for.

    Source: the labels in knative/eventing config/core/resources, knative/serving config/core/300-resources.
    """
    labels: dict[str, str] = {}
    if kind.group == "sources.knative.dev":
        labels |= {"duck.knative.dev/source": "true"}
    if kind.name == "SinkBinding":
        labels |= {"duck.knative.dev/binding": "true"}
    if kind.group == "messaging.knative.dev" and kind.name in _CHANNELS:
        labels |= {"messaging.knative.dev/subscribable": "true"}
    if kind.name in _ADDRESSABLE.get(kind.group, ()):
        labels |= {"duck.knative.dev/addressable": "true"}
    return labels


def _version(kind: Kind[Any], place: int, name: str) -> Json:
    schema = {"type": "object", "description": _DOC, "x-kubernetes-preserve-unknown-fields": True}
    columns = [made for column in kind.columns if (made := _column(column))]
    return {
        "name": name,
        "served": True,
        "storage": place == 0,
        "schema": {"openAPIV3Schema": schema},
        **({"subresources": {"status": {}}} if "status" in kind.subresources else {}),
        **({"additionalPrinterColumns": columns} if columns else {}),
    }


def _column(column: Column) -> dict[str, Any]:
    """A column that is a path; computed ones have none."""
    if not isinstance(column.path, str):
        return {}
    priority = {"priority": 1} if column.wide else {}
    return {"name": column.name, "type": column.type, "jsonPath": column.path, **priority}
