"""The outside half: on the host. Forks the inside half, runs the edge, and takes all with it when it ends.

Neither half outlives the other: the kernel kills the inside half with us (PDEATHSIG) and everything in its
pid namespace with it; when the inside half ends, we end the edge and ourselves.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import time
from typing import Any

from hauberk.node.keeper import inside, linux, preflight
from hauberk.node.keeper.loop import Loop, Supervised, say, start_program, wall_clock

Spec = dict[str, Any]
_EDGE_STOPS_S = 5.0


class Outside:
    """Everything that the outside half owns."""

    def __init__(self, spec: Spec, inner_pid: int, inner: socket.socket) -> None:
        self._spec, self._inner_pid, self._inner = spec, inner_pid, inner
        self._loop = Loop()
        self._stopping = False
        self._code = 1
        self._edge = Supervised(self._loop, "edge", self._start_edge) if spec.get("edge") else None

    def run(self) -> int:
        """Serve; returns the exit status."""
        self._loop.on_child[self._inner_pid] = self._inner_ended
        self._loop.read(self._inner, self._inner_spoke)
        for number in (signal.SIGTERM, signal.SIGINT):
            self._loop.signal(number, self._stop)
        self._loop.signal(signal.SIGHUP, lambda: None)
        if self._edge:
            self._edge.start()
        self._loop.run()
        if self._edge and self._edge.pid:
            self._end_edge(self._edge.pid)
        for name in ("keeper.json", "keeper.sock"):
            _unlink(f"{self._spec['run']}/{name}")
        shutil.rmtree(f"{self._spec['run']}/pods", ignore_errors=True)
        return self._code

    def _start_edge(self) -> int:
        return start_program(self._spec["edge"], dict(os.environ), f"{self._spec['logs']}/edge.log")

    def _end_edge(self, pid: int) -> None:
        assert self._edge is not None, "only called with an edge"
        self._edge.stop()
        until = time.monotonic() + _EDGE_STOPS_S
        while os.waitpid(pid, os.WNOHANG)[0] == 0:
            if time.monotonic() > until:
                os.kill(pid, signal.SIGKILL)
            time.sleep(0.01)

    def _stop(self) -> None:
        if not self._stopping:
            self._stopping = True
            os.kill(self._inner_pid, signal.SIGTERM)

    def _inner_ended(self, status: int) -> None:
        self._code = 0 if self._stopping and status == 0 else 1
        if self._code:
            say(f"the inside half ended with {os.waitstatus_to_exitcode(status)}")
        self._loop.stop()

    def _inner_spoke(self) -> None:
        data = self._inner.recv(65536)
        if not data:
            self._loop.forget(self._inner)
            return
        row = json.loads(data)
        if row.get("ready"):
            state = {"pid": os.getpid(), "inside_pid": self._inner_pid, "started_at": wall_clock()}
            linux.write_file(f"{self._spec['run']}/keeper.json", json.dumps(state))
            report(self._spec, {"ok": state})
        else:
            report(self._spec, row)


def main(spec: Spec) -> int:
    """Start both halves; returns the exit status of the outside half."""
    started = time.monotonic()
    problems = preflight.preflight(spec["run"])
    if problems:
        report(spec, {"problem": problems[0].as_json()})
        say(str(problems[0]))
        return 1
    os.makedirs(spec["logs"], 0o700, exist_ok=True)
    linux.become_subreaper()
    linux.set_process_name("hauberk-keeper")
    ours, theirs = socket.socketpair()
    inner = _fork_inside(spec, ours, theirs)
    theirs.close()
    ours.sendall(b"go")
    code = Outside(spec, inner, ours).run()
    say(f"stopped after {time.monotonic() - started:.1f} s")
    return code


def _fork_inside(spec: Spec, ours: socket.socket, theirs: socket.socket) -> int:
    """Fork a child that enters the namespaces and forks pid 1 there, and adopt pid 1."""
    reader, writer = os.pipe()
    middle = os.fork()
    if middle == 0:
        try:
            ours.close()
            preflight.enter_namespaces()
            pid = os.fork()
            if pid:
                os.write(writer, str(pid).encode())
                os._exit(0)
            os.close(reader)
            os.close(writer)
            _be_inside(spec, theirs)
        except BaseException as error:  # must not return into the caller's code
            say(f"cannot enter the namespaces: {error!r}")
        finally:
            os._exit(1)
    os.close(writer)
    os.waitpid(middle, 0)
    with os.fdopen(reader, "rb") as file:
        return int(file.read())


def _be_inside(spec: Spec, outer: socket.socket) -> None:
    code = 1
    try:
        if outer.recv(2) == b"go":  # only now is the outside half the parent whose death pid 1 shares
            pods = f"{spec['run']}/pods"
            shutil.rmtree(pods, ignore_errors=True)
            inside.become(spec, outer, preflight.which("nft"))
            shutil.rmtree(pods, ignore_errors=True)
            code = 0
    except BaseException as error:
        say(f"the inside half failed: {error!r}")
        problem = {
            "what": "The pod network could not be set up",
            "wanted": "links, addresses and mounts in a user namespace",
            "found": str(error),
            "fix": f"look at {spec['logs']}/keeper.log, then: hauberk up",
            "see": "",
        }
        outer.sendall(json.dumps({"problem": problem}).encode())
    finally:
        os._exit(code)


def report(spec: Spec, row: Any) -> None:
    """Tell `hauberk up`: the spec's result file appears, whole."""
    path = spec.get("result")
    if path:
        linux.write_file(f"{path}.new", json.dumps(row))
        os.replace(f"{path}.new", path)


def _unlink(path: str) -> None:
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)
