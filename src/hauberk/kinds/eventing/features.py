"""Features of Eventing that upstream has and that do not act here: what whoever turns one on is told."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

OIDC = "authentication-oidc"
NOT_BUILT: Mapping[str, str] = {
    OIDC: "tokens are neither sent nor asked for; who may send is for AuthorizationPolicies of the mesh",
    "transport-encryption": "events travel over http; the mesh encrypts them",
    "eventtype-auto-create": "no EventTypes are made of what passes",
}
_OFF = ("", "disabled", "false")


def without_effect(data: Mapping[str, Any]) -> Iterator[str]:
    """A Warning for each feature that is turned on and does not act."""
    for key, why in NOT_BUILT.items():
        if str(data.get(key, "")).strip().lower() not in _OFF:
            yield f"config-features {key} does not act here: {why}"
