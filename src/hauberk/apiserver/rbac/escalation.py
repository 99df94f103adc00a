"""Nobody may give what they do not have: the check of roles and bindings on their way into the store.

Allowed are: members of system:masters; who may `escalate` roles or `bind` this role; and who has every
permission that the role holds.
Source: kubernetes pkg/registry/rbac/{role,clusterrole,rolebinding,clusterrolebinding}/policybased/storage.go;
pkg/registry/rbac/validation/rule.go, ConfirmNoEscalation.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from hauberk.apiserver.rbac.attributes import Attributes
from hauberk.apiserver.rbac.authorizer import GROUP, Authorizer, role_ref
from hauberk.apiserver.rbac.match import compact, missing, rules_of, told
from hauberk.apiserver.request import User
from hauberk.base.apierrors import Forbidden, NotFound
from hauberk.base.refs import Json, Ref
from hauberk.ports import Snapshot

_PLURAL = {
    "Role": "roles",
    "ClusterRole": "clusterroles",
    "RoleBinding": "rolebindings",
    "ClusterRoleBinding": "clusterrolebindings",
}


def guard(
    authorizer: Authorizer, snapshot: Callable[[], Snapshot]
) -> Callable[[Json, Json | None, User], None]:
    """The check: (object, what was there before, who writes) → nothing, or Forbidden."""

    def check(new: Json, old: Json | None, user: User) -> None:
        if user.is_master or not str(new.get("apiVersion", "")).startswith(GROUP + "/"):
            return
        if new["kind"] in ("Role", "ClusterRole"):
            _check_role(authorizer, new, old, user)
        elif new["kind"] in ("RoleBinding", "ClusterRoleBinding"):
            _check_binding(authorizer, snapshot(), new, old, user)

    return check


def _check_role(authorizer: Authorizer, new: Json, old: Json | None, user: User) -> None:
    unchanged = old is not None and old.get("rules") == new.get("rules")
    if unchanged and (old or {}).get("aggregationRule") == new.get("aggregationRule"):
        return
    meta = new["metadata"]
    asked = Attributes(
        user, "escalate", GROUP, _PLURAL[new["kind"]], "", meta.get("namespace", ""), meta.get("name", "")
    )
    if authorizer.decide(asked).allowed:
        return
    rules = list(new.get("rules") or ())
    if new.get("aggregationRule"):  # what it will hold is anybody's to say
        rules.append({"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]})
        rules.append({"verbs": ["*"], "nonResourceURLs": ["*"]})
    _confirm(authorizer, new, rules, user)


def _check_binding(
    authorizer: Authorizer, snapshot: Snapshot, new: Json, old: Json | None, user: User
) -> None:
    if old is not None and all(old.get(key) == new.get(key) for key in ("subjects", "roleRef")):
        return
    given, namespace = new.get("roleRef") or {}, new["metadata"].get("namespace", "")
    kind, name = given.get("kind", ""), given.get("name", "")
    asked = Attributes(user, "bind", GROUP, _PLURAL.get(kind, ""), "", namespace, name)
    if authorizer.decide(asked).allowed:
        return
    role = snapshot.get(role_ref(kind, namespace, name))
    if role is None:
        about = f"{kind.lower()}.{GROUP}"
        raise NotFound(f'{about} "{name}" not found', ref=Ref(about, "", name))
    _confirm(authorizer, new, list(role.get("rules") or ()), user)


def _confirm(authorizer: Authorizer, new: Json, rules: Sequence[Json], user: User) -> None:
    meta = new["metadata"]
    owned, errors = authorizer.rules(user, meta.get("namespace", ""))
    lacking = missing(rules_of({"rules": owned}), rules)
    if not lacking:
        return
    about = f"{_PLURAL[new['kind']]}.{GROUP}"
    groups = " ".join(f'"{group}"' for group in user.groups)
    lines = "\n".join(sorted(told(rule) for rule in compact(lacking)))
    why = (
        f'user "{user.name}" (groups=[{groups}]) is attempting to grant RBAC permissions not currently held:'
    )
    unresolved = f"; resolution errors: [{', '.join(errors)}]" if errors else ""
    name = meta.get("name", "")
    text = f'{about} "{name}" is forbidden: {why}\n{lines}{unresolved}'
    raise Forbidden(text, ref=Ref(about, "", name))
