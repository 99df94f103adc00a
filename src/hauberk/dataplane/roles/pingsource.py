"""pingsource-mt-adapter: sends the events of all PingSources, each when its schedule says.

Of several replicas one sends: the one that holds the lock in the workload's data directory. When it is killed
the kernel lets go of the lock, and the next goes on within a second. Moments that pass meanwhile are missed,
as upstream's are.

Source: knative/eventing pkg/adapter/mtping/{runner,controller}.go.
"""

from __future__ import annotations

import asyncio
import base64
import fcntl
import logging
import os
import random
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeAlias

from hauberk.base.cron import BadSchedule, parse
from hauberk.base.times import rfc3339_micro
from hauberk.dataplane.messages import Answer, Request
from hauberk.dataplane.place import Place
from hauberk.dataplane.roles.sending import now, send
from hauberk.events.contract import Contract, Resource, Served
from hauberk.events.event import BadEvent, Event, validate

log = logging.getLogger(__name__)

SPREAD_S = 0.5  # so that sources of the same minute do not all send at once
_LOOK_S = 1.0
_LONGEST_SLEEP_S = 30.0  # the clock may be set meanwhile

After: TypeAlias = Callable[[float], float | None]
"""From a moment to the next one of a schedule."""


async def run(place: Place) -> None:
    """Be the adapter until the process ends."""
    server = await place.serve(_nothing)
    adapter = Adapter(place)
    await place.obey(adapter.apply)
    lead = place.tasks.create_task(adapter.lead())
    await place.stopping.wait()
    lead.cancel()
    adapter.end()
    await place.lame(server)


async def _nothing(request: Request) -> Answer:  # noqa: ARG001 - a Handler
    return Answer(404)


def make_event(resource: Resource, id: str, moment: float) -> Event:  # noqa: A002
    """The event of a PingSource at a moment. Raises BadEvent.

    Source: runner.go, makeEvent; the client sets id and time.
    Deviation: JSON data is sent as it was written, not compacted.
    """
    settings = resource.settings
    data = settings.get("data", "").encode()
    if settings.get("dataBase64"):
        data = base64.b64decode(settings["dataBase64"])
    attributes = {"specversion": "1.0", "id": id, "time": rfc3339_micro(moment), **settings["attributes"]}
    if settings.get("contentType"):
        attributes["datacontenttype"] = settings["contentType"]
    event = Event(attributes, data)
    validate(event)
    return event


def read(resource: Resource) -> After:
    """When a PingSource sends. Raises BadSchedule, BadEvent."""
    make_event(resource, "id", 0.0)
    settings = resource.settings
    return parse(settings["schedule"], zone=settings.get("timezone", ""), seconds=True).after


@dataclass
class Adapter:
    """The schedules under way: one task for each source."""

    place: Place
    spread_s: float = SPREAD_S
    leads: bool = False
    running: dict[str, tuple[Resource, asyncio.Task[None]]] = field(default_factory=dict)

    async def lead(self) -> None:
        """Become the one that sends, as soon as no other process of the workload is."""
        self.place.data.mkdir(parents=True, exist_ok=True)
        file = os.open(self.place.data / "leader.lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            while not _lock(file):  # noqa: ASYNC110 - nobody in this process knows when the lock is free
                await asyncio.sleep(_LOOK_S)
            self.leads = True
            await asyncio.Event().wait()
        finally:
            self.leads = False
            os.close(file)

    async def apply(self, contract: Contract) -> Served:
        """Begin, change and end schedules. A source that cannot be scheduled is a problem."""
        wanted = {r.uid: r for r in contract.resources}
        problems: dict[str, str] = {}
        for uid, (before, task) in list(self.running.items()):
            if wanted.get(uid) != before:
                task.cancel()
                del self.running[uid]
        for uid, resource in wanted.items():
            if uid in self.running:
                continue
            try:
                after = read(resource)
            except (BadSchedule, BadEvent, ValueError) as error:
                problems[uid] = str(error)
                continue
            self.running[uid] = (resource, self.place.tasks.create_task(self._work(resource, after)))
        return Served(contract.generation, problems, {"schedules": len(self.running)})

    def end(self) -> None:
        """No more events."""
        for _, task in self.running.values():
            task.cancel()
        self.running.clear()

    async def _work(self, resource: Resource, after: After) -> None:
        """Send at every moment of the schedule."""
        moment = after(now())
        while moment is not None:
            while (left := moment - now()) > 0:  # noqa: ASYNC110 - the wall clock tells nobody
                await asyncio.sleep(min(left, _LONGEST_SLEEP_S))
            if self.leads:
                self.place.tasks.create_task(self._send(resource))
            moment = after(max(moment, now() - 1.0))

    async def _send(self, resource: Resource) -> None:
        assert resource.target is not None, "sources without a sink are not in the contract"
        await asyncio.sleep(random.random() * self.spread_s)
        await send(self.place, resource.target, make_event(resource, str(uuid.uuid4()), now()))


def _lock(file: int) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
