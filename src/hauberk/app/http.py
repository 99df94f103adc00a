"""The API's HTTP/1.1 server: uvicorn on a socket, by default a unix socket that only this user may open."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import uvicorn

from hauberk.app.asgi import Asgi
from hauberk.app.upgradable import Upgradable

BACKLOG = 1024
KEEP_ALIVE_S = 5  # the edge gives idle connections up before this does


class _Quiet(uvicorn.Server):
    """Leaves signals to the control plane."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture none."""
        yield


class HttpServer:
    """Serves one application until cancelled."""

    def __init__(
        self,
        app: Asgi,
        bind: Callable[[], socket.socket],
        *,
        certificate: Path | None = None,
        key: Path | None = None,
    ) -> None:
        """`bind` makes the socket when `run` begins; with a certificate and its key it speaks TLS."""
        self._bind = bind
        config = uvicorn.Config(
            app,
            loop="none",
            http=Upgradable,
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            date_header=False,
            timeout_keep_alive=KEEP_ALIVE_S,
            timeout_graceful_shutdown=1,
            ssl_certfile=certificate,
            ssl_keyfile=key,
        )
        self._server = _Quiet(config)

    async def run(self) -> None:
        """Listen and serve."""
        door = self._bind()
        door.listen(BACKLOG)
        door.setblocking(False)
        await self._server.serve(sockets=[door])


def unix_door(path: Path) -> Callable[[], socket.socket]:
    """Bind a unix socket (0600)."""

    def bind() -> socket.socket:
        path.unlink(missing_ok=True)
        before = os.umask(0o177)
        try:
            door = socket.socket(socket.AF_UNIX)
            door.bind(str(path))
        finally:
            os.umask(before)
        return door

    return bind
