"""The one task that works one pod: turns the machine, acts, asks the probes, writes the status.

Guarantees: everything about the pod happens in this worker's TaskGroup and ends with it; the state
changes only between two awaits; at most one status write is under way, and what changes meanwhile is
written together after it. An error that nobody expected is reported as an event on the pod, and the
machine is told that the action failed.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import Coroutine
from dataclasses import replace
from typing import Any

from hauberk.base.apierrors import ApiError, NotFound
from hauberk.kinds.core.container import Container, Probe
from hauberk.node.runtime import Exit, KeeperGone, StartError

from .adopt import Found, adopt, lost_units
from .answers import after
from .deps import Deps
from .hands import Hands
from .layout import Layout, layout_of, readiness_of
from .machine import step, wanted_probes
from .model import (
    Action,
    Clean,
    Cleaned,
    Deleted,
    DeleteObject,
    Drained,
    DrainProxy,
    Event,
    Exited,
    HookDone,
    MakeSandbox,
    MountFailed,
    MountVolumes,
    NotStarted,
    Probed,
    ProbeKind,
    RunHook,
    SandboxFailed,
    Say,
    SendSignal,
    SourceChanged,
    StartUnit,
    Vanished,
)
from .probes.ask import Heard, ask
from .probes.decide import Judged
from .probes.prober import probe_loop
from .spec import Pod
from .status import differs, status_of
from .volumes import sources_of

log = logging.getLogger(__name__)

MANAGER = "kubelet"
LOST_AFTER_S = 2.0  # an exit that the keeper kept arrives much sooner than this
LOST_CODE = 137

ProbeKey = tuple[str, ProbeKind, int]


class PodWorker:
    """Works one pod until nothing of it is left on the node."""

    def __init__(self, deps: Deps, pod: Pod, found: Found) -> None:
        self._deps, self._pod, self._found = deps, pod, found
        self.layout: Layout = layout_of(pod)
        self._state = adopt(pod, self.layout, found, deps.clock.now())
        self._hands = Hands(deps, lambda: self._pod, self.layout, self._tell, self.post)
        self._hands.ip = found.ip
        self._inbox: deque[Event] = deque()
        self._news = asyncio.Event()
        self._dirty = asyncio.Event()
        self._probes: dict[ProbeKey, asyncio.Task[None]] = {}
        self._written: dict[str, Any] | None = None

    @property
    def uid(self) -> str:
        """The pod's uid."""
        return self._pod.uid

    # From outside.

    def post(self, event: Event) -> None:
        """Hand over an event."""
        self._inbox.append(event)
        self._news.set()

    def object_changed(self, pod: Pod) -> None:
        """The object has a new version."""
        self._pod = pod
        self._news.set()

    def exited(self, end: Exit) -> None:
        """A process of this pod ended."""
        if self._hands.lost_spare(end.name):
            return
        self.post(self._hands.exited(end.name, end.attempt, end.code, end.at, end.signal))

    def vanished(self) -> None:
        """The object is gone without this worker's doing."""
        self.post(Vanished())

    def source_changed(self) -> None:
        """A ConfigMap or Secret that the pod refers to changed."""
        self.refresh_volumes()
        self.post(SourceChanged())

    def refresh_volumes(self) -> None:
        """Bring the files of a running pod's volumes up to date: ConfigMaps, Secrets, tokens."""
        if self._state.volumes == "ready" and not self._state.over and self._state.ending_since is None:
            for problem in self._hands.refresh_volumes():
                self._tell("FailedMount", problem, True)

    def refers_to(self, ref: object) -> bool:
        """Whether the pod refers to that ConfigMap or Secret."""
        return ref in sources_of(self._pod)

    # The loop.

    async def run(self) -> None:
        """Work the pod until it is forgotten."""
        async with asyncio.TaskGroup() as tasks:
            writer = tasks.create_task(self._write_statuses())
            if self._found.ip:
                self._hands.refresh_volumes(first=True)
                tasks.create_task(self._notice_lost())
                self._state = replace(self._state, volumes="ready")
            while not self._state.forgotten:
                wake_at = self._turn(tasks)
                if self._state.forgotten:
                    break
                await self._wait(wake_at)
            for task in self._probes.values():
                task.cancel()
            writer.cancel()

    def _turn(self, tasks: asyncio.TaskGroup) -> float | None:
        """Take in what arrived, then ask the machine until it wants nothing more."""
        self._news.clear()
        now = self._deps.clock.now()
        while self._inbox:
            taken = after(self._pod, self.layout, self._state, self._inbox.popleft(), now)
            self._state = taken.state
            self._start(tasks, taken.actions)
        while True:
            decided = step(self._pod, self.layout, self._state, now)
            self._state = decided.state
            self._start(tasks, decided.actions)
            if not decided.actions:
                break
        self._set_probes(tasks)
        self._dirty.set()
        return decided.wake_at

    async def _wait(self, wake_at: float | None) -> None:
        if wake_at is None:
            await self._news.wait()
            return
        left = wake_at - self._deps.clock.now()
        if left > 0:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(left):
                    await self._news.wait()

    def _start(self, tasks: asyncio.TaskGroup, actions: tuple[Action, ...]) -> None:
        for action in actions:
            if isinstance(action, Say):
                self._tell(action.reason, action.message, action.warning)
            else:
                tasks.create_task(self._carry_out(action))

    async def _carry_out(self, action: Action) -> None:
        """Do one thing and report what came of it, whatever came of it."""
        began = self._deps.clock.monotonic()
        try:
            answer = await self._do(action)
            took = (self._deps.clock.monotonic() - began) * 1000
            log.debug("acted", extra={"pod": self._pod.ref.name, "action": action, "ms": f"{took:.1f}"})
        except KeeperGone:
            log.warning("the keeper is gone", extra={"pod": str(self._pod.ref)})
            return
        except Exception as error:
            log.exception(
                "an action on a pod failed", extra={"pod": str(self._pod.ref), "action": repr(action)}
            )
            self._tell("NodeActionFailed", f"{type(action).__name__}: {error}", True)
            await self._deps.clock.sleep(1.0)
            answer = failure_of(action, str(error))
        if answer is not None:
            self.post(answer)

    def _do(self, action: Action) -> Coroutine[Any, Any, Event | None]:
        match action:
            case MakeSandbox():
                return self._hands.make_sandbox(action)
            case MountVolumes():
                return self._hands.mount_volumes(action)
            case StartUnit():
                return self._hands.start_unit(action)
            case RunHook():
                return self._hands.hook(action)
            case SendSignal():
                return self._hands.signal(action)
            case DrainProxy():
                return self._hands.drain(action)
            case Clean():
                return self._hands.clean(action)
            case DeleteObject():
                return self._delete_after_last_status(action)
            case Say():
                raise AssertionError("events are told, not carried out")

    async def _delete_after_last_status(self, action: DeleteObject) -> Event:
        """The last status, with every exit code, is written before the object goes, as the kubelet does."""
        await self._write_status()
        return await self._hands.delete_object(action)

    def _tell(self, reason: str, message: str, warning: bool) -> None:
        if self._state.vanished:
            return
        self._deps.recorder.event(
            self._pod.raw, reason, message, type="Warning" if warning else "Normal", component=MANAGER
        )

    async def _notice_lost(self) -> None:
        """After an adoption: a process that neither runs nor has an exit was lost."""
        await self._deps.clock.sleep(LOST_AFTER_S)
        for name, attempt in lost_units(self._state, self._found).items():
            self.post(Exited(name, attempt, LOST_CODE, self._deps.clock.now(), 9, "the process is gone"))

    # Probes.

    def _set_probes(self, tasks: asyncio.TaskGroup) -> None:
        wanted = wanted_probes(self._pod, self.layout, self._state)
        for key in [k for k in self._probes if k not in wanted]:
            self._probes.pop(key).cancel()
        for key in wanted - self._probes.keys():
            self._probes[key] = tasks.create_task(self._probe(key))

    async def _probe(self, key: ProbeKey) -> None:
        name, kind, _ = key
        container = self._pod.container(name)
        assert container is not None, "wanted probes name containers of the spec"
        role = self.layout.roles.get(name, "")
        probe = {
            "startup": container.startup_probe,
            "liveness": container.liveness_probe,
            "readiness": readiness_of(container, role),
        }[kind]
        assert probe is not None, "only probes of the spec are wanted"
        unit = self._state.unit(self.layout.unit_of(name))
        now = self._deps.clock.now()

        def report(judged: Judged, heard: Heard) -> None:
            self._heard(key, probe, judged, heard)

        await probe_loop(
            kind,
            probe,
            container,
            ask=self._ask,
            clock=self._deps.clock,
            running_for_s=now - (unit.started_at or now),
            passed=kind == "readiness" and self._state.of(name).ready,
            report=report,
        )

    async def _ask(self, probe: Probe, container: Container, timeout_s: float) -> Heard:
        async def run(argv: tuple[str, ...], limit_s: float) -> tuple[int, bytes]:
            try:
                result = await self._deps.runtime.exec(self.uid, container.name, argv, timeout_s=limit_s)
            except StartError as error:
                return error.code, error.message.encode()
            return result.code, result.output

        return await ask(probe, container, self._state.ip, timeout_s, run)

    def _heard(self, key: ProbeKey, probe: Probe, judged: Judged, heard: Heard) -> None:
        name, kind, attempt = key
        word = kind.capitalize()
        if judged.unhealthy:
            self._tell("Unhealthy", f"{word} probe failed: {heard.text}", True)
        elif heard.warning:
            self._tell("ProbeWarning", f"{word} probe warning: {heard.warning}", True)
        if judged.verdict is not None:
            log.debug("probed", extra={"pod": self._pod.ref.name, "probe": key, "ok": judged.verdict})
            self.post(Probed(name, attempt, kind, judged.verdict, probe.termination_grace_period_seconds))

    # Status.

    async def _write_statuses(self) -> None:
        while True:
            await self._dirty.wait()
            self._dirty.clear()
            try:
                await self._write_status()
            except NotFound:
                continue  # the watch will tell
            except ApiError as error:
                log.warning(
                    "cannot write a pod's status", extra={"pod": str(self._pod.ref), "error": str(error)}
                )
                await self._deps.clock.sleep(0.5)
                self._dirty.set()

    async def _write_status(self) -> None:
        if self._state.vanished:
            return
        stored = self._written if self._written is not None else self._pod.raw.get("status")
        now, host_ip = self._deps.clock.now(), self._deps.facts.host_ip
        status = status_of(self._pod, self.layout, self._state, now, host_ip=host_ip, before=stored)
        if not differs(status, stored):
            return
        self._written = status
        try:
            await self._deps.api.apply_status(self._pod.ref, status, manager=MANAGER)
        except ApiError:
            self._written = None
            raise


def failure_of(action: Action, message: str) -> Event | None:
    """What an action that failed unexpectedly amounts to: asked for again, or taken as done."""
    match action:
        case MakeSandbox():
            return SandboxFailed(message)
        case MountVolumes():
            return MountFailed((message,))
        case StartUnit(unit, attempt):
            return NotStarted(unit, attempt, "RunContainerError", message)
        case RunHook(container, attempt, kind):
            return HookDone(container, attempt, kind, False, message)
        case DrainProxy(attempt):
            return Drained(attempt)
        case Clean():
            return Cleaned(ok=False)
        case DeleteObject():
            return Deleted(ok=False)
        case SendSignal() | Say():
            return None
