"""networking.istio.io: what the mesh routes. `KINDS` lists the kinds."""

from __future__ import annotations

from typing import Any

from hauberk.kinds.istio_networking import destination_rule, gateway, service_entry, unbuilt, virtual_service
from hauberk.kinds.meta import Kind

KINDS: tuple[Kind[Any], ...] = (
    gateway.KIND,
    virtual_service.KIND,
    destination_rule.KIND,
    service_entry.KIND,
    *unbuilt.KINDS,
)
