"""EventPolicies as contracts say them. Pure."""

from __future__ import annotations

from hauberk.base.conditions import condition
from hauberk.base.refs import Json
from hauberk.eventing.config.reading import FEATURES, data_of, is_enabled
from hauberk.eventing.names import OIDC
from hauberk.eventing.policies import policies_for
from hauberk.events.contract import Policy
from hauberk.ports import Snapshot


def policies_of(obj: Json, snapshot: Snapshot) -> tuple[Policy, ...] | None:
    """Who may send to the object; None: anybody, as without the feature authentication-oidc.

    Deviation: tokens are not built, so the feature does not act, and its ConfigMap's Warning says so.
    """
    if not is_enabled(data_of(snapshot, FEATURES), OIDC):
        return None
    rows = [p for p in policies_for(obj, snapshot) if (condition(p, "Ready") or {}).get("status") == "True"]
    made = tuple(
        Policy(
            subjects=tuple((p.get("status") or {}).get("from") or ()),
            filters=tuple((p.get("spec") or {}).get("filters") or ()),
        )
        for p in rows
    )
    return made or None
