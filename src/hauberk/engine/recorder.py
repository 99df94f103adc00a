"""Events: what happened to objects, told once and counted, kept for an hour.

Events about one object with the same reason and message are one Event whose count grows. A source that
says very much about one object is slowed down: 25 at once, then one every five minutes.

Source: client-go tools/record/event.go (makeEvent), events_cache.go (EventLogger,
EventSourceObjectSpamFilter).
"""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from hauberk.base.apierrors import ApiError, NotFound
from hauberk.base.refs import Json, Ref
from hauberk.base.times import epoch, rfc3339
from hauberk.ports import Api, Clock

log = logging.getLogger(__name__)

TTL_S = 3600.0
_PRUNE_EVERY_S = 60.0
_REMEMBERED = 4096
_BURST = 25.0
_REFILL_PER_S = 1 / 300
_GATHER_S = 0.02  # events are no hurry: let the writes that caused them go first
_MAX_WAITING = 10_000

Key = tuple[str, str, str, str, str]


@dataclass(slots=True)
class _Bucket:
    tokens: float
    at: float


@dataclass(frozen=True, slots=True)
class _Told:
    key: Key
    about: Json
    now: float


class EventRecorder:
    """ports.Recorder over an API. `run` writes what `event` takes in."""

    def __init__(self, api: Api, clock: Clock, *, host: str = "hauberk") -> None:
        self._api, self._clock, self._host = api, clock, host
        self._told: list[_Told] = []
        self._wake = asyncio.Event()
        self._known: OrderedDict[Key, Ref] = OrderedDict()
        self._buckets: OrderedDict[tuple[str, str], _Bucket] = OrderedDict()
        self._order = 0
        self.dropped = 0

    def event(
        self,
        about: Json,
        reason: str,
        message: str,
        *,
        type: Literal["Normal", "Warning"] = "Normal",  # noqa: A002
        component: str = "hauberk",
    ) -> None:
        """Record and return at once. An `about` with `fieldPath` in its metadata is about that part."""
        now = self._clock.now()
        uid = about["metadata"].get("uid", "")
        if len(self._told) >= _MAX_WAITING or not self._allowed(component, uid, now):
            self.dropped += 1
            return
        self._told.append(_Told((uid, reason, message, type, component), about, now))
        self._wake.set()

    def _allowed(self, component: str, uid: str, now: float) -> bool:
        """The spam filter: a token bucket for each source and object."""
        key = (component, uid)
        bucket = self._buckets.pop(key, None) or _Bucket(_BURST, now)
        bucket.tokens = min(_BURST, bucket.tokens + (now - bucket.at) * _REFILL_PER_S)
        bucket.at = now
        self._buckets[key] = bucket
        if len(self._buckets) > _REMEMBERED:
            self._buckets.popitem(last=False)
        if bucket.tokens < 1:
            return False
        bucket.tokens -= 1
        return True

    async def run(self) -> None:
        """Write events and remove old ones until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._write_all())
            tasks.create_task(self._prune_all())

    async def _write_all(self) -> None:
        while True:
            await self._wake.wait()
            await asyncio.sleep(_GATHER_S)
            self._wake.clear()
            told, self._told = self._told, []
            groups: dict[Key, list[_Told]] = {}
            for one in told:
                groups.setdefault(one.key, []).append(one)
            await asyncio.gather(*(self._write(key, group) for key, group in groups.items()))

    async def _write(self, key: Key, group: list[_Told]) -> None:
        """Count up the Event that says this already, or make it."""
        last = group[-1]
        try:
            if not await self._count_up(key, len(group), last.now):
                self._order += 1
                event = make_event(
                    last.about, key, group[0].now, last.now, len(group), self._order, self._host
                )
                stored = await self._api.create(event, manager=key[4])
                meta = stored["metadata"]
                self._remember(key, Ref("Event", meta["namespace"], meta["name"]))
        except ApiError as error:  # for instance the namespace is gone: the event has no reader
            log.debug("event not written", extra={"reason": key[1], "error": str(error)})

    async def _count_up(self, key: Key, more: int, now: float) -> bool:
        ref = self._known.get(key)
        stored = self._api.snapshot().get(ref) if ref is not None else None
        if ref is None or stored is None:
            return False
        patch = {"count": stored.get("count", 1) + more, "lastTimestamp": rfc3339(now)}
        try:
            await self._api.patch(ref, patch, manager=key[4])
        except NotFound:
            return False
        self._known.move_to_end(key)
        return True

    def _remember(self, key: Key, ref: Ref) -> None:
        self._known[key] = ref
        if len(self._known) > _REMEMBERED:
            self._known.popitem(last=False)

    async def _prune_all(self) -> None:
        while True:
            await self._clock.sleep(_PRUNE_EVERY_S)
            for ref in expired(self._api.snapshot().list("Event"), self._clock.now()):
                try:
                    await self._api.delete(ref)
                except ApiError as error:
                    log.debug("event not removed", extra={"ref": str(ref), "error": str(error)})


def expired(events: Any, now: float) -> list[Ref]:
    """Events that nobody repeated for an hour."""
    out = []
    for event in events:
        meta = event["metadata"]
        last = event.get("lastTimestamp") or event.get("eventTime") or meta.get("creationTimestamp")
        if last and now - epoch(last) > TTL_S:
            out.append(Ref("Event", meta.get("namespace", ""), meta["name"]))
    return out


def make_event(
    about: Json, key: Key, first: float, last: float, count: int, order: int, host: str
) -> dict[str, Any]:
    """A core/v1 Event; its name is the object's and the time in hexadecimal nanoseconds."""
    uid, reason, message, kind, component = key
    meta: Mapping[str, Any] = about["metadata"]
    namespace = meta.get("namespace") or "default"
    involved = {
        "apiVersion": about["apiVersion"],
        "kind": about["kind"],
        "namespace": meta.get("namespace", ""),
        "name": meta["name"],
        "uid": uid,
        "resourceVersion": str(meta.get("resourceVersion", "")),
        "fieldPath": meta.get("fieldPath", ""),
    }
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": f"{meta['name']}.{int(first * 1e9) + order:x}", "namespace": namespace},
        "involvedObject": {k: v for k, v in involved.items() if v},
        "reason": reason,
        "message": message,
        "type": kind,
        "source": {"component": component, "host": host}
        if component == "kubelet"
        else {"component": component},
        "reportingComponent": component,
        "reportingInstance": host if component == "kubelet" else "",
        "firstTimestamp": rfc3339(first),
        "lastTimestamp": rfc3339(last),
        "count": count,
    }
