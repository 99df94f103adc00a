"""What pods and the node use, for metrics.k8s.io.

CPU is a difference of two readings. Nothing is read while nobody asks: the first question waits a second for
a second reading, later ones compare with an earlier one.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from hauberk.node.objects import NODE
from hauberk.node.pod.layout import layout_of
from hauberk.node.pod.model import PROXY
from hauberk.node.pod.spec import pod_of
from hauberk.node.runtime import Runtime
from hauberk.node.usage import by_process, machine
from hauberk.ports import Clock, Measured, Snapshot

LEAST_S, MOST_S = 1.0, 60.0


@dataclass(frozen=True, slots=True)
class Reading:
    """CPU seconds so far and bytes now."""

    at: float  # of the monotonic clock
    processes: Mapping[tuple[str, str], tuple[float, float]]
    machine: tuple[float, float]


class NodeMeter:
    """Is ports.Meter."""

    def __init__(self, runtime: Runtime, snapshot: Callable[[], Snapshot], clock: Clock) -> None:
        self._runtime, self._snapshot, self._clock = runtime, snapshot, clock
        self._old: list[Reading] = []
        self._turn = asyncio.Lock()

    async def measure(self) -> Measured:
        """What is used now."""
        async with self._turn:
            new = await self._read()
            base = next((r for r in self._old if LEAST_S <= new.at - r.at <= MOST_S), None)
            if base is None:
                await self._clock.sleep(LEAST_S)
                base, new = new, await self._read()
            self._old = [*(r for r in self._old[-4:] if new.at - r.at <= MOST_S / 2), new]
        return measured(base, new, self._clock.now(), self._names())

    async def _read(self) -> Reading:
        at = self._clock.monotonic()
        return Reading(at, await by_process(self._runtime), machine())

    def _names(self) -> Mapping[str, str]:
        """The container that a pod's Envoy is shown as, by uid: the first of its proxies."""
        pods = (pod_of(raw) for raw in self._snapshot().list("Pod"))
        roles = ((pod.uid, layout_of(pod).roles) for pod in pods)
        return {uid: next(iter(names)) for uid, names in roles if names}


def measured(old: Reading, new: Reading, now: float, envoys: Mapping[str, str]) -> Measured:
    """What was used between two readings; what began meanwhile used all its time in it. Pure."""
    window_s = new.at - old.at
    pods: dict[str, dict[str, tuple[float, float]]] = defaultdict(dict)
    for (uid, name), (cpu_s, size) in new.processes.items():
        before = old.processes.get((uid, name), (0.0, 0.0))[0]
        shown = envoys.get(uid, name) if name == PROXY else name
        pods[uid][shown] = max(cpu_s - before, 0.0) / window_s, size
    node = (new.machine[0] - old.machine[0]) / window_s, new.machine[1]
    return Measured(now, window_s, pods, {NODE: node})
