"""Which groups, versions and resources there are: legacy and aggregated discovery.

Source: kube-apiserver's answers at /api, /apis and below; KEP-3352 (aggregated discovery).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any

from hauberk.apiserver.catalog import Catalog, version_text
from hauberk.apiserver.target import POD_SUBRESOURCES
from hauberk.kinds.meta import Kind

AGGREGATED = "g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"

VERSION = {
    "major": "1",
    "minor": "32",
    "gitVersion": "v1.32.0+hauberk",
    "gitCommit": "",
    "gitTreeState": "clean",
    "buildDate": "1970-01-01T00:00:00Z",
    "goVersion": "none",
    "compiler": "none",
    "platform": "linux/amd64",
}

_SUBRESOURCES: dict[str, tuple[str, str, str, tuple[str, ...]]] = {
    # name → group, version and kind of its body, verbs; empty: those of the resource
    "status": ("", "", "", ("get", "patch", "update")),
    "scale": ("autoscaling", "v1", "Scale", ("get", "patch", "update")),
    "log": ("", "", "Pod", ("get",)),
    "exec": ("", "v1", "PodExecOptions", ("create", "get")),
    "attach": ("", "v1", "PodAttachOptions", ("create", "get")),
    "portforward": ("", "v1", "PodPortForwardOptions", ("create", "get")),
    "binding": ("", "v1", "Binding", ("create",)),
    "eviction": ("policy", "v1", "Eviction", ("create",)),
    "token": ("authentication.k8s.io", "v1", "TokenRequest", ("create",)),
    "finalize": ("", "", "", ("update",)),
}


def subresources_of(kind: Kind[Any]) -> tuple[str, ...]:
    """All subresources that are served for a kind."""
    extra = POD_SUBRESOURCES if kind.id == "Pod" else ()
    return tuple(dict.fromkeys((*kind.subresources, *extra)))


def api_versions() -> dict[str, Any]:
    """`/api`."""
    return {"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": []}


def group_list(catalog: Catalog) -> dict[str, Any]:
    """`/apis`."""
    groups = [_group(g, tuple(v)) for g, v in catalog.groups().items() if g]
    return {"kind": "APIGroupList", "apiVersion": "v1", "groups": groups}


def group(catalog: Catalog, name: str) -> dict[str, Any] | None:
    """`/apis/GROUP`."""
    versions = catalog.groups().get(name)
    if not name or versions is None:
        return None
    return {"kind": "APIGroup", "apiVersion": "v1", **_group(name, tuple(versions))}


def _group(name: str, versions: tuple[str, ...]) -> dict[str, Any]:
    rows = [{"groupVersion": version_text(name, v), "version": v} for v in versions]
    return {"name": name, "versions": rows, "preferredVersion": rows[0]}


def resource_list(catalog: Catalog, group_name: str, version: str) -> dict[str, Any] | None:
    """`/api/v1` and `/apis/GROUP/VERSION`."""
    kinds = catalog.groups().get(group_name, {}).get(version)
    if kinds is None:
        return None
    rows = [row for kind in kinds for row in _legacy_rows(kind)]
    text = version_text(group_name, version)
    return {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": text, "resources": rows}


def _legacy_rows(kind: Kind[Any]) -> Iterator[dict[str, Any]]:
    row: dict[str, Any] = {
        "name": kind.plural,
        "singularName": kind.singular or kind.name.lower(),
        "namespaced": kind.namespaced,
        "kind": kind.name,
        "verbs": list(kind.verbs),
    }
    if kind.short_names:
        row["shortNames"] = list(kind.short_names)
    if kind.categories:
        row["categories"] = list(kind.categories)
    row["storageVersionHash"] = hashlib.sha256(kind.id.encode()).hexdigest()[:12]
    yield row
    for name in subresources_of(kind):
        group_name, version, body, verbs = _SUBRESOURCES[name]
        extra = {"group": group_name, "version": version} if version and group_name else {}
        yield {
            "name": f"{kind.plural}/{name}",
            "singularName": "",
            "namespaced": kind.namespaced,
            **extra,
            "kind": body or kind.name,
            "verbs": list(verbs),
        }


def aggregated(catalog: Catalog, *, core: bool) -> dict[str, Any]:
    """`/api` or `/apis` as `APIGroupDiscoveryList`."""
    items = [
        {
            "metadata": {"name": name, "creationTimestamp": None} if name else {"creationTimestamp": None},
            "versions": [_aggregated_version(name, v, kinds) for v, kinds in versions.items()],
        }
        for name, versions in catalog.groups().items()
        if (name == "") == core
    ]
    return {
        "kind": "APIGroupDiscoveryList",
        "apiVersion": "apidiscovery.k8s.io/v2",
        "metadata": {},
        "items": items,
    }


def _aggregated_version(group_name: str, version: str, kinds: list[Kind[Any]]) -> dict[str, Any]:
    rows = [_aggregated_row(group_name, version, kind) for kind in kinds]
    return {"version": version, "resources": rows, "freshness": "Current"}


def _aggregated_row(group_name: str, version: str, kind: Kind[Any]) -> dict[str, Any]:
    row: dict[str, Any] = {
        "resource": kind.plural,
        "responseKind": {"group": group_name, "version": version, "kind": kind.name},
        "scope": "Namespaced" if kind.namespaced else "Cluster",
        "singularResource": kind.singular or kind.name.lower(),
        "verbs": list(kind.verbs),
    }
    if kind.short_names:
        row["shortNames"] = list(kind.short_names)
    if kind.categories:
        row["categories"] = list(kind.categories)
    below = []
    for name in subresources_of(kind):
        sub_group, sub_version, body, verbs = _SUBRESOURCES[name]
        answer = {
            "group": sub_group or ("" if body else group_name),
            "version": sub_version or version,
            "kind": body or kind.name,
        }
        below.append({"subresource": name, "responseKind": answer, "verbs": list(verbs)})
    return {**row, "subresources": below} if below else row
