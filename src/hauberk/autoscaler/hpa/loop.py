"""Every 15 s: what the pods of each HorizontalPodAutoscaler use, and what follows from it.

Recommendations are kept in memory, as Kubernetes' controller keeps them.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, field

from hauberk.autoscaler.hpa import behavior
from hauberk.autoscaler.hpa.decide import STABLE_S, Decision, Wish, decide, wish
from hauberk.autoscaler.hpa.rows import Metric, Unreadable, Used, metrics_of, rows_of
from hauberk.base.refs import Json, Ref, is_deleting, kind_of, ref_of
from hauberk.ports import Clock, Snapshot

log = logging.getLogger(__name__)
KIND = "HorizontalPodAutoscaler.autoscaling"
EVERY_S = 15.0
SCALED = ("Deployment.apps", "ReplicaSet.apps", "StatefulSet.apps")


@dataclass(frozen=True, slots=True)
class Reading:
    """What the processes of one pod have used so far: CPU seconds; and bytes at this instant."""

    cpu_s: float
    memory: float


Reader = Callable[[Collection[str]], Awaitable[Mapping[str, Reading]]]
"""From pod uids to their readings; a pod that has no process is left out."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What follows for one autoscaler; `decision` None: nothing can be decided, `reason` says why."""

    current: int
    decision: Decision | None = None
    seen: tuple[tuple[Metric, Wish], ...] = ()
    reason: str = ""
    message: str = ""


@dataclass
class Loop:
    """Measures and decides; `verdict` is what the controller reads."""

    snapshot: Callable[[], Snapshot]
    read: Reader
    clock: Clock
    wake: Callable[[Ref], None] = lambda _: None
    _before: dict[str, tuple[float, Reading]] = field(default_factory=dict)  # by pod uid
    _recent: dict[Ref, list[tuple[float, int]]] = field(default_factory=dict)
    _changes: dict[Ref, list[tuple[float, int]]] = field(default_factory=dict)
    _verdicts: dict[Ref, Verdict] = field(default_factory=dict)

    def verdict(self, ref: Ref) -> Verdict | None:
        """The last verdict; None before the first."""
        return self._verdicts.get(ref)

    async def run(self) -> None:
        """Work until cancelled; a turn that fails does not end the loop."""
        while True:
            try:
                await self.turn()
            except Exception:
                log.exception("looking after HorizontalPodAutoscalers failed")
            await self.clock.sleep(EVERY_S)

    async def turn(self) -> None:
        """Measure the pods of every autoscaler, and decide."""
        snapshot = self.snapshot()
        found = {ref_of(h): h for h in snapshot.list(KIND) if not is_deleting(h)}
        self._recent = {ref: rows for ref, rows in self._recent.items() if ref in found}
        self._changes = {ref: rows for ref, rows in self._changes.items() if ref in found}
        self._verdicts = {ref: row for ref, row in self._verdicts.items() if ref in found}
        if not found:
            self._before = {}
            return
        pods = {ref: pods_of(snapshot, target_of(snapshot, hpa)) for ref, hpa in found.items()}
        used = await self._measure({p["metadata"]["uid"] for rows in pods.values() for p in rows})
        for ref, hpa in found.items():
            self._verdicts[ref] = self._judge(ref, hpa, target_of(snapshot, hpa), pods[ref], used)
            self.wake(ref)

    async def _measure(self, uids: Collection[str]) -> dict[str, Used]:
        rows, now = await self.read(uids), self.clock.monotonic()
        used = {}
        for uid, row in rows.items():
            at, before = self._before.get(uid, (now, row))
            known = now > at and row.cpu_s >= before.cpu_s
            used[uid] = Used((row.cpu_s - before.cpu_s) / (now - at) if known else None, row.memory)
        self._before = {uid: (now, row) for uid, row in rows.items()}
        return used

    def _judge(
        self, ref: Ref, hpa: Json, target: Json | None, pods: list[Json], used: Mapping[str, Used]
    ) -> Verdict:
        if target is None:
            return Verdict(
                0, reason="FailedGetScale", message="the HPA controller was unable to get the target"
            )
        spec, current = hpa.get("spec") or {}, int((target.get("spec") or {}).get("replicas", 1))
        if current == 0:
            text = "scaling is disabled since the replica count of the target is zero"
            return Verdict(0, reason="ScalingDisabled", message=text)
        try:
            seen = self._wishes(hpa, pods, used, current)
        except Unreadable as error:
            return Verdict(current, reason=error.reason, message=error.message)
        now = self.clock.monotonic()
        wanted = [row.pods for _, row in seen]
        bounds = (int(spec.get("minReplicas", 1)), int(spec.get("maxReplicas", 1)))
        decision = self._decide(ref, hpa, wanted, current, bounds, now)
        self._recent[ref] = [*behavior.kept(self._recent.get(ref, ()), now), (now, max(wanted))]
        if decision.pods != current:
            changes = behavior.kept(self._changes.get(ref, ()), now)
            self._changes[ref] = [*changes, (now, decision.pods - current)]
        return Verdict(current, decision, tuple(seen))

    def _decide(
        self, ref: Ref, hpa: Json, wanted: list[int], current: int, bounds: tuple[int, int], now: float
    ) -> Decision:
        recent, rules = self._recent.get(ref, ()), behavior.behavior_of(hpa)
        if rules is None:
            return decide(wanted, current, *bounds, [n for at, n in recent if now - at < STABLE_S])
        changes = self._changes.get(ref, ())
        return behavior.decide(rules, max(wanted), current, bounds, recent, changes, now)

    def _wishes(
        self, hpa: Json, pods: list[Json], used: Mapping[str, Used], current: int
    ) -> list[tuple[Metric, Wish]]:
        out = []
        for metric in metrics_of(hpa):
            rows = rows_of(metric, pods, used, self.clock.now())
            found = wish(rows, metric.target, current, percent=metric.percent)
            if found is None:
                text = f"failed to get {metric.name} utilization: did not receive metrics for any ready pods"
                raise Unreadable("FailedGetResourceMetric", text)
            out.append((metric, found))
        return out


def target_of(snapshot: Snapshot, hpa: Json) -> Json | None:
    """What is scaled: a Deployment, a ReplicaSet or a StatefulSet."""
    wanted = (hpa.get("spec") or {}).get("scaleTargetRef") or {}
    group = str(wanted.get("apiVersion", "")).partition("/")[0]
    kind = f"{wanted.get('kind', '')}.{group}"
    found = snapshot.get(Ref(kind, hpa["metadata"]["namespace"], wanted.get("name", "")))
    return found if found is not None and kind_of(found) in SCALED else None


def pods_of(snapshot: Snapshot, target: Json | None) -> list[Json]:
    """The pods that the target selects."""
    if target is None:
        return []
    labels = ((target.get("spec") or {}).get("selector") or {}).get("matchLabels") or {}
    return list(snapshot.list("Pod", target["metadata"]["namespace"], labels)) if labels else []
