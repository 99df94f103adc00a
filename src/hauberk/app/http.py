"""The API's HTTP/1.1 server: uvicorn on a unix socket that only this user may open."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import uvicorn

from hauberk.app.asgi import Asgi

BACKLOG = 1024
KEEP_ALIVE_S = 5  # the edge gives idle connections up before we do


class _Quiet(uvicorn.Server):
    """Leaves signals to the control plane."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture none."""
        yield


class HttpServer:
    """Serves one application until cancelled."""

    def __init__(self, app: Asgi, path: Path) -> None:
        self._path = path
        config = uvicorn.Config(
            app,
            loop="none",
            http="httptools",
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            date_header=False,
            timeout_keep_alive=KEEP_ALIVE_S,
            timeout_graceful_shutdown=1,
        )
        self._server = _Quiet(config)

    async def run(self) -> None:
        """Listen (0600) and serve."""
        self._path.unlink(missing_ok=True)
        before = os.umask(0o177)
        try:
            door = socket.socket(socket.AF_UNIX)
            door.bind(str(self._path))
        finally:
            os.umask(before)
        door.listen(BACKLOG)
        door.setblocking(False)
        await self._server.serve(sockets=[door])
