"""Reads ConfigMaps of knative-eventing.

A value that cannot be read counts as absent; the ConfigMap's admission tells the user.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import yaml

from hauberk.base.refs import Json, Ref, ref_of
from hauberk.eventing.names import SYSTEM
from hauberk.ports import Snapshot

FEATURES = "config-features"
BROKER_DEFAULTS = "config-br-defaults"
CHANNEL_DEFAULTS = "default-ch-webhook"
MAPPING = "config-kreference-mapping"


def data_of(snapshot: Snapshot, name: str, namespace: str = SYSTEM) -> Mapping[str, str]:
    """The data of one ConfigMap; empty when there is none."""
    found = snapshot.get(Ref("ConfigMap", namespace, name)) or {}
    data: Mapping[str, str] = found.get("data") or {}
    return data


def is_enabled(data: Mapping[str, str], feature: str) -> bool:
    """Whether config-features says `enabled`."""
    return str(data.get(feature, "")).strip().lower() == "enabled"


def wakes_all(kind: str, *names: str) -> Callable[[Json, Snapshot], Iterator[Ref]]:
    """A `Wakes` for ConfigMaps: every object of `kind`, when one of these of knative-eventing changes."""

    def wake(changed: Json, snapshot: Snapshot) -> Iterator[Ref]:
        meta = changed["metadata"]
        if meta.get("namespace") == SYSTEM and meta["name"] in names:
            yield from map(ref_of, snapshot.list(kind))

    return wake


def parse_map(text: str | None) -> dict[str, Any]:
    """A YAML map; empty when the text is none."""
    try:
        found = yaml.safe_load(text or "")
    except yaml.YAMLError:
        return {}
    return found if isinstance(found, dict) else {}
