"""Children of the keeper that run its own code: DNS and the log pump. Forked, to share memory.

Each has a socket to the keeper and starts again when it dies; then the keeper tells it everything anew.
"""

from __future__ import annotations

import gc
import os
import socket
from collections.abc import Callable

from hauberk.node.keeper import linux
from hauberk.node.keeper.loop import Loop, Supervised, reset_after_fork, say

_MOST_DESCRIPTORS = 1 << 16


class Helper:
    """A forked child with a socket to the keeper. `tell` runs after every start; `keep` stays open in it."""

    def __init__(
        self,
        loop: Loop,
        name: str,
        serve: Callable[[socket.socket], None],
        tell: Callable[[socket.socket], None],
        kind: int = socket.SOCK_STREAM,
        keep: tuple[int, ...] = (),
    ) -> None:
        self.name, self._serve, self._tell, self._kind, self._keep = name, serve, tell, kind, keep
        self.socket: socket.socket | None = None
        self._run = Supervised(loop, name, self._start)

    def start(self) -> None:
        """Fork it."""
        self._run.start()

    @property
    def pid(self) -> int:
        """Its pid; 0 while it is down."""
        return self._run.pid

    def _start(self) -> int:
        if self.socket is not None:
            self.socket.close()
        ours, theirs = socket.socketpair(socket.AF_UNIX, self._kind)
        gc.freeze()
        pid = os.fork()
        if pid == 0:
            self._child(theirs)
        theirs.close()
        self.socket = ours
        try:
            self._tell(ours)
        except OSError as error:
            say(f"{self.name} does not listen: {error}")
        return pid

    def _child(self, sock: socket.socket) -> None:
        code = 1
        try:
            reset_after_fork()
            linux.die_with_parent()
            linux.set_process_name(f"hbk-{self.name}")
            low = 3
            for kept in sorted((sock.fileno(), *self._keep)):
                os.closerange(low, kept)
                low = kept + 1
            os.closerange(low, _MOST_DESCRIPTORS)
            self._serve(sock)
            code = 0
        except BaseException as error:  # the child must end here, whatever happens
            say(f"{self.name}: {error!r}")
        finally:
            os._exit(code)
