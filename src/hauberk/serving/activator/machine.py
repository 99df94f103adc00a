"""The throttle of one revision as a state machine. Pure: no clock, no waiting.

Source: knative/serving pkg/activator/net/throttler.go, revisionThrottler; pkg/queue/breaker.go.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from enum import Enum

DEPTH = 10_000
"""Requests that may wait per revision. Source: throttler.go, breakerQueueDepth."""


class Verdict(Enum):
    """What becomes of a request that cannot go on at once."""

    WAIT = "wait"
    REJECT = "reject"  # the caller answers 503


@dataclass(frozen=True, slots=True)
class Go:
    """The request goes to this pod."""

    request: int
    backend: str


@dataclass(slots=True)
class Throttle:
    """Held requests of one revision, first come first served.

    | event      | a backend has room | waiting < depth | otherwise |
    |------------|--------------------|-----------------|-----------|
    | arrive(id) | Go                 | WAIT            | REJECT    |

    `leave` and `change` return the requests that may go now, oldest first. A backend has room below `limit`
    requests; with limit 0 always. The backend with the fewest requests is chosen, in turn among equals.
    """

    limit: int = 0
    depth: int = DEPTH
    running: OrderedDict[str, set[int]] = field(default_factory=OrderedDict)  # by backend
    waiting: OrderedDict[int, None] = field(default_factory=OrderedDict)

    def arrive(self, request: int) -> Go | Verdict:
        """A request came."""
        if not self.waiting:  # nobody is overtaken
            go = self._start(request)
            if go is not None:
                return go
        if len(self.waiting) >= self.depth:
            return Verdict.REJECT
        self.waiting[request] = None
        return Verdict.WAIT

    def leave(self, request: int) -> list[Go]:
        """The request ended, was cancelled, or gave up waiting."""
        self.waiting.pop(request, None)
        for held in self.running.values():
            held.discard(request)
        return self._admit()

    def change(self, backends: Collection[str], limit: int) -> list[Go]:
        """These are the ready pods now. What ran on a pod that is gone counts no more."""
        self.limit = limit
        for gone in [b for b in self.running if b not in backends]:
            del self.running[gone]
        for new in sorted(set(backends) - set(self.running)):
            self.running[new] = set()
        return self._admit()

    def settle(self, in_flight: Mapping[str, int], fresh: Collection[int]) -> list[Go]:
        """Pods say how many requests they have: places of more than that are free, the oldest first.

        `fresh` requests may not have reached their pod yet, so their places are not given away.
        """
        for backend, held in self.running.items():
            if backend in in_flight:
                ended = sorted(held - set(fresh))
                running = max(0, in_flight[backend] - len(held & set(fresh)))
                held -= set(ended[: max(0, len(ended) - running)])
        return self._admit()

    @property
    def is_idle(self) -> bool:
        """Whether nothing waits and nothing runs."""
        return not self.waiting and not any(self.running.values())

    def _admit(self) -> list[Go]:
        started: list[Go] = []
        while self.waiting:
            request = next(iter(self.waiting))
            go = self._start(request)
            if go is None:
                break
            del self.waiting[request]
            started.append(go)
        return started

    def _start(self, request: int) -> Go | None:
        if not self.running:
            return None
        backend, held = min(self.running.items(), key=lambda row: len(row[1]))
        if self.limit and len(held) >= self.limit:
            return None
        if self.limit:
            held.add(request)
        self.running.move_to_end(backend)
        return Go(request, backend)
