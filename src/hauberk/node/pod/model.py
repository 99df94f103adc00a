"""What the node remembers about one pod, and the words between machine and worker. Records, no logic.

A *unit* is one process: an app container is a unit of its own name; all proxy containers of a pod are the one
unit `PROXY`. *Health* is kept per container, because each proxy container has probes of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

PROXY = "@envoy"
TERM, KILL = 15, 9

UnitStep = Literal["waiting", "starting", "running", "exited"]
HookStep = Literal["none", "running", "done"]
HookKind = Literal["postStart", "preStop"]
ProbeKind = Literal["startup", "liveness", "readiness"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How one run of a unit ended. Times are epoch seconds."""

    code: int
    finished_at: float
    started_at: float | None = None
    reason: str = "Error"
    message: str = ""
    signal: int = 0
    container_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """A unit on its way down: preStop hook, SIGTERM, SIGKILL at the deadline."""

    since: float
    deadline: float
    hook: HookStep = "none"
    termed_at: float | None = None
    killed_at: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """One process and its history. `attempt` counts from 0 and is the restart count."""

    step: UnitStep = "waiting"
    attempt: int = 0
    reason: str = ""  # why it waits, as status shows it; empty: not its turn yet
    message: str = ""
    retry_at: float = 0.0
    container_id: str = ""
    image_id: str = ""
    started_at: float | None = None
    ended: Ended | None = None  # how the current attempt ended
    last: Ended | None = None  # how the attempt before ended
    delay_s: float = 0.0  # restart back-off
    delay_since: float = 0.0
    pull_delay_s: float = 0.0  # image back-off
    pull_since: float = 0.0
    stop: Stop | None = None
    drain: HookStep = "none"  # the proxy only


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """What is known about one container of the current attempt of its unit."""

    hook: HookStep = "none"  # postStart
    hooked: bool = False  # postStart was done once, in any attempt: later containers need not wait again
    started: bool = False
    ready: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PodState:
    """Everything that a decision about one pod depends on besides its spec and the time."""

    sandbox: Literal["none", "making", "ready", "removing", "removed"] = "none"
    sandbox_retry_at: float = 0.0
    ip: str = ""
    volumes: Literal["none", "mounting", "ready"] = "none"
    volumes_retry_at: float = 0.0
    units: Mapping[str, Unit] = field(default_factory=dict)
    health: Mapping[str, Health] = field(default_factory=dict)
    initialized: bool = False  # every init container did its work in this sandbox
    first_seen: float = 0.0
    ending_since: float | None = None  # the whole pod is on its way down
    ending_by: float = 0.0
    delete_retry_at: float = 0.0
    vanished: bool = False  # the object is gone; nothing may be written about it
    failed: tuple[str, str] | None = None  # reason and message of a pod that the node ended itself
    over: Literal["", "Succeeded", "Failed"] = ""  # final phase
    forgotten: bool = False  # nothing is left to do

    def unit(self, name: str) -> Unit:
        """The unit; a fresh one if it never ran."""
        return self.units.get(name, Unit())

    def of(self, container: str) -> Health:
        """The container's health."""
        return self.health.get(container, Health())


# What the machine asks for. Each is carried out by the worker, which answers with one event.


@dataclass(frozen=True, slots=True)
class MakeSandbox:
    """Network namespace and address → SandboxMade, SandboxFailed."""


@dataclass(frozen=True, slots=True)
class MountVolumes:
    """Files of all volumes → Mounted, MountFailed."""


@dataclass(frozen=True, slots=True)
class StartUnit:
    """Image, environment, process → Started, NotStarted. A redirect answers with Started and Exited."""

    unit: str
    attempt: int


@dataclass(frozen=True, slots=True)
class RunHook:
    """A lifecycle hook → HookDone."""

    container: str
    attempt: int
    kind: HookKind
    limit_s: float


@dataclass(frozen=True, slots=True)
class SendSignal:
    """SIGTERM or SIGKILL; the answer is Exited."""

    unit: str
    attempt: int
    signal: int


@dataclass(frozen=True, slots=True)
class DrainProxy:
    """Tell the Envoy to drain and wait at most `limit_s` → Drained."""

    attempt: int
    limit_s: float


@dataclass(frozen=True, slots=True)
class Clean:
    """Remove the sandbox and the pod's files → Cleaned."""


@dataclass(frozen=True, slots=True)
class DeleteObject:
    """The pod is gone from the node: delete its object → Deleted."""


@dataclass(frozen=True, slots=True)
class Say:
    """An event about the pod; nothing answers."""

    reason: str
    message: str
    warning: bool = False


Action: TypeAlias = (
    MakeSandbox | MountVolumes | StartUnit | RunHook | SendSignal | DrainProxy | Clean | DeleteObject | Say
)


# What the worker reports.


@dataclass(frozen=True, slots=True)
class SandboxMade:
    """The pod has its address."""

    ip: str


@dataclass(frozen=True, slots=True)
class SandboxFailed:
    """No sandbox: asked for again later."""

    message: str


@dataclass(frozen=True, slots=True)
class Mounted:
    """All volumes have their files."""


@dataclass(frozen=True, slots=True)
class MountFailed:
    """Some volume has no source; each message stands for one."""

    messages: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Started:
    """The unit's process runs."""

    unit: str
    attempt: int
    container_id: str
    image_id: str
    at: float


@dataclass(frozen=True, slots=True)
class NotStarted:
    """The unit could not start. `reason` decides: of the image, of the configuration, or a run that ended."""

    unit: str
    attempt: int
    reason: str
    message: str
    code: int = 128
    image_id: str = ""


@dataclass(frozen=True, slots=True)
class Exited:
    """The unit's process ended."""

    unit: str
    attempt: int
    code: int
    at: float
    signal: int = 0
    message: str = ""
    oom: bool = False


@dataclass(frozen=True, slots=True)
class HookDone:
    """A hook ended, well or not."""

    container: str
    attempt: int
    kind: HookKind
    ok: bool
    message: str = ""


@dataclass(frozen=True, slots=True)
class Probed:
    """A probe crossed its threshold (never a single answer below it)."""

    container: str
    attempt: int
    kind: ProbeKind
    ok: bool
    grace_s: float | None = None


@dataclass(frozen=True, slots=True)
class Drained:
    """The Envoy has no connections any more, or the limit passed."""

    attempt: int


@dataclass(frozen=True, slots=True)
class Cleaned:
    """Sandbox and files are gone."""

    ok: bool = True


@dataclass(frozen=True, slots=True)
class Deleted:
    """The object is gone."""

    ok: bool = True


@dataclass(frozen=True, slots=True)
class Vanished:
    """The object disappeared without the node's doing."""


@dataclass(frozen=True, slots=True)
class SourceChanged:
    """A ConfigMap or Secret that the pod refers to changed: what waits for one is tried at once."""


Event: TypeAlias = (
    SandboxMade
    | SandboxFailed
    | Mounted
    | MountFailed
    | Started
    | NotStarted
    | Exited
    | HookDone
    | Probed
    | Drained
    | Cleaned
    | Deleted
    | Vanished
    | SourceChanged
)


@dataclass(frozen=True, slots=True)
class Step:
    """What happens now: the state with everything asked for marked as under way, and when to look again."""

    state: PodState
    actions: tuple[Action, ...] = ()
    wake_at: float | None = None
