"""Services and their endpoints → DNS names and packet rules of the node."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from hauberk.node.runtime import Runtime
from hauberk.node.services import services_of
from hauberk.ports import Api, Clock


@dataclass
class ServiceFeed:
    """Pushes only what differs from the last push."""

    api: Api
    runtime: Runtime
    clock: Clock
    _pushed: dict[str, Any] = field(default_factory=dict)

    async def rebuild(self) -> float:
        """Compute both from the current snapshot; push what changed. Returns the seconds that this took."""
        began = self.clock.monotonic()
        dns, rules = services_of(self.api.snapshot())
        if self._pushed.get("rules") != rules:
            await self.runtime.set_services(rules)
            self._pushed["rules"] = rules
        if self._pushed.get("dns") != dns:
            await self.runtime.set_dns(dns)
            self._pushed["dns"] = dns
        return self.clock.monotonic() - began
