"""The ways into pods (ports.Doors): commands in containers, their own output, and their ports.

A command runs in all namespaces of its container, as its user and with its capabilities, from its working
directory; with `tty` its terminal is one of the container's own. A port is dialled from within the pod's
network, on its loopback, so what the mesh does with arriving connections does not apply, as with a kubelet.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import socket
import struct
import termios
from asyncio import StreamReader, StreamReaderProtocol, StreamWriter
from collections.abc import Callable, Sequence
from pathlib import Path

from hauberk.base.apierrors import ApiError, BadRequest
from hauberk.base.paths import Paths
from hauberk.base.refs import Json
from hauberk.node import keeperline
from hauberk.node.runtime import KeeperGone, StartError
from hauberk.ports import Clock, Command, Pipe, Snapshot, Streams

from .layout import layout_of
from .logs import Tail, attempt_of, log_path, status_row, still_runs
from .model import PROXY
from .spec import pod_of

_PIECE = 1 << 16
_FOLLOW_S = 0.1


class NodeDoors:
    """The ways into the pods of this node."""

    def __init__(self, paths: Paths, snapshot: Callable[[], Snapshot], clock: Clock) -> None:
        self._paths, self._snapshot, self._clock = paths, snapshot, clock

    async def execute(self, pod: Json, container: str, argv: Sequence[str], streams: Streams) -> Command:
        """Run a command in a container. BadRequest, ApiError."""
        _check_running(pod, container)
        request = {
            "op": "stream",
            "uid": pod["metadata"]["uid"],
            "name": container,
            "argv": list(argv),
            "tty": streams.tty,
        }
        start = _on_terminal if streams.tty else _on_pipes
        try:
            return await start(self._paths.keeper_socket, request, streams)
        except StartError as error:
            raise ApiError(
                "Internal error occurred: error executing command in container: failed to exec in container: "
                f"failed to start exec: {error.message}"
            ) from error
        except (OSError, KeeperGone) as error:
            raise ApiError(f"Internal error occurred: the node's keeper does not answer: {error}") from error

    async def attach(self, pod: Json, container: str, streams: Streams) -> Command:
        """The container's own output from now on. BadRequest.

        Deviation: containers have no input and no terminal, whatever `stdin` and `tty` in their spec say.
        """
        row = _check_running(pod, container)
        if streams.stdin or streams.tty:
            raise BadRequest(
                f"container {container} has no stdin and no terminal: on this cluster only output can be "
                "attached to; run a shell beside it with `kubectl exec -it`"
            )
        view = pod_of(pod)
        tail = Tail(log_path(self._paths, view, container, attempt_of(view, container, previous=False)))
        await asyncio.to_thread(tail.skip)
        attempt = int(row.get("restartCount") or 0)
        alive = lambda: still_runs(self._snapshot(), view, container, attempt)  # noqa: E731
        return Attached(tail, alive, self._clock)

    async def dial(self, pod: Json, port: int) -> Pipe:
        """Connect to a port of the pod's loopback, IPv4 before IPv6. OSError, ApiError."""
        uid = pod["metadata"]["uid"]
        try:
            return await self._dial(uid, ("127.0.0.1", port), v6=False)
        except ConnectionRefusedError as refused:
            with contextlib.suppress(OSError):
                return await self._dial(uid, ("::1", port), v6=True)
            raise ApiError(f"dial tcp4 127.0.0.1:{port}: connect: connection refused") from refused

    async def _dial(self, uid: str, address: tuple[str, int], *, v6: bool) -> Pipe:
        try:
            sock = await keeperline.socket_in(self._paths.keeper_socket, uid, v6=v6)
        except (StartError, KeeperGone) as error:
            raise ApiError(f"the pod's network cannot be entered: {error}") from error
        try:
            sock.setblocking(False)
            await asyncio.get_running_loop().sock_connect(sock, address)
            return Dialled(*await asyncio.open_connection(sock=sock))
        except BaseException:
            sock.close()
            raise


def _check_running(pod: Json, container: str) -> Json:
    """The container's status. BadRequest in upstream's words when there is no process to enter."""
    view = pod_of(pod)
    meta = pod["metadata"]
    if layout_of(view).unit_of(container) == PROXY:
        raise BadRequest(
            f"container {container} is a role of the pod's Envoy and has no files of its own: there is "
            f"`kubectl logs -c {container}` and, for the pod's network, "
            f"`hauberk enter --pod {meta['namespace']}/{meta['name']} -- COMMAND`"
        )
    row = status_row(pod, container) or {}
    if "running" not in (row.get("state") or {}):
        raise BadRequest(f'unable to upgrade connection: container not found ("{container}")')
    return row


class Dialled:
    """A connection to a port of a pod."""

    def __init__(self, reader: StreamReader, writer: StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    async def read(self) -> bytes:
        """What arrived."""
        return await self._reader.read(_PIECE)

    async def write(self, data: bytes) -> None:
        """Send."""
        self._writer.write(data)
        await self._writer.drain()

    def end_input(self) -> None:
        """No more is sent."""
        if self._writer.can_write_eof():
            self._writer.write_eof()

    def close(self) -> None:
        """End it."""
        self._writer.close()


class _ToTheEnd(StreamReaderProtocol):
    """A terminal ends with an error; a StreamReader with an error forgets what it has not handed out yet."""

    def connection_lost(self, exc: Exception | None) -> None:
        """Let what arrived be read."""
        del exc
        super().connection_lost(None)


class Running:
    """A command whose streams are descriptors of this process."""

    def __init__(self, line: tuple[StreamReader, StreamWriter]) -> None:
        self._line = line
        self._input: StreamWriter | None = None
        self._outputs: dict[str, StreamReader] = {}
        self._close: list[Callable[[], None]] = [line[1].close]
        self._terminal, self._typed = -1, False

    async def read_from(self, name: str, fd: int) -> None:
        """Let an output be read from a descriptor, which is this command's from now on."""
        reader, file = StreamReader(), os.fdopen(fd, "rb", 0)
        loop = asyncio.get_running_loop()
        transport, _ = await loop.connect_read_pipe(lambda: _ToTheEnd(reader), file)
        self._outputs[name] = reader
        self._close.append(transport.close)

    async def write_to(self, fd: int) -> None:
        """Let input be written to a descriptor, which is this command's from now on."""
        loop, file = asyncio.get_running_loop(), os.fdopen(fd, "wb", 0)
        made = await loop.connect_write_pipe(lambda: StreamReaderProtocol(StreamReader()), file)
        self._input = StreamWriter(*made, None, loop)
        self._close.append(made[0].close)

    async def on_terminal(self, fd: int, *, stdin: bool) -> None:
        """Let both be one terminal."""
        self._terminal, self._typed = os.dup(fd), stdin
        self._close.append(self._hang_up)
        await self.read_from("stdout", fd)

    def _hang_up(self) -> None:
        os.close(self._terminal)
        self._terminal = -1

    async def _type(self, data: bytes) -> None:
        """Write to the terminal. A write transport would not do: it reads, and takes output away."""
        loop, left = asyncio.get_running_loop(), data
        while left and self._terminal >= 0:
            try:
                left = left[os.write(self._terminal, left) :]
            except BlockingIOError:
                room = asyncio.Event()
                loop.add_writer(self._terminal, room.set)
                try:
                    await room.wait()
                finally:
                    loop.remove_writer(self._terminal)
            except OSError:
                return  # nobody reads any more

    async def read(self, name: str) -> bytes:
        """What came out; nothing at the end."""
        reader = self._outputs.get(name)
        if reader is None:
            return b""
        return await reader.read(_PIECE)

    async def write(self, data: bytes) -> None:
        """Give it input."""
        if self._typed:
            await self._type(data)
        if self._input is not None and not self._input.is_closing():
            with contextlib.suppress(OSError):
                self._input.write(data)
                await self._input.drain()

    def end_input(self) -> None:
        """No more input comes; on a terminal that is for its user to say."""
        if self._input is not None:
            self._input.close()

    def resize(self, width: int, height: int) -> None:
        """Tell the terminal its size."""
        if self._terminal >= 0 and 0 < width < 1 << 16 and 0 < height < 1 << 16:
            fcntl.ioctl(self._terminal, termios.TIOCSWINSZ, struct.pack("HHHH", height, width, 0, 0))

    async def wait(self) -> int:
        """Its exit code."""
        text = await self._line[0].readline()
        try:
            return int(keeperline.checked(text)["ended"])
        except KeeperGone as gone:
            raise ApiError(f"Internal error occurred: the node's keeper has gone: {gone}") from gone

    def close(self) -> None:
        """Let go of its streams."""
        for close in self._close:
            close()
        self._close.clear()


async def _started(line: socket.socket) -> Running:
    """The command, once its exec succeeded. StartError, KeeperGone."""
    line.setblocking(False)
    streams = await asyncio.open_unix_connection(sock=line)
    try:
        keeperline.checked(await streams[0].readline())
    except BaseException:
        streams[1].close()
        raise
    return Running(streams)


async def _on_pipes(path: Path, request: dict[str, object], streams: Streams) -> Running:
    """A command on pipes; what nobody wants is /dev/null."""
    ours: dict[str, int] = {}
    theirs = []
    try:
        for name, wanted in (
            ("stdin", streams.stdin),
            ("stdout", streams.stdout),
            ("stderr", streams.stderr),
        ):
            if wanted:
                read, write = os.pipe()
                ours[name], other = (write, read) if name == "stdin" else (read, write)
                theirs.append(other)
            else:
                theirs.append(os.open("/dev/null", os.O_RDWR))
        command = await _started(await keeperline.ask(path, request, theirs))
    except BaseException:
        for fd in ours.values():
            os.close(fd)
        raise
    finally:
        for fd in theirs:
            os.close(fd)
    for name, fd in ours.items():
        await (command.write_to(fd) if name == "stdin" else command.read_from(name, fd))
    return command


async def _on_terminal(path: Path, request: dict[str, object], streams: Streams) -> Running:
    """A command on a terminal of its container."""
    ours, theirs = socket.socketpair()
    with ours:
        with theirs:
            line = await keeperline.ask(path, request, [theirs.fileno()])
        command = await _started(line)
        fd = await asyncio.to_thread(keeperline.terminal_of, ours)
    await command.on_terminal(fd, stdin=streams.stdin)
    return command


class Attached:
    """The output of a container that runs, from its log."""

    def __init__(self, tail: Tail, alive: Callable[[], bool], clock: Clock) -> None:
        self._tail, self._alive, self._clock = tail, alive, clock
        self._ready: dict[str, bytes] = {"stdout": b"", "stderr": b""}
        self._over = asyncio.Event()
        self._turn = asyncio.Lock()

    async def read(self, name: str) -> bytes:
        """What the container wrote; nothing once it has ended."""
        while not self._ready[name]:
            async with self._turn:
                if self._ready[name] or not await self._more():
                    break
        found, self._ready[name] = self._ready[name], b""
        return found

    async def _more(self) -> bool:
        """Read on; False at the end."""
        alive = self._alive()
        data = await asyncio.to_thread(self._tail.more)
        for name, text in split(data):
            self._ready[name] += text
        if not data and not alive:
            self._over.set()
            return False
        if not data:
            await self._clock.sleep(_FOLLOW_S)
        return True

    async def write(self, data: bytes) -> None:
        """Nothing: the container has no input."""

    def end_input(self) -> None:
        """Nothing."""

    def resize(self, width: int, height: int) -> None:
        """Nothing."""

    async def wait(self) -> int:
        """0, once the container has ended."""
        await self._over.wait()
        return 0

    def close(self) -> None:
        """Let go of the log."""
        self._tail.close()


def split(data: bytes) -> list[tuple[str, bytes]]:
    """Log lines as (stream, text). Pure."""
    found = []
    for row in data.splitlines():
        parts = row.split(b" ", 3)
        if len(parts) >= 3 and parts[1] in (b"stdout", b"stderr"):
            text = parts[3] if len(parts) > 3 else b""
            found.append((parts[1].decode(), text + (b"\n" if parts[2] == b"F" else b"")))
    return found
