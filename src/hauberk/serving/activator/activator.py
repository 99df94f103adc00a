"""Holds requests for revisions without a ready pod, and lets them go as pods become ready.

The way of a cold start: `hold` tells the autoscaler's facts, which wake the PodAutoscaler in the same turn of
the loop; its plan sets the Deployment's size. When the pod's Ready reaches the watch, the request goes. There
is no timer on this way.

Deviation: the end of a forwarded request is the Envoy's to know. While requests wait for a place below
`containerConcurrency` the pods are asked how many they have; where they cannot be asked, a place is given
back after `LEASE_S`, and what then comes too early waits in the pod's own queue.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections import deque
from collections.abc import Iterable
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any, cast

from hauberk.base.apierrors import Gone
from hauberk.base.conditions import condition
from hauberk.base.refs import Json, Ref, is_deleting, kind_of, labels_of
from hauberk.ports import Api, Clock, Demand, Forward, HoldAnswer, HoldRequest, Reject
from hauberk.serving.activator.machine import Go, Throttle, Verdict
from hauberk.serving.names import L_REVISION, QUEUE_H2C, QUEUE_HTTP, REVISION

log = logging.getLogger(__name__)

LEASE_S = 1.0
ASK_S = 0.01  # between two questions to the pods, and as long as a request may take to reach its pod
ACTIVATION_S = 600.0
FULL = "pending request queue full"
LATE = "activator request timeout"
Key = tuple[str, str]


@dataclass(slots=True)
class _Revision:
    throttle: Throttle = field(default_factory=Throttle)
    waiters: dict[int, asyncio.Future[str]] = field(default_factory=dict)


class Activator:
    """Answers `hold` for all activator pods. `run` must run beside it."""

    def __init__(self, api: Api, facts: Demand, clock: Clock) -> None:
        self._api, self._facts, self._clock = api, facts, clock
        self._ids = itertools.count(1)
        self._revisions: dict[Key, _Revision] = {}
        self._leases: deque[tuple[float, Key, int]] = deque()
        self._leased = asyncio.Event()
        self._queued = asyncio.Event()

    async def hold(self, request: HoldRequest) -> HoldAnswer:
        """Wait for a pod with room. Cancelling gives the place back."""
        key = (request.namespace, request.revision)
        revision = self._api.snapshot().get(Ref(REVISION, *key))
        if revision is None:
            text = f'revision.serving.knative.dev "{request.revision}" not found'
            return Reject(404, text)
        state = self._revisions.get(key) or self._revisions.setdefault(key, _Revision())
        self._started(key, state, state.throttle.change(self._ready(key), _limit(revision)))
        number = next(self._ids)
        match state.throttle.arrive(number):
            case Verdict.REJECT:
                return Reject(503, FULL)
            case Go(_, backend):
                self._lease(key, number, state)
                return Forward(_address(backend, revision))
            case Verdict.WAIT:
                pass
        return await self._wait(key, state, number, revision)

    async def _wait(self, key: Key, state: _Revision, number: int, revision: Json) -> HoldAnswer:
        waiter: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        state.waiters[number] = waiter
        self._facts.hold(key, 1)
        self._queued.set()
        gone = False
        log.debug("held", extra={"revision": key})
        try:
            async with asyncio.timeout(_patience_s(revision)):
                backend = await waiter
            log.debug("let go", extra={"revision": key, "to": backend})
            return Forward(_address(backend, revision))
        except TimeoutError:
            gone = True
            return Reject(504, LATE)
        except asyncio.CancelledError:
            gone = True
            raise
        finally:
            self._facts.hold(key, -1)
            state.waiters.pop(number, None)
            if gone:
                self._started(key, state, state.throttle.leave(number))

    def _started(self, key: Key, state: _Revision, going: Iterable[Go]) -> None:
        for go in going:
            waiter = state.waiters.get(go.request)
            if waiter is not None and not waiter.done():
                waiter.set_result(go.backend)
                self._lease(key, go.request, state)

    def _lease(self, key: Key, number: int, state: _Revision) -> None:
        if state.throttle.limit:
            self._leases.append((self._clock.monotonic() + LEASE_S, key, number))
            self._leased.set()

    def _ready(self, key: Key) -> set[str]:
        pods = self._api.snapshot().list("Pod", key[0], {L_REVISION: key[1]})
        return {str(p["status"]["podIP"]) for p in pods if _is_ready(p)}

    async def run(self) -> None:
        """Follow the pods and give places back, until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._follow())
            group.create_task(self._expire())
            group.create_task(self._watch_pods())

    async def _watch_pods(self) -> None:
        """While requests wait for a place in a pod that is there, ask the pods."""
        while True:
            limited = {k: s.throttle for k, s in self._revisions.items() if s.throttle.limit}
            full = [k for k, t in limited.items() if t.waiting and t.running]
            if not any(t.waiting for t in limited.values()):
                self._queued.clear()
                await self._queued.wait()
                continue
            for key in full:
                await self._ask(key)
            await self._clock.sleep(ASK_S)

    async def _ask(self, key: Key) -> None:
        asked = self._clock.monotonic()
        try:
            in_flight = await self._facts.in_flight(key)
        except Exception:
            log.exception("asking pods for their requests failed", extra={"revision": "/".join(key)})
            return
        state = self._revisions.get(key)
        if in_flight is not None and state is not None:
            young = asked - ASK_S + LEASE_S
            fresh = {number for due, of, number in self._leases if of == key and due > young}
            self._started(key, state, state.throttle.settle(in_flight, fresh))

    async def _follow(self) -> None:
        while True:
            try:
                changes = self._api.watch(("Pod", REVISION))
                for key in tuple(self._revisions):
                    self._look(key)
                async with aclosing(cast(Any, changes)):
                    async for batch in changes:
                        for key in {k for event in batch if (k := _key_of(event.obj)) is not None}:
                            self._look(key)
            except Gone:
                log.warning("watch history is gone, looking at everything again")

    def _look(self, key: Key) -> None:
        """Let go what may go now; forget a revision that nobody waits for."""
        state = self._revisions.get(key)
        if state is None:
            return
        revision = self._api.snapshot().get(Ref(REVISION, *key))
        limit = _limit(revision) if revision is not None else 0
        self._started(key, state, state.throttle.change(self._ready(key), limit))
        if state.throttle.is_idle and not state.waiters:
            del self._revisions[key]

    async def _expire(self) -> None:
        while True:
            if not self._leases:
                self._leased.clear()
                await self._leased.wait()
            due, key, number = self._leases[0]
            left = due - self._clock.monotonic()
            if left > 0:
                await self._clock.sleep(left)
                continue
            self._leases.popleft()
            state = self._revisions.get(key)
            if state is not None:
                self._started(key, state, state.throttle.leave(number))


def _key_of(obj: Json) -> Key | None:
    meta = obj["metadata"]
    if kind_of(obj) == REVISION:
        return meta["namespace"], meta["name"]
    name = labels_of(obj).get(L_REVISION)
    return (meta["namespace"], name) if name else None


def _is_ready(pod: Json) -> bool:
    row = condition(pod, "Ready")
    ready = row is not None and row["status"] == "True" and not is_deleting(pod)
    return ready and bool((pod.get("status") or {}).get("podIP"))


def _limit(revision: Json) -> int:
    return int((revision.get("spec") or {}).get("containerConcurrency") or 0)


def _patience_s(revision: Json) -> float:
    """A request waits as long as the revision lets one take.

    Source: knative/serving cmd/activator/main.go (timeout handler by the revision's timeoutSeconds).
    """
    seconds = float((revision.get("spec") or {}).get("timeoutSeconds") or 0)
    return min(seconds, ACTIVATION_S) if seconds > 0 else ACTIVATION_S


def _address(ip: str, revision: Json) -> str:
    containers = (revision.get("spec") or {}).get("containers") or ()
    h2c = any(p.get("name") == "h2c" for c in containers for p in c.get("ports") or ())
    return f"{ip}:{QUEUE_H2C if h2c else QUEUE_HTTP}"
