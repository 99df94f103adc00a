"""Looks at Ingresses that wait for gateways and router as soon as these have caught up.

An Ingress is Ready when its gateways serve it. Asking again and again would cost, with a thousand of them,
more than all the work they wait for; so they are asked when there is news.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass

from hauberk.base.conditions import is_true
from hauberk.base.refs import Json, ref_of
from hauberk.engine.engine import Engine
from hauberk.ports import Api, Index
from hauberk.serving.names import INGRESS
from hauberk.xds.server import XdsServer

_WAITING = "waiting"
CONTROLLER = "ingress-serving"


def _waits(ingress: Json) -> Iterable[str]:
    observed = (ingress.get("status") or {}).get("observedGeneration")
    served = observed == ingress["metadata"].get("generation") and is_true(ingress)
    return () if served else (_WAITING,)


WAITING = Index(INGRESS, _waits)
"""Ingresses whose present generation is not served yet."""


@dataclass
class Served:
    """Wakes the Ingresses that wait."""

    api: Api
    xds: XdsServer
    engine: Engine
    fronts: Callable[[], Collection[str]]  # the proxies that Ingresses wait for

    async def run(self) -> None:
        """Work until cancelled."""
        while True:
            await self.xds.caught_up(self.fronts)
            self.look()

    def look(self) -> None:
        """Look at every Ingress that waits."""
        for ingress in self.api.snapshot().find(WAITING, _WAITING):
            self.engine.wake(CONTROLLER, ref_of(ingress))
