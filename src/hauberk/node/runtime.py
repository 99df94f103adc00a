"""The keeper's client: sandboxes, containers, proxies, and the exits that nobody may miss.

One connection to `run/keeper.sock`, JSON lines. The keeper outlives the control plane: a new `Runtime` finds in
`running()` what an old one started, and in `exits()` what ended meanwhile. An exit is kept by the keeper until it was
handed out and the loop came back for the next one, so each is seen at least once.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from hauberk.base.paths import Paths
from hauberk.node.dns.table import DnsTable
from hauberk.node.images.model import Mount, ResolvedImage
from hauberk.node.redirect import Redirect

__all__ = [
    "ExecResult",
    "Exit",
    "KeeperGone",
    "Launch",
    "Mount",
    "ResolvedImage",
    "Running",
    "Runtime",
    "StartError",
]


@dataclass(frozen=True, slots=True)
class Launch:
    """One container to start. `argv` None: the image's entrypoint; `args` replace the image's cmd.

    `argv` given and `args` empty drops the image's cmd, as Kubernetes does. `dns_search` is the pod's namespace.
    """

    uid: str
    name: str
    attempt: int
    image: ResolvedImage
    log: Path
    namespace: str = "default"
    argv: tuple[str, ...] | None = None
    args: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    cwd: str | None = None
    mounts: tuple[Mount, ...] = ()
    hostname: str = "localhost"
    run_as_user: int | None = None
    read_only_root: bool = False


@dataclass(frozen=True, slots=True)
class Exit:
    """The end of a process. `signal` is 0 unless a signal ended it; `code` is then 128 + signal. `at`: epoch s."""

    uid: str
    name: str
    attempt: int
    code: int
    signal: int
    at: float


@dataclass(frozen=True, slots=True)
class Running:
    """A live process. `pid` as seen in the pod network's pid namespace; `started_at`: epoch s."""

    uid: str
    name: str
    attempt: int
    pid: int
    started_at: float


@dataclass(frozen=True, slots=True)
class ExecResult:
    """What a command printed (both streams, cut at the limit) and its exit code; 124 after a timeout."""

    code: int
    output: bytes


class StartError(Exception):
    """A container that could not be started. `reason` as the kubelet shows it; `code` is 127 or 128."""

    def __init__(self, reason: str, message: str, code: int = 128) -> None:
        super().__init__(message)
        self.reason, self.message, self.code = reason, message, code


class KeeperGone(Exception):
    """The keeper closed the connection. Nothing of the pod network is left when it ends."""


class Runtime:
    """An asynchronous client of the keeper. Every method may raise `KeeperGone`."""

    @classmethod
    async def connect(cls, paths: Paths) -> Runtime:
        """Connect to `paths.keeper_socket`."""
        raise NotImplementedError

    async def sandbox(self, uid: str, *, ip: str | None = None) -> str:
        """Create the pod's network namespace, link and address; idempotent. Returns the pod's IP."""
        raise NotImplementedError

    async def remove_sandbox(self, uid: str) -> None:
        """Kill what still runs in the pod and free its namespace and address; idempotent."""
        raise NotImplementedError

    async def redirect(self, uid: str, spec: Redirect) -> None:
        """Capture the pod's connections: one `nft -f` in its namespace. Raises StartError."""
        raise NotImplementedError

    async def start(self, launch: Launch) -> Running:
        """Start a container; returns after its exec succeeded. Raises StartError."""
        raise NotImplementedError

    async def start_proxy(
        self, uid: str, *, name: str, argv: Sequence[str], env: Mapping[str, str], log: Path, attempt: int = 0
    ) -> Running:
        """Start a process in the pod's network that sees the host's files (the pod's Envoy). Raises StartError."""
        raise NotImplementedError

    async def signal(self, uid: str, name: str, sig: int) -> None:
        """Send a signal to the process; nothing when it is gone."""
        raise NotImplementedError

    async def exec(
        self, uid: str, name: str, argv: Sequence[str], *, timeout_s: float = 10.0, limit_bytes: int = 10240
    ) -> ExecResult:
        """Run a command inside a running container. Raises StartError when it cannot be run."""
        raise NotImplementedError

    async def running(self) -> list[Running]:
        """Every live container and proxy, whoever started it."""
        raise NotImplementedError

    def exits(self) -> AsyncIterator[Exit]:
        """Exits, oldest first, including those since the last reader; each is acked when the next is asked for."""
        raise NotImplementedError

    async def sandboxes(self) -> dict[str, str]:
        """Pod uid to IP of every sandbox."""
        raise NotImplementedError

    async def set_dns(self, table: DnsTable) -> None:
        """Replace what the node's DNS answers."""
        raise NotImplementedError

    async def set_services(self, rules: str) -> None:
        """Replace the Services' rules: an nft script from `hauberk.node.proxyrules.service_rules`."""
        raise NotImplementedError

    async def close(self) -> None:
        """Close the connection; everything keeps running."""
        raise NotImplementedError
