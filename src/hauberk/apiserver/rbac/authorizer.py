"""Answers from the stored roles and bindings whether a user may do something.

Guarantees: an answer follows from the committed Roles, ClusterRoles and bindings alone, at once after their
write; bindings are found by their subjects, so a request costs the bindings of its user and not those of the
cluster; members of system:masters are asked nothing.
Source: kubernetes plugin/pkg/auth/authorizer/rbac/rbac.go; pkg/registry/rbac/validation/rule.go.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from hauberk.apiserver.rbac.attributes import Attributes, wanted
from hauberk.apiserver.rbac.match import Rule, rules_of
from hauberk.apiserver.request import User
from hauberk.base.apierrors import Forbidden
from hauberk.base.refs import Json, Ref
from hauberk.ports import Index, Snapshot

GROUP = "rbac.authorization.k8s.io"
ROLE, CLUSTER_ROLE = f"Role.{GROUP}", f"ClusterRole.{GROUP}"
ROLE_BINDING, CLUSTER_ROLE_BINDING = f"RoleBinding.{GROUP}", f"ClusterRoleBinding.{GROUP}"
_KINDS = (ROLE, CLUSTER_ROLE, ROLE_BINDING, CLUSTER_ROLE_BINDING)
_ACCOUNT = "system:serviceaccount:"
_MOST_USERS = 4096


@dataclass(frozen=True, slots=True)
class Grant:
    """What a binding gives to a user: the rules of a role, or the reason why there are none."""

    why: str  # `ClusterRoleBinding "a" of ClusterRole "b" to User "c"`
    role: Json | None
    rules: tuple[Rule, ...]
    error: str = ""


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether a request is allowed, and by what; a denial may name roles that do not exist."""

    allowed: bool
    reason: str = ""
    error: str = ""


def _subjects(namespace: str, binding: Json) -> Iterator[str]:
    for subject in binding.get("subjects") or ():
        kind, name = subject.get("kind"), subject.get("name", "")
        if kind == "ServiceAccount":
            yield f"{namespace}|User|{_ACCOUNT}{subject.get('namespace') or namespace}:{name}"
        elif kind in ("User", "Group"):
            yield f"{namespace}|{kind}|{name}"


EVERYWHERE = Index(CLUSTER_ROLE_BINDING, lambda obj: set(_subjects("", obj)))
"""ClusterRoleBindings by `|KIND|NAME` of their subjects."""
WITHIN = Index(ROLE_BINDING, lambda obj: set(_subjects(obj["metadata"].get("namespace", ""), obj)))
"""RoleBindings by `NAMESPACE|KIND|NAME` of their subjects."""


class Authorizer:
    """Asks the snapshot. Answers are remembered until a role or a binding changes."""

    def __init__(self, snapshot: Callable[[], Snapshot]) -> None:
        self._snapshot = snapshot
        self._seen: tuple[object, ...] = ()
        self._known: dict[tuple[str, tuple[str, ...], str], tuple[Grant, ...]] = {}

    def check(self, asked: Attributes) -> None:
        """Nothing, or Forbidden in upstream's words."""
        if asked.user.is_master:
            return
        decision = self.decide(asked)
        if not decision.allowed:
            raise forbidden(asked, decision.error)

    def decide(self, asked: Attributes) -> Decision:
        """Whether the request is allowed."""
        if asked.user.is_master:
            return Decision(True)
        errors = []
        for grant in self.grants(asked.user, asked.namespace):
            if any(rule.allows(asked) for rule in grant.rules):
                return Decision(True, f"RBAC: allowed by {grant.why}")
            if grant.error:
                errors.append(grant.error)
        return Decision(False, error=_aggregate(errors))

    def grants(self, user: User, namespace: str) -> tuple[Grant, ...]:
        """What bindings give to a user, cluster-wide and (unless it is empty) in a namespace."""
        snapshot = self._snapshot()
        seen = tuple(snapshot.list(kind) for kind in _KINDS)
        # A kind's list is the same object until one of the kind changes.
        if len(self._known) > _MOST_USERS or any(a is not b for a, b in zip(seen, self._seen, strict=False)):
            self._known.clear()
        self._seen = seen
        key = (user.name, user.groups, namespace)
        found = self._known.get(key)
        if found is None:
            found = self._known[key] = tuple(_grants(snapshot, user, namespace))
        return found

    def rules(self, user: User, namespace: str) -> tuple[list[dict[str, Any]], list[str]]:
        """All raw rules of a user in a namespace, and what could not be resolved."""
        grants = self.grants(user, namespace)
        raw = [dict(rule) for g in grants if g.role is not None for rule in g.role.get("rules") or ()]
        return raw, [g.error for g in grants if g.error]


def _grants(snapshot: Snapshot, user: User, namespace: str) -> Iterator[Grant]:
    yield from _of_bindings(snapshot, EVERYWHERE, "", user)
    if namespace:
        yield from _of_bindings(snapshot, WITHIN, namespace, user)


def _of_bindings(snapshot: Snapshot, index: Index, namespace: str, user: User) -> Iterator[Grant]:
    seen = set()
    subjects = [("User", user.name), *(("Group", group) for group in user.groups)]
    for kind, name in subjects:
        for binding in snapshot.find(index, f"{namespace}|{kind}|{name}"):
            if binding["metadata"]["name"] not in seen:
                seen.add(binding["metadata"]["name"])
                yield _grant(snapshot, binding, kind, name)


def _grant(snapshot: Snapshot, binding: Json, kind: str, name: str) -> Grant:
    namespace = binding["metadata"].get("namespace", "")
    given = binding.get("roleRef") or {}
    role_kind, role_name = given.get("kind", ""), given.get("name", "")
    role = snapshot.get(role_ref(role_kind, namespace, role_name))
    own = f"{binding['metadata']['name']}/{namespace}" if namespace else binding["metadata"]["name"]
    if kind == "User" and name.startswith(_ACCOUNT):
        space, _, account = name.removeprefix(_ACCOUNT).partition(":")
        kind, name = "ServiceAccount", f"{account}/{space}"
    why = f'{binding["kind"]} "{own}" of {role_kind} "{role_name}" to {kind} "{name}"'
    if role is None:
        missing = f'{role_kind.lower()}.{GROUP} "{role_name}" not found'
        return Grant(why, None, (), missing)
    return Grant(why, role, rules_of(role))


def role_ref(kind: str, namespace: str, name: str) -> Ref:
    """The role that a binding of this namespace names."""
    return Ref(CLUSTER_ROLE, "", name) if kind == "ClusterRole" else Ref(ROLE, namespace, name)


def _aggregate(errors: Iterable[str]) -> str:
    """Source: apimachinery pkg/util/errors, aggregate.Error."""
    told = list(dict.fromkeys(errors))
    if not told:
        return ""
    return f"RBAC: {told[0] if len(told) == 1 else '[' + ', '.join(told) + ']'}"


def forbidden(asked: Attributes, why: str = "") -> Forbidden:
    """Upstream's refusal of a request.

    Source: apiserver pkg/endpoints/handlers/responsewriters/errors.go, ForbiddenStatusError;
    apimachinery pkg/api/errors, NewForbidden.
    """
    text = wanted(asked) + (f": {why}" if why else "")
    if asked.path:
        return Forbidden(f"forbidden: {text}", ref=Ref("", "", ""))
    about = f"{asked.resource}.{asked.group}" if asked.group else asked.resource
    named = f'{about} "{asked.name}"' if asked.name else about
    return Forbidden(f"{named} is forbidden: {text}", ref=Ref(about, "", asked.name))
