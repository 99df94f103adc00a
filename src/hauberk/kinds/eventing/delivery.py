"""Delivery options of the API as a contract says them. Pure."""

from __future__ import annotations

from typing import Any

from hauberk.base.refs import Json
from hauberk.events.contract import Delivery, Target
from hauberk.kinds.eventing.parts import parse_period_s


def delivery_of(spec: Json | None, dead_letter: Target | None = None) -> Delivery:
    """The contract's delivery of a `delivery` that passed validation; `dead_letter` is where its sink is.

    Source: knative/eventing pkg/kncloudevents/retries.go, RetryConfigFromDeliverySpec.
    """
    said = spec or {}
    fields: dict[str, Any] = {
        "retry": said.get("retry"),
        "policy": said.get("backoffPolicy"),
        "delay": _seconds(said.get("backoffDelay")),
        "timeout": _seconds(said.get("timeout")),
        "retry_after_max": _seconds(said.get("retryAfterMax")),
        "format": said.get("format"),
        "dead_letter": dead_letter,
    }
    return Delivery(**{k: v for k, v in fields.items() if v is not None})


def _seconds(text: str | None) -> float | None:
    try:
        return None if text is None else parse_period_s(text)
    except ValueError:
        return None
