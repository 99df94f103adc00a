"""Every process of every pod: started, signalled, remembered after its end until someone has taken note."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
from collections.abc import Callable
from typing import Any

from hauberk.node.keeper import spawn
from hauberk.node.keeper.loop import Loop, say, wall_clock
from hauberk.node.keeper.network import Network

Answer = dict[str, Any]
Reply = Callable[[Answer], None]
_TIMED_OUT = 124


class Proc:
    """A container or proxy."""

    __slots__ = (
        "attempt",
        "born",
        "cwd",
        "env",
        "kind",
        "log",
        "name",
        "pid",
        "pipes",
        "scratch",
        "since",
        "uid",
        "user",
    )

    def __init__(self, request: spawn.Request, started: spawn.Started) -> None:
        self.uid, self.name, self.attempt = request["uid"], request["name"], request["attempt"]
        self.born = self.uid
        self.kind, self.log, self.env = request["kind"], request["log"], request["env"]
        self.cwd, self.user, self.scratch = request["cwd"], request["user"], request["scratch"]
        self.pid, self.pipes, self.since = started.pid, (started.out, started.err), wall_clock()

    def as_json(self) -> Answer:
        """The row that `running` shows. `born` is the uid that it was started with."""
        row = {k: getattr(self, k) for k in ("uid", "name", "attempt", "pid", "born")}
        return {**row, "started_at": self.since}


class Pods:
    """The table of processes by (pod uid, name), and the exits not yet acknowledged."""

    def __init__(self, loop: Loop, network: Network, pump: Callable[[], socket.socket | None]) -> None:
        self._loop, self._network, self._pump = loop, network, pump
        self.procs: dict[tuple[str, str], Proc] = {}
        self.exits: list[Answer] = []
        self.on_exit: Callable[[Answer], None] = lambda _: None
        self._sequence = 0
        self._removals: dict[str, list[Reply]] = {}

    def start(self, request: spawn.Request, reply: Reply) -> None:
        """Start a process; the reply comes when its exec succeeded or failed."""
        key = request["uid"], request["name"]
        sandbox = self._network.sandboxes.get(request["uid"])
        if sandbox is None:
            raise spawn.Refused("CreatePodSandboxError", "the pod has no sandbox")
        if key in self.procs:
            raise spawn.Refused("RunContainerError", f'container "{request["name"]}" is running already')
        started = spawn.start(request, sandbox.fd)
        proc = self.procs[key] = Proc(request, started)
        settled = [False]

        def settle() -> None:
            if settled[0]:
                return
            settled[0] = True
            self._loop.forget(started.fault)
            with os.fdopen(started.fault, "rb") as file:
                fault = file.read()
            if fault:
                del self.procs[key]
                self._close(proc)
                reply({"error": json.loads(fault)})
            else:
                self.log(proc)
                reply({"ok": proc.as_json()})

        def ended(status: int) -> None:
            settle()
            if self.procs.get((proc.uid, proc.name)) is proc:
                self._ended(proc, status)
            self._finish_removals(proc.uid)

        self._loop.read(started.fault, settle)
        self._loop.on_child[started.pid] = ended

    def log(self, proc: Proc) -> None:
        """Hand the process's pipes to the log pump."""
        pump = self._pump()
        if pump is None:
            return  # it is down: it gets every pipe when it is up again
        try:
            socket.send_fds(pump, [proc.log.encode()], proc.pipes)
        except OSError as error:
            say(f"the log pump does not listen: {error}")

    def claim(self, spare: str, uid: str, log: str) -> Answer:
        """Give a spare sandbox to a pod: its address, and the process in it if that is still there.

        Its files move along, so that everything is where it would be had it been started for the pod. The old
        directory's name leads to the new one: the Envoy looks for its own socket under it. The pod's life
        with the process begins now. Raises Refused; nothing has changed then.
        """
        if spare not in self._network.sandboxes:
            raise spawn.Refused("NotFound", f"there is no sandbox {spare}")
        if uid in self._network.sandboxes:
            raise spawn.Refused("AlreadyExists", "the pod has a sandbox")
        sandbox = self._network.rename(spare, uid)
        moved = None
        for proc in self._of(spare):
            moved = self.procs[uid, proc.name] = self.procs.pop((spare, proc.name))
            self._move_log(proc.log, log)
            proc.uid, proc.log, proc.since = uid, log, wall_clock()
        return {"ip": sandbox.ip, "running": moved.as_json() if moved else None}

    def _move_log(self, old: str, new: str) -> None:
        pump = self._pump()
        if pump is not None:
            with contextlib.suppress(OSError):  # a pump that is down opens the new one when it is up again
                pump.send(f"{old}\0{new}".encode())

    def signal(self, uid: str, name: str, number: int) -> None:
        """Send a signal; nothing when the process is gone."""
        proc = self.procs.get((uid, name))
        if proc is not None:
            os.kill(proc.pid, number)

    def execute(self, request: Answer, reply: Reply) -> None:
        """Run a command in a container and reply with its code and output."""
        proc = self.procs.get((request["uid"], request["name"]))
        if proc is None:
            raise spawn.Refused("NotFound", f'container "{request["name"]}" is not running', 128)
        started = spawn.execute(proc.pid, request["argv"], proc.env, proc.cwd, proc.user)
        self.collect(started, reply, timeout_s=request["timeout_s"], limit=request["limit"])

    def stream(self, request: Answer, fds: list[int], reply: Reply, over: Callable[[Answer], None]) -> None:
        """Run a command in a container on the caller's descriptors.

        The reply comes when its exec succeeded or failed; `over` is told its exit code.
        """
        proc = self.procs.get((request["uid"], request["name"]))
        if proc is None or proc.kind != "container":
            raise spawn.Refused("NotFound", f'container "{request["name"]}" is not running', 128)
        started = spawn.stream(
            proc.pid, request["argv"], proc.env, proc.cwd, proc.user, fds, tty=request["tty"]
        )
        for fd in (started.out, started.err):
            os.close(fd)
        settled = [False]

        def settle() -> None:
            if settled[0]:
                return
            settled[0] = True
            self._loop.forget(started.fault)
            with os.fdopen(started.fault, "rb") as file:
                fault = file.read()
            reply({"error": json.loads(fault)} if fault else {"ok": {}})

        def ended(status: int) -> None:
            settle()
            over({"ended": _code(status)[0]})

        self._loop.read(started.fault, settle)
        self._loop.on_child[started.pid] = ended

    def socket_in(self, uid: str, family: int) -> socket.socket:
        """A TCP socket that belongs to the pod's network."""
        sandbox = self._network.sandboxes.get(uid)
        if sandbox is None:
            raise spawn.Refused("NotFound", "the pod has no sandbox")
        return self._network.socket_in(sandbox.fd, family)

    def collect(self, started: spawn.Started, reply: Reply, *, timeout_s: float, limit: int) -> None:
        """Read a command's output until it ends, and reply."""
        _Command(self._loop, started, reply, timeout_s, limit)

    def remove(self, uid: str, reply: Reply) -> None:
        """Kill what runs in a pod, then free its sandbox, then reply."""
        for proc in self._of(uid):
            os.kill(proc.pid, signal.SIGKILL)
        self._removals.setdefault(uid, []).append(reply)
        self._finish_removals(uid)

    def acknowledge(self, sequence: int) -> None:
        """Forget exits up to this number."""
        self.exits = [e for e in self.exits if e["seq"] > sequence]

    def _of(self, uid: str) -> list[Proc]:
        return [p for p in self.procs.values() if p.uid == uid]

    def _finish_removals(self, uid: str) -> None:
        if uid not in self._removals or self._of(uid):
            return
        self._network.remove(uid)
        for reply in self._removals.pop(uid):
            reply({"ok": {}})

    def _ended(self, proc: Proc, status: int) -> None:
        del self.procs[proc.uid, proc.name]
        self._close(proc)
        code, number = _code(status)
        self._sequence += 1
        row = {"event": "exit", "seq": self._sequence, "uid": proc.uid, "name": proc.name}
        row |= {"attempt": proc.attempt, "code": code, "signal": number, "at": wall_clock()}
        self.exits.append(row)
        self.on_exit(row)

    def _close(self, proc: Proc) -> None:
        for fd in proc.pipes:
            os.close(fd)
        if proc.kind == "container":
            self._loop.on_child[_remove_tree(proc.scratch)] = lambda _: None


class _Command:
    """A short-lived process whose output and exit code are an answer."""

    def __init__(
        self, loop: Loop, started: spawn.Started, reply: Reply, timeout_s: float, limit: int
    ) -> None:
        self._loop, self._started, self._reply, self._limit = loop, started, reply, limit
        self._output = bytearray()
        self._watched, self._expired = True, False
        os.close(started.err)
        os.set_blocking(started.out, False)
        loop.read(started.out, self._readable)
        loop.later(timeout_s, self._expire)
        loop.on_child[started.pid] = self._ended

    def _readable(self) -> None:
        if self._take() == 0:
            self._unwatch()

    def _take(self) -> int:
        """Bytes read; 0 at the end, -1 when there is nothing now."""
        try:
            data = os.read(self._started.out, 65536)
        except BlockingIOError:
            return -1
        self._output += data[: max(0, self._limit - len(self._output))]
        return len(data)

    def _unwatch(self) -> None:
        if self._watched:
            self._watched = False
            self._loop.forget(self._started.out)

    def _expire(self) -> None:
        if self._started.pid in self._loop.on_child:
            self._expired = True
            os.kill(self._started.pid, signal.SIGKILL)

    def _ended(self, status: int) -> None:
        while self._take() > 0:
            pass
        self._unwatch()
        os.close(self._started.out)
        with os.fdopen(self._started.fault, "rb") as file:
            fault = file.read()
        if fault:
            self._reply({"error": json.loads(fault)})
            return
        code = _TIMED_OUT if self._expired else _code(status)[0]
        self._reply({"ok": {"code": code, "output": self._output.decode("latin-1")}})


def _remove_tree(path: str) -> int:
    """Delete a container's writable layer in a child: it may be large."""
    pid = os.fork()
    if pid:
        return pid
    try:
        os.execvp("rm", ["rm", "-rf", "--one-file-system", path])
    finally:
        os._exit(127)


def _code(status: int) -> tuple[int, int]:
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        return 128 + number, number
    return os.waitstatus_to_exitcode(status), 0
