"""What an API serves: from discovery documents to one row for each kind."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from hauberk.base.problems import Problem
from hauberk.base.refs import Json

OPERATORS: Mapping[str, str] = {
    "maistra.io": "OpenShift Service Mesh Operator 2.x",
    "sailoperator.io": "OpenShift Service Mesh Operator 3.x (or the Sail operator)",
    "operator.knative.dev": "OpenShift Serverless Operator (or the Knative operator)",
    "operator.serverless.openshift.io": "OpenShift Serverless Operator",
    "networking.istio.io": "mesh operator of the profile",
    "security.istio.io": "mesh operator of the profile",
    "serving.knative.dev": "OpenShift Serverless Operator (or the Knative operator)",
    "eventing.knative.dev": "OpenShift Serverless Operator (or the Knative operator)",
    "messaging.knative.dev": "OpenShift Serverless Operator (or the Knative operator)",
    "cert-manager.io": "cert-manager operator",
}
"""Who brings the kinds of a group."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """One kind as an API serves it, in the version that the API prefers."""

    kind: str  # `Gateway.networking.istio.io`
    group: str
    version: str
    plural: str
    namespaced: bool
    verbs: frozenset[str]
    subresources: frozenset[str] = frozenset()
    versions: tuple[str, ...] = ()  # all that are served, the preferred one first

    @property
    def api_version(self) -> str:
        """`group/version`, or `version` for the core group."""
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def bare_kind(self) -> str:
        """`Gateway`."""
        return self.kind.partition(".")[0]

    def path(self, namespace: str = "", name: str = "", subresource: str = "", *, version: str = "") -> str:
        """The request path; an empty namespace of a namespaced kind means all namespaces."""
        parts = ["apis", self.group] if self.group else ["api"]
        parts.append(version or self.version)
        if self.namespaced and namespace:
            parts += ["namespaces", namespace]
        parts.append(self.plural)
        return "/" + "/".join([*parts, *([name] if name else ()), *([subresource] if subresource else ())])


def versions_of(core: Json, groups: Json) -> tuple[tuple[str, str], ...]:
    """(group, version) of `/api` and `/apis`, a group's preferred version first."""
    found = [("", version) for version in core.get("versions") or ()]
    for group in groups.get("groups") or ():
        preferred = (group.get("preferredVersion") or {}).get("version", "")
        names = [v["version"] for v in group.get("versions") or ()]
        found += [(group["name"], v) for v in sorted(names, key=lambda v: v != preferred)]
    return tuple(found)


def resources_of(lists: Iterable[tuple[str, str, Json]]) -> dict[str, Resource]:
    """Kind name → row, from (group, version, APIResourceList) in order of preference."""
    rows: dict[str, Resource] = {}
    for group, version, listed in lists:
        subs: dict[str, set[str]] = {}
        for entry in listed.get("resources") or ():
            plural, slash, sub = entry["name"].partition("/")
            if slash:
                subs.setdefault(plural, set()).add(sub)
        for entry in listed.get("resources") or ():
            if "/" in entry["name"]:
                continue
            row = _row(entry, group, version, frozenset(subs.get(entry["name"], ())))
            older = rows.get(row.kind)
            rows[row.kind] = row if older is None else _also(older, version)
    return rows


def _row(entry: Json, group: str, version: str, subresources: frozenset[str]) -> Resource:
    return Resource(
        kind=f"{entry['kind']}.{group}" if group else entry["kind"],
        group=group,
        version=version,
        plural=entry["name"],
        namespaced=bool(entry.get("namespaced")),
        verbs=frozenset(entry.get("verbs") or ()),
        subresources=subresources,
        versions=(version,),
    )


def _also(row: Resource, version: str) -> Resource:
    return Resource(
        kind=row.kind,
        group=row.group,
        version=row.version,
        plural=row.plural,
        namespaced=row.namespaced,
        verbs=row.verbs,
        subresources=row.subresources,
        versions=(*row.versions, version),
    )


class UnknownKind(Problem):
    """The API does not serve a kind."""

    def __init__(self, kind: str) -> None:
        _, _, group = kind.partition(".")
        operator = OPERATORS.get(group)
        super().__init__(
            f"the cluster does not know {kind}",
            wanted=f"the kind in the API{f', brought by the {operator}' if operator else ''}",
            found="discovery does not list it",
            fix=f"install the {operator}, then run the command again"
            if operator
            else f"kubectl api-resources --api-group={group}",
        )
        self.kind = kind
