"""The protocols that rooms meet in. Nothing else in this package declares one."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol, TypeAlias

from hauberk.base.refs import Json, Ref


@dataclass(frozen=True, eq=False)
class Index:
    """A way to find objects of a kind by what they say, without a look at each. Declare it as a constant."""

    kind: str
    keys: Callable[[Json], Iterable[str]]


class Snapshot(Protocol):
    """An immutable-by-convention view of every stored object. Reads never block and never fail.

    The in-process snapshot is the store's own memory: stable between two awaits.
    """

    @property
    def revision(self) -> int:
        """The revision of the last write that this view contains."""

    def get(self, ref: Ref) -> Json | None:
        """The object, or None."""

    def list(
        self,
        kind: str,
        namespace: str | None = None,
        labels: Mapping[str, str] | None = None,
    ) -> Sequence[Json]:
        """Objects of a kind name, of one namespace or (None) all, with all of these labels."""

    def owned_by(self, uid: str, kinds: Collection[str]) -> Sequence[Json]:
        """Objects of these kinds with an owner reference (controller or not) to that uid."""

    def find(self, index: Index, key: str) -> Sequence[Json]:
        """The objects of which the index names this key."""


@dataclass(frozen=True, slots=True)
class WatchEvent:
    """One change. `obj` is the state after it; for DELETED the last state, with its revision.

    `old` is the state before it; None when there was none, or when nobody remembers it.
    """

    type: Literal["ADDED", "MODIFIED", "DELETED"]
    obj: Json
    revision: int
    old: Json | None = None


class Api(Protocol):
    """The Kubernetes API as rooms need it: in-process, or over HTTP to a real cluster.

    All methods raise `hauberk.base.apierrors.ApiError` subclasses. Every write passes
    defaulting, admission and validation.
    """

    def snapshot(self) -> Snapshot:
        """The current view."""

    def watch(
        self, kinds: Collection[str] | None = None, *, since: int | None = None
    ) -> AsyncIterator[Sequence[WatchEvent]]:
        """Changes of these kinds (None: all) after revision `since` (None: now), in order, in batches.

        Closing the iterator (`aclose`, or cancelling its reader) ends the subscription.
        """

    async def create(self, obj: Json, *, manager: str = "hauberk") -> Json:
        """Store a new object; returns it as stored. AlreadyExists, Invalid."""

    async def update(self, obj: Json, *, manager: str = "hauberk", subresource: str = "") -> Json:
        """Replace; Conflict when `metadata.resourceVersion` is set and stale."""

    async def apply(self, obj: Json, *, manager: str, owner: Json | None = None) -> Json:
        """Server-side apply with force. `owner` (a raw object) becomes the controller reference."""

    async def apply_status(self, ref: Ref, status: Json, *, manager: str) -> Json:
        """Replace the fields of `status` that `manager` owns by these."""

    async def patch(self, ref: Ref, patch: Json, *, manager: str = "hauberk", subresource: str = "") -> Json:
        """A JSON merge patch."""

    async def delete(self, ref: Ref, *, grace_s: int | None = None, uid: str | None = None) -> None:
        """Begin deletion. NotFound when it is gone already; Conflict when `uid` differs.

        Pods with a grace period stay, marked, until the node deletes them with `grace_s=0`.
        """


class Recorder(Protocol):
    """Writes core/v1 Events, aggregated by (object, reason, message) like client-go's recorder."""

    def event(
        self,
        about: Json,
        reason: str,
        message: str,
        *,
        type: Literal["Normal", "Warning"] = "Normal",  # noqa: A002
        component: str = "hauberk",
    ) -> None:
        """Record and return at once; the write happens in the background."""


class Clock(Protocol):
    """Time for loops. Pure code is given `now` instead."""

    def now(self) -> float:
        """Seconds since the epoch."""

    def monotonic(self) -> float:
        """Seconds that never go back."""

    async def sleep(self, seconds: float) -> None:
        """Wait."""


@dataclass(frozen=True, slots=True)
class KeyPair:
    """A certificate chain (leaf first) and its private key, PEM."""

    chain: bytes
    key: bytes


class Signer(Protocol):
    """Issues workload certificates of the mesh."""

    @property
    def trust_domain(self) -> str:
        """`cluster.local` unless set otherwise."""

    @property
    def roots(self) -> bytes:
        """The trust bundle, PEM."""

    def issue(self, identity: str, *, now: float, life_s: float = 86_400.0) -> KeyPair:
        """A certificate for one SPIFFE ID, such as `spiffe://cluster.local/ns/a/sa/b`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldRequest:
    """A request that waits in an activator. Its body stays in the Envoy."""

    namespace: str
    revision: str
    authority: str
    path: str
    headers: Mapping[str, str]
    pod_uid: str  # the activator pod that holds it


@dataclass(frozen=True, slots=True)
class Forward:
    """Let the request go on to this pod's queue port, as `IP:PORT`."""

    to: str


@dataclass(frozen=True, slots=True)
class Reject:
    """Answer the request here."""

    code: int
    body: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)


HoldAnswer: TypeAlias = Forward | Reject
Hold: TypeAlias = Callable[[HoldRequest], Awaitable[HoldAnswer]]
"""Decides where a held request goes. Cancelled when its client leaves."""


class LogSource(Protocol):
    """Where the output of containers is read from."""

    async def read(
        self,
        pod: Json,
        container: str,
        *,
        previous: bool,
        follow: bool,
        tail_lines: int | None,
        since_s: int | None,
        since: float | None,
        limit_bytes: int | None,
        timestamps: bool,
    ) -> AsyncIterator[bytes]:
        """The output in pieces, at most so many seconds old or since that time (epoch s).

        With `follow` it ends when the container does or the iterator is closed.

        Raises NotFound or BadRequest when there is nothing to read.
        """


@dataclass(frozen=True, slots=True)
class Streams:
    """Which streams of a command somebody wants; a terminal has one output."""

    stdin: bool = False
    stdout: bool = False
    stderr: bool = False
    tty: bool = False


class Command(Protocol):
    """A command that runs in a container, or the container itself."""

    async def read(self, name: str) -> bytes:
        """What came out of `stdout` or `stderr`, at least one byte; nothing at the end."""

    async def write(self, data: bytes) -> None:
        """Give it input; lost when it does not read any more."""

    def end_input(self) -> None:
        """No more input comes."""

    def resize(self, width: int, height: int) -> None:
        """Tell its terminal the size, in characters."""

    async def wait(self) -> int:
        """Its exit code. Raises ApiError when it could not be run."""

    def close(self) -> None:
        """Let go of its streams; a command on a terminal is hung up."""


class Pipe(Protocol):
    """A connection to a port."""

    async def read(self) -> bytes:
        """What arrived, at least one byte; nothing at the end. OSError."""

    async def write(self, data: bytes) -> None:
        """Send. OSError."""

    def end_input(self) -> None:
        """No more is sent."""

    def close(self) -> None:
        """End it."""


class Doors(Protocol):
    """The ways into pods."""

    async def execute(self, pod: Json, container: str, argv: Sequence[str], streams: Streams) -> Command:
        """Run a command in a container. Raises ApiError."""

    async def attach(self, pod: Json, container: str, streams: Streams) -> Command:
        """The running container's own output. Raises ApiError."""

    async def dial(self, pod: Json, port: int) -> Pipe:
        """Connect to a port of the pod's loopback. Raises OSError, ApiError."""


@dataclass(frozen=True, slots=True)
class Measured:
    """What ran and what it used, in cores and bytes, over the `window_s` seconds before `at` (epoch s)."""

    at: float
    window_s: float
    pods: Mapping[str, Mapping[str, tuple[float, float]]]  # by uid, by container
    nodes: Mapping[str, tuple[float, float]]  # by name


class Meter(Protocol):
    """Measures what pods and nodes use."""

    async def measure(self) -> Measured:
        """What is used now; may take a second."""


class Demand(Protocol):
    """Who is told how many requests wait for a revision: the autoscaler's facts."""

    def hold(self, key: tuple[str, str], by: int) -> None:
        """So many more (or, negative, fewer) requests wait for this namespace and revision."""

    async def in_flight(self, key: tuple[str, str]) -> Mapping[str, int] | None:
        """Requests in each ready pod by its IP, asked now; None when the pods cannot be asked."""
