"""One thread, one selector: descriptors, timers and children that ended.

Nothing here blocks for long, so a request never waits behind another pod's start.
"""

from __future__ import annotations

import heapq
import os
import selectors
import signal
import socket
import time
from collections.abc import Callable
from typing import Any

RESTART_FIRST_S, RESTART_MAX_S, HEALTHY_S = 0.1, 10.0, 10.0


def wall_clock() -> float:
    """Seconds since the epoch: the one place where the keeper asks."""
    return time.clock_gettime(time.CLOCK_REALTIME)


def say(text: str) -> None:
    """Write a line to the keeper's log."""
    os.write(2, f"keeper: {text}\n".encode(errors="replace"))


class Loop:
    """The keeper's event loop. `on_child[pid]` is called once with the wait status."""

    def __init__(self) -> None:
        self.selector = selectors.DefaultSelector()
        self.on_child: dict[int, Callable[[int], None]] = {}
        self.on_signal: dict[int, Callable[[], None]] = {}
        self._timers: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = 0
        self._stopped = False
        self._wake, self._woken = socket.socketpair()
        for sock in (self._wake, self._woken):
            sock.setblocking(False)
        signal.set_wakeup_fd(self._woken.fileno(), warn_on_full_buffer=False)
        self.read(self._wake, self._signals)
        self.signal(signal.SIGCHLD, self._reap)

    def read(self, file: Any, ready: Callable[[], None]) -> None:
        """Call `ready` while `file` can be read."""
        self.selector.register(file, selectors.EVENT_READ, ready)

    def forget(self, file: Any) -> None:
        """Stop watching `file`."""
        self.selector.unregister(file)

    def later(self, seconds: float, call: Callable[[], None]) -> None:
        """Call once after `seconds`."""
        self._numbers += 1
        heapq.heappush(self._timers, (time.monotonic() + seconds, self._numbers, call))

    def signal(self, number: int, call: Callable[[], None]) -> None:
        """Call after a signal arrived."""
        self.on_signal[number] = call
        signal.signal(number, lambda *_: None)

    def stop(self) -> None:
        """Make `run` return."""
        self._stopped = True

    def run(self) -> None:
        """Serve until `stop`."""
        while not self._stopped:
            for key, _ in self.selector.select(self._run_timers()):
                if key.fd in self.selector.get_map():  # not when an earlier callback forgot it
                    key.data()

    def _run_timers(self) -> float | None:
        while self._timers and not self._stopped:
            wait = self._timers[0][0] - time.monotonic()
            if wait > 0:
                return wait
            heapq.heappop(self._timers)[2]()
        return 0.0 if self._stopped else None

    def _signals(self) -> None:
        for number in set(self._wake.recv(4096)):
            if number in self.on_signal:
                self.on_signal[number]()

    def _reap(self) -> None:
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            ended = self.on_child.pop(pid, None)
            if ended is not None:
                ended(status)


def reset_after_fork() -> None:
    """In a child: the dispositions that a program expects at its start."""
    signal.set_wakeup_fd(-1)
    for number in (
        signal.SIGCHLD,
        signal.SIGTERM,
        signal.SIGINT,
        signal.SIGHUP,
        signal.SIGPIPE,
        signal.SIGXFSZ,
    ):
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())


class Supervised:
    """A child that is started again, with growing pauses, whenever it ends. `start` returns its pid."""

    def __init__(self, loop: Loop, name: str, start: Callable[[], int]) -> None:
        self._loop, self._name, self._start = loop, name, start
        self._pause_s = RESTART_FIRST_S
        self._stopping = False
        self._since = 0.0
        self.pid = 0
        self.restarts = 0

    def start(self) -> None:
        """Start it now."""
        if self._stopping:
            return
        try:
            self.pid = self._start()
        except OSError as error:
            say(f"cannot start {self._name}: {error}")
            self._again()
            return
        self._since = time.monotonic()
        self._loop.on_child[self.pid] = self._ended

    def stop(self, sig: int = signal.SIGTERM) -> None:
        """Send a signal and do not start it again."""
        self._stopping = True
        if self.pid:
            os.kill(self.pid, sig)

    def _ended(self, status: int) -> None:
        self.pid = 0
        if self._stopping:
            return
        say(f"{self._name} ended with {os.waitstatus_to_exitcode(status)}; starting it again")
        if time.monotonic() - self._since > HEALTHY_S:
            self._pause_s = RESTART_FIRST_S
        self._again()

    def _again(self) -> None:
        self.restarts += 1
        self._loop.later(self._pause_s, self.start)
        self._pause_s = min(self._pause_s * 2, RESTART_MAX_S)


def start_program(argv: list[str], env: dict[str, str], log: str) -> int:
    """Fork and exec a program whose output is appended to `log`; it dies with the caller. Returns its pid."""
    from hauberk.node.keeper import linux

    out = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    pid = os.fork()
    if pid:
        os.close(out)
        return pid
    try:
        reset_after_fork()
        linux.die_with_parent()
        null = os.open("/dev/null", os.O_RDONLY)
        os.dup2(null, 0)
        os.dup2(out, 1)
        os.dup2(out, 2)
        os.execvpe(argv[0], argv, env)
    except OSError as error:
        say(f"cannot run {argv[0]}: {error}")
    finally:
        os._exit(127)
