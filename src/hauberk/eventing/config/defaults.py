"""config-br-defaults and default-ch-webhook: what Brokers and Channels get when their author does not say.

Source: knative/eventing pkg/apis/config/defaults.go; pkg/apis/messaging/config/channel_defaults.go.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hauberk.base.refs import Json
from hauberk.eventing.config.reading import parse_map
from hauberk.kinds.eventing.broker import MT_CHANNEL

_REFERENCE = ("apiVersion", "kind", "name", "namespace")


@dataclass(frozen=True, slots=True)
class BrokerDefaults:
    """For one namespace."""

    broker_class: str = MT_CHANNEL
    config: Json | None = None
    delivery: Json | None = None


def parse_broker_defaults(data: Mapping[str, str], namespace: str) -> BrokerDefaults:
    """A namespace's own defaults, else the cluster's.

    A class has configurations of its own: `brokerClasses` of the namespace or the cluster name them.
    """
    whole = parse_map(data.get("default-br-config"))
    cluster = whole.get("clusterDefault") or {}
    own = (whole.get("namespaceDefaults") or {}).get(namespace) or {}
    name = own.get("brokerClass") or cluster.get("brokerClass") or MT_CHANNEL
    row = next((found for found in _configurations(own, cluster, name) if found.get("kind")), {})
    config = {k: row[k] for k in _REFERENCE if row.get(k)} or None
    delivery = row.get("delivery")
    return BrokerDefaults(name, config, delivery if isinstance(delivery, dict) else None)


def configuration_for(data: Mapping[str, str], namespace: str, broker_class: str) -> Json:
    """Configuration and delivery of a class in a namespace; empty where the defaults do not name it."""
    whole = parse_map(data.get("default-br-config"))
    cluster = whole.get("clusterDefault") or {}
    own = (whole.get("namespaceDefaults") or {}).get(namespace) or {}
    found = (row for row in _configurations(own, cluster, broker_class) if row.get("kind"))
    return next(found, {})


def _configurations(own: Any, cluster: Any, name: str) -> tuple[dict[str, Any], ...]:
    """Where a class's configuration may stand, first to last."""
    rows = []
    for place in (own, cluster):
        rows.append((place.get("brokerClasses") or {}).get(name) or {})
        if place.get("brokerClass", MT_CHANNEL) == name:
            rows.append(place)
    return tuple(row for row in rows if isinstance(row, dict))


def channel_template(data: Mapping[str, str], namespace: str) -> Json | None:
    """Kind and specification of a Channel's backing channel, by namespace or for the cluster."""
    whole = parse_map(data.get("default-ch-config"))
    own = (whole.get("namespaceDefaults") or {}).get(namespace)
    row = own or whole.get("clusterDefault") or {}
    if not isinstance(row, dict) or not row.get("kind") or not row.get("apiVersion"):
        return None
    return {k: row[k] for k in ("apiVersion", "kind", "spec") if row.get(k)}
