"""The loop that asks one probe of one container for as long as the pod's worker wants it asked."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from hauberk.kinds.core.container import Container, Probe
from hauberk.node.pod.model import ProbeKind
from hauberk.ports import Clock

from .ask import Heard
from .decide import Judged, Memory, judge, next_delay, rules_of

Ask = Callable[[Probe, Container, float], Awaitable[Heard]]


async def probe_loop(
    kind: ProbeKind,
    probe: Probe,
    container: Container,
    *,
    ask: Ask,
    clock: Clock,
    running_for_s: float,
    passed: bool,
    report: Callable[[Judged, Heard], None],
) -> None:
    """Ask until cancelled. `passed`: the container was ready already when this process took over."""
    rules = rules_of(probe)
    memory = Memory(passed=passed, verdict=True if passed else None)
    if rules.delay_s > running_for_s:
        await clock.sleep(rules.delay_s - running_for_s)
    while True:
        heard = await ask(probe, container, rules.timeout_s)
        judged = judge(kind, rules, memory, heard.ok, clock.monotonic())
        memory = judged.memory
        report(judged, heard)
        await clock.sleep(next_delay(kind, rules, memory, clock.monotonic()))
