"""The audit log: who asked for what, and what became of it. Never what was in it.

A policy is a list of rules, of which the first that fits decides: level `None` or `Metadata`. Levels that
hold bodies are refused, so no Secret can get into the log.
Source: kubernetes staging/src/k8s.io/apiserver/pkg/apis/audit/v1/types.go; pkg/audit/policy/checker.go.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from hauberk.apiserver.http import HttpRequest
from hauberk.apiserver.rbac.attributes import Attributes
from hauberk.apiserver.rbac.match import path_matches
from hauberk.apiserver.rbac.requestinfo import attributes_of
from hauberk.apiserver.request import User
from hauberk.base.problems import Problem
from hauberk.base.refs import Json
from hauberk.base.times import rfc3339_micro
from hauberk.ports import Clock

_READS = ("get", "list", "watch")
_INSIDE = ["pods/exec", "pods/attach", "pods/portforward", "secrets", "serviceaccounts/token"]
DEFAULT: Json = {
    "apiVersion": "audit.k8s.io/v1",
    "kind": "Policy",
    "rules": [
        {"level": "Metadata", "resources": [{"group": "", "resources": _INSIDE}]},
        {"level": "None", "verbs": [*_READS, "head"]},
        {"level": "None", "resources": [{"group": "coordination.k8s.io", "resources": ["leases"]}]},
        {"level": "None", "resources": [{"group": "", "resources": ["events"]}]},
        {
            "level": "None",
            "resources": [
                {"group": "authorization.k8s.io", "resources": ["*"]},
                {"group": "authentication.k8s.io", "resources": ["*"]},
            ],
        },
        {"level": "Metadata"},
    ],
}
"""Every write, every way into a pod, every look at a Secret. Refusals are logged whatever fits."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule; what is empty fits everything."""

    logs: bool
    users: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    verbs: tuple[str, ...] = ()
    resources: tuple[tuple[str, tuple[str, ...], tuple[str, ...]], ...] = ()  # group, resources, names
    namespaces: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()

    def fits(self, asked: Attributes) -> bool:
        """Whether the rule is about this request."""
        user = asked.user
        if self.users and user.name not in self.users:
            return False
        if self.groups and not set(self.groups) & set(user.groups):
            return False
        if self.verbs and asked.verb not in self.verbs and "*" not in self.verbs:
            return False
        if asked.path:
            named = self.resources or self.namespaces
            return any(path_matches(p, asked.path) for p in self.paths) if self.paths else not named
        if self.paths or (self.namespaces and asked.namespace not in self.namespaces):
            return False
        return not self.resources or any(_names(row, asked) for row in self.resources)


def _names(row: tuple[str, tuple[str, ...], tuple[str, ...]], asked: Attributes) -> bool:
    group, resources, names = row
    if group != asked.group or (names and asked.name not in names):
        return False
    wanted = (asked.combined, "*", f"*/{asked.subresource}", f"{asked.resource}/*")
    return not resources or any(r in wanted for r in resources)


def policy_of(raw: Any) -> tuple[Rule, ...]:
    """The rules of an audit.k8s.io/v1 Policy. Problem."""
    if not isinstance(raw, Mapping) or raw.get("kind") != "Policy" or not raw.get("rules"):
        raise _bad("`kind: Policy` of audit.k8s.io/v1 with rules", "something else")
    return tuple(_rule(rule) for rule in raw["rules"])


def _rule(raw: Json) -> Rule:
    level = raw.get("level")
    if level not in ("None", "Metadata"):
        raise _bad("rules of level None or Metadata: bodies are never logged", f"level {level}")
    rows = (
        (row.get("group", ""), tuple(row.get("resources") or ()), tuple(row.get("resourceNames") or ()))
        for row in raw.get("resources") or ()
    )
    lists = (tuple(raw.get(key) or ()) for key in ("users", "userGroups", "verbs"))
    users, groups, verbs = lists
    places = tuple(raw.get("namespaces") or ()), tuple(raw.get("nonResourceURLs") or ())
    return Rule(level == "Metadata", users, groups, verbs, tuple(rows), *places)


def _bad(wanted: str, found: str) -> Problem:
    return Problem(
        "the audit policy cannot be used",
        wanted=wanted,
        found=found,
        fix="correct audit-policy.yaml in the cluster's data directory, or remove it for the usual policy",
    )


@dataclass(frozen=True)
class Audit:
    """Writes a line for each request that the policy names."""

    policy: tuple[Rule, ...]
    sink: Callable[[bytes], None]
    clock: Clock

    def note(self, request: HttpRequest, code: int, began: float) -> None:
        """Log a request that was answered, if the policy says so; refused ones always."""
        path = request.path.rstrip("/") or "/"
        asked = attributes_of(request.user, request.method, path, request.query)
        refused = code in (401, 403)
        if refused or next((rule.logs for rule in self.policy if rule.fits(asked)), False):
            line = entry(request, asked, code, began, self.clock.now())
            self.sink(orjson.dumps(line) + b"\n")


def entry(request: HttpRequest, asked: Attributes, code: int, began: float, now: float) -> dict[str, Any]:
    """One `Event` of audit.k8s.io/v1 at level Metadata. Pure but for its id."""
    query = f"?{request.raw_query}" if request.raw_query else ""
    actor: User = request.actor or request.user
    line: dict[str, Any] = {
        "kind": "Event",
        "apiVersion": "audit.k8s.io/v1",
        "level": "Metadata",
        "auditID": str(uuid.uuid4()),
        "stage": "ResponseComplete",
        "requestURI": request.path + query,
        "verb": asked.verb,
        "user": actor.info,
    }
    if actor is not request.user:
        line["impersonatedUser"] = request.user.info
    sources = [ip.strip() for ip in request.headers.get("x-forwarded-for", "").split(",") if ip.strip()]
    line |= {"sourceIPs": sources, "userAgent": request.headers.get("user-agent", "")}
    if not asked.path:
        line["objectRef"] = _object(asked, request.path)
    return line | {
        "responseStatus": {"metadata": {}, "code": code},
        "requestReceivedTimestamp": rfc3339_micro(began),
        "stageTimestamp": rfc3339_micro(now),
        "annotations": {
            "authorization.k8s.io/decision": "forbid" if code == 403 else "allow",
            **request.annotations,
        },
    }


def _object(asked: Attributes, path: str) -> dict[str, str]:
    parts = path.strip("/").split("/")
    rows = {
        "resource": asked.resource,
        "namespace": asked.namespace,
        "name": asked.name,
        "apiGroup": asked.group,
        "apiVersion": parts[2] if asked.group else parts[1],
        "subresource": asked.subresource,
    }
    return {key: value for key, value in rows.items() if value}
