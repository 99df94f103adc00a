"""Which EventPolicies apply to an object, and what its status says of them. Pure.

Source: knative/eventing pkg/auth/event_policy.go (GetEventPoliciesForResource,
UpdateStatusWithEventPolicies).
Deviation: authentication-oidc is not built, so no policy is enforced; conditions and a Warning say so.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from hauberk.base.conditions import Condition, condition
from hauberk.base.refs import Json, Ref, kind_of, labels_of, ref_of
from hauberk.engine.plan import Wakes
from hauberk.eventing.config.reading import FEATURES, data_of, is_enabled
from hauberk.eventing.names import EVENT_POLICY, OIDC
from hauberk.kinds.eventing.parts import kind_named
from hauberk.ports import Snapshot

TYPE = "EventPoliciesReady"


def policies_for(obj: Json, snapshot: Snapshot) -> list[Json]:
    """The EventPolicies of the object's namespace that name it, select it, or name nobody."""
    rows = snapshot.list(EVENT_POLICY, obj["metadata"]["namespace"])
    return sorted((p for p in rows if applies(p, obj)), key=lambda p: str(p["metadata"]["name"]))


def applies(policy: Json, obj: Json) -> bool:
    """Whether a policy of the same namespace is about the object."""
    targets = (policy.get("spec") or {}).get("to") or ()
    return not targets or any(_names(target, obj) for target in targets)


def _names(target: Json, obj: Json) -> bool:
    ref = target.get("ref")
    if ref:
        return kind_named(ref) == kind_of(obj) and ref.get("name") == obj["metadata"]["name"]
    selector = target.get("selector") or {}
    if selector.get("kind") and kind_named(selector) != kind_of(obj):
        return False
    labels = labels_of(obj)
    wanted = selector.get("matchLabels") or {}
    return all(labels.get(k) == v for k, v in wanted.items()) and all(
        _holds(row, labels) for row in selector.get("matchExpressions") or ()
    )


def _holds(row: Json, labels: Any) -> bool:
    key, values = row.get("key"), row.get("values") or ()
    match row.get("operator"):
        case "In":
            return labels.get(key) in values
        case "NotIn":
            return labels.get(key) not in values
        case "Exists":
            return key in labels
        case "DoesNotExist":
            return key not in labels
        case _:
            return False


def policies_ready(policies: Sequence[Json], snapshot: Snapshot) -> tuple[Condition, list[dict[str, str]]]:
    """The condition, and the policies in force."""
    late = [p["metadata"]["name"] for p in policies if not _is_ready(p)]
    listed = [
        {"name": p["metadata"]["name"], "apiVersion": p["apiVersion"]} for p in policies if _is_ready(p)
    ]
    if late:
        text = f"event policies {', '.join(late)} are not ready"
        return Condition(TYPE, "False", "EventPoliciesNotReady", text), listed
    if policies:
        return Condition(TYPE, "True"), listed
    if is_enabled(data_of(snapshot, FEATURES), OIDC):
        text = f'Feature "{OIDC}" does not act here: whoever reaches it may send'
        return Condition(TYPE, "True", "NotImplemented", text), []
    text = f'Feature "{OIDC}" must be enabled to support Authorization'
    return Condition(TYPE, "True", "OIDCDisabled", text), []


def _is_ready(policy: Json) -> bool:
    return (condition(policy, "Ready") or {}).get("status") == "True"


def wake_for_policy(kind: str) -> Wakes:
    """A `Wakes`: the objects of `kind` in a changed policy's namespace."""

    def wake(changed: Json, snapshot: Snapshot) -> Iterator[Ref]:
        yield from map(ref_of, snapshot.list(kind, changed["metadata"]["namespace"]))

    return wake
