"""What all sources share: their sink, their identity, the Deployment that does the work. Pure.

Source: knative/eventing pkg/apis/sources/v1/*_lifecycle.go; knative.dev/pkg apis/duck/v1/source_types.go.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from hauberk.base.conditions import Condition, condition
from hauberk.base.refs import Json
from hauberk.engine.plan import Note
from hauberk.eventing.config.reading import is_enabled
from hauberk.eventing.names import OIDC, OIDC_OFF
from hauberk.kinds.eventing.addressable import Address, Answer

SINK, DEPLOYED, IDENTITY = "SinkProvided", "Deployed", "OIDCIdentityCreated"


def sink_provided(answer: Answer) -> Condition:
    """Whether events have somewhere to go.

    Deviation: upstream leaves the message empty; here it says why there is no address.
    """
    if isinstance(answer, Address):
        return Condition(SINK, "True")
    return Condition(SINK, "False", "NotFound", answer.why)


def sink_note(source: Json, answer: Answer) -> tuple[Note, ...]:
    """The event of a source whose sink has no address."""
    if isinstance(answer, Address):
        return ()
    sink = json.dumps((source.get("spec") or {}).get("sink") or {}, separators=(",", ":"))
    return (Note("SinkNotFound", f"Sink not found: {sink}", "Warning"),)


def sink_status(answer: Answer) -> dict[str, str]:
    """The sink as a source's status tells it."""
    if not isinstance(answer, Address):
        return {}
    found = {"sinkUri": answer.url, "sinkCACerts": answer.ca, "sinkAudience": answer.audience}
    return {k: v for k, v in found.items() if v}


def identity_created(features: Mapping[str, str], type: str = IDENTITY) -> Condition:  # noqa: A002
    """The source's OIDC identity: none is made here.

    Deviation: with authentication-oidc enabled upstream makes a ServiceAccount; here the condition says no.
    """
    if not is_enabled(features, OIDC):
        return Condition(type, "True", OIDC_OFF)
    text = f"{OIDC} is enabled, but sources have no OIDC identity here: sinks that ask for tokens refuse"
    return Condition(type, "False", "NotSupported", text)


def availability(deployment: Json | None, name: str, type: str = DEPLOYED) -> Condition:  # noqa: A002
    """A copy of the Deployment's Available. Source: PropagateDeploymentAvailability."""
    row = condition(deployment, "Available")
    if row is None:
        return Condition(type, "Unknown", "DeploymentUnavailable", f"The Deployment '{name}' is unavailable.")
    if row["status"] == "True":
        return Condition(type, "True")
    return Condition(type, row["status"], row.get("reason", ""), row.get("message", ""))


def overrides_of(spec: Json) -> dict[str, str]:
    """The attributes that a source adds to its events."""
    return dict((spec.get("ceOverrides") or {}).get("extensions") or {})


def overrides_text(spec: Json) -> str:
    """`K_CE_OVERRIDES`: the overrides as upstream's adapters read them; empty when there are none."""
    said = spec.get("ceOverrides")
    return json.dumps(said, separators=(",", ":"), sort_keys=True) if said else ""


def attributes(source: str, *types: str) -> list[dict[str, Any]]:
    """`status.ceAttributes`: what the source's events are called."""
    return [{"type": t, "source": source} for t in types]
