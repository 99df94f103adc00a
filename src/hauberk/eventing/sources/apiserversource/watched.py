"""What an ApiServerSource watches: resources, namespaces, and whether its account may. Pure.

Source: knative/eventing pkg/reconciler/apiserversource/apiserversource.go (namespacesFromSelector,
runAccessCheck); pkg/adapter/apiserver/config.go.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import msgspec

from hauberk.base.refs import Json, labels_of
from hauberk.kinds import BY_ID
from hauberk.kinds.apps.selector import LabelSelector, matches
from hauberk.kinds.eventing.parts import kind_named
from hauberk.ports import Snapshot

VERBS = ("get", "list", "watch")
EVERYWHERE = ""

Allows: TypeAlias = Callable[[str, str, str, str, str], bool]
"""From user, verb, API group, resource and namespace (empty: all) to whether RBAC lets them."""


def namespaces_of(source: Json, snapshot: Snapshot) -> tuple[str, ...]:
    """The namespaces to watch, sorted; `("",)` for all: that is what an empty selector means."""
    selector = (source.get("spec") or {}).get("namespaceSelector")
    if selector is None:
        return (source["metadata"]["namespace"],)
    parsed = msgspec.convert(selector, LabelSelector)
    if not parsed.match_labels and not parsed.match_expressions:
        return (EVERYWHERE,)
    names = (o["metadata"]["name"] for o in snapshot.list("Namespace") if matches(parsed, labels_of(o)))
    return tuple(sorted(names))


def resource_of(watched: Json) -> tuple[str, str, str]:
    """Group, version and plural of a watched kind; a kind that is not known here is guessed as upstream does.

    Source: apimachinery pkg/api/meta/restmapper.go, UnsafeGuessKindToResource.
    """
    group, _, version = str(watched.get("apiVersion", "")).rpartition("/")
    known = BY_ID.get(kind_named(watched))
    if known is not None:
        return group, version, known.plural
    name = str(watched.get("kind", "")).lower()
    if name.endswith("s"):
        return group, version, f"{name}es"
    return group, version, f"{name[:-1]}ies" if name.endswith("y") else f"{name}s"


def account_of(source: Json) -> str:
    """The user that watches."""
    name = (source.get("spec") or {}).get("serviceAccountName") or "default"
    return f"system:serviceaccount:{source['metadata']['namespace']}:{name}"


def forbidden(source: Json, namespaces: Sequence[str], allows: Allows) -> str:
    """What the account may not do, in upstream's words; empty when it may do all."""
    user = account_of(source)
    missing = []
    for watched in source["spec"].get("resources") or ():
        group, _, resource = resource_of(watched)
        for namespace in namespaces:
            verbs = [v for v in VERBS if not allows(user, v, group, resource, namespace)]
            if verbs:
                what = f'resource "{resource}" in API group "{group}" in Namespace "{namespace}"'
                missing.append(f"{', '.join(verbs)} {what}")
    return f"User {user} cannot {', '.join(missing)}" if missing else ""


def config_of(source: Json, namespaces: Sequence[str]) -> dict[str, Any]:
    """`K_SOURCE_CONFIG`: what the adapter is told."""
    spec = source["spec"]
    config: dict[str, Any] = {
        "namespaces": list(namespaces),
        "allNamespaces": tuple(namespaces) == (EVERYWHERE,),
        "resources": [_watch(watched) for watched in spec.get("resources") or ()],
        "mode": spec.get("mode") or "Reference",
    }
    more = {"owner": spec.get("owner"), "filters": spec.get("filters")}
    return {**config, **{k: v for k, v in more.items() if v}}


def _watch(watched: Json) -> dict[str, Any]:
    group, version, resource = resource_of(watched)
    row: dict[str, Any] = {"gvr": {"Group": group, "Version": version, "Resource": resource}}
    text = selector_text(watched.get("selector"))
    return {**row, "selector": text} if text else row


def selector_text(selector: Json | None) -> str:
    """A label selector as a query. Source: apimachinery pkg/labels/selector.go, Requirement.String."""
    if not selector:
        return ""
    terms = [(k, f"{k}={v}") for k, v in (selector.get("matchLabels") or {}).items()]
    terms += [(row["key"], _term(row)) for row in selector.get("matchExpressions") or ()]
    return ",".join(text for _, text in sorted(terms))


def _term(row: Json) -> str:
    key, values = row["key"], ",".join(sorted(row.get("values") or ()))
    forms = {
        "In": f"{key} in ({values})",
        "NotIn": f"{key} notin ({values})",
        "Exists": str(key),
        "DoesNotExist": f"!{key}",
    }
    return forms[row["operator"]]
