"""What one rule of a role allows, and what several rules cover together. Pure.

Source: kubernetes pkg/apis/rbac/v1/evaluation_helpers.go; component-helpers auth/rbac/validation,
policy_compact.go and policy_comparator.go (Covers).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from hauberk.apiserver.rbac.attributes import Attributes
from hauberk.base.refs import Json

ALL = "*"


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule, ready to be asked."""

    verbs: frozenset[str]
    groups: frozenset[str]
    resources: frozenset[str]
    names: frozenset[str]
    paths: tuple[str, ...]

    def allows(self, asked: Attributes) -> bool:
        """Whether this rule alone allows the request."""
        if not (asked.verb in self.verbs or ALL in self.verbs):
            return False
        if asked.path:
            return any(path_matches(pattern, asked.path) for pattern in self.paths)
        return (
            (asked.group in self.groups or ALL in self.groups)
            and self._has_resource(asked.resource, asked.subresource)
            and (not self.names or asked.name in self.names)
        )

    def _has_resource(self, resource: str, subresource: str) -> bool:
        if ALL in self.resources:
            return True
        if not subresource:
            return resource in self.resources
        return f"{resource}/{subresource}" in self.resources or f"*/{subresource}" in self.resources


def rules_of(role: Json) -> tuple[Rule, ...]:
    """The rules of a raw Role or ClusterRole."""
    return tuple(rule_of(raw) for raw in role.get("rules") or ())


def rule_of(raw: Json) -> Rule:
    """A raw rule, read."""
    return Rule(
        frozenset(raw.get("verbs") or ()),
        frozenset(raw.get("apiGroups") or ()),
        frozenset(raw.get("resources") or ()),
        frozenset(raw.get("resourceNames") or ()),
        tuple(raw.get("nonResourceURLs") or ()),
    )


def path_matches(pattern: str, path: str) -> bool:
    """`/healthz`, `/api/*` (what begins so) or `*`."""
    return pattern == path or (pattern.endswith("*") and path.startswith(pattern.rstrip("*")))


def missing(owned: Sequence[Rule], wanted: Iterable[Json]) -> list[dict[str, Any]]:
    """The rules among `wanted`, taken apart, that no single one of `owned` covers."""
    return [part for raw in wanted for part in _parts(raw) if not any(_covers(o, part) for o in owned)]


def _parts(raw: Json) -> Iterator[dict[str, Any]]:
    """A rule as rules of one group, one resource, one name or one path, and one verb each."""
    verbs = raw.get("verbs") or ()
    for group in raw.get("apiGroups") or ():
        for resource in raw.get("resources") or ():
            for verb in verbs:
                part = {"verbs": [verb], "apiGroups": [group], "resources": [resource]}
                names = raw.get("resourceNames") or ()
                yield from ({**part, "resourceNames": [name]} for name in names)
                if not names:
                    yield part
    for path in raw.get("nonResourceURLs") or ():
        for verb in verbs:
            yield {"verbs": [verb], "nonResourceURLs": [path]}


def _covers(owner: Rule, part: dict[str, Any]) -> bool:
    verb = part["verbs"][0]
    if not (ALL in owner.verbs or verb in owner.verbs):
        return False
    if "nonResourceURLs" in part:
        return any(path_matches(pattern, part["nonResourceURLs"][0]) for pattern in owner.paths)
    group, resource = part["apiGroups"][0], part["resources"][0]
    name = part.get("resourceNames", [None])[0]
    return (
        (ALL in owner.groups or group in owner.groups)
        and _covers_resource(owner.resources, resource)
        and (not owner.names or name in owner.names)
    )


def _covers_resource(owned: frozenset[str], resource: str) -> bool:
    if ALL in owned or resource in owned:
        return True
    _, slash, subresource = resource.partition("/")
    return bool(slash) and f"*/{subresource}" in owned


def compact(parts: Iterable[Json]) -> list[dict[str, Any]]:
    """Rules that differ in their verbs only, as one rule."""
    found: dict[tuple[str, ...], dict[str, Any]] = {}
    for part in parts:
        key = tuple(f"{k}={part[k]}" for k in sorted(part) if k != "verbs")
        if key in found:
            found[key]["verbs"] += [v for v in part["verbs"] if v not in found[key]["verbs"]]
        else:
            found[key] = {**part, "verbs": list(part["verbs"])}
    return list(found.values())


_TOLD = (
    ("nonResourceURLs", "NonResourceURLs"),
    ("apiGroups", "APIGroups"),
    ("resources", "Resources"),
    ("resourceNames", "ResourceNames"),
    ("verbs", "Verbs"),
)


def told(rule: Json) -> str:
    """`{APIGroups:[""], Resources:["pods"], Verbs:["get"]}`, as upstream prints a compact rule.

    Source: kubernetes pkg/apis/rbac/v1/evaluation_helpers.go, CompactString.
    """
    parts = [f"{name}:[{' '.join(_go(v) for v in rule[key])}]" for key, name in _TOLD if rule.get(key)]
    return "{" + ", ".join(parts) + "}"


def _go(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
