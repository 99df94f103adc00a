"""A minimal client of the control plane's unix socket, for the CLI on the same machine.

Whoever can open the socket (0600 in a 0700 directory) is the cluster's owner, so it speaks
as the administrator.
"""

from __future__ import annotations

import http.client
import json
import socket
from pathlib import Path
from typing import Any

ADMIN = {"x-forwarded-client-cert": 'Subject="CN=system:admin,O=system:masters"'}


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: Path, timeout_s: float) -> None:
        super().__init__("localhost", timeout=timeout_s)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))


def get(path: Path, target: str, *, timeout_s: float = 5) -> tuple[int, bytes]:
    """One GET over the socket: (HTTP status, body). Raises OSError when nobody answers."""
    return send(path, "GET", target, timeout_s=timeout_s)


def send(
    path: Path,
    method: str,
    target: str,
    body: bytes | None = None,
    content_type: str = "application/json",
    *,
    timeout_s: float = 5,
) -> tuple[int, bytes]:
    """One request over the socket: (HTTP status, body). Raises OSError when nobody answers."""
    headers = {**ADMIN, "content-type": content_type} if body is not None else ADMIN
    connection = _UnixConnection(path, timeout_s)
    try:
        connection.request(method, target, body=body, headers=headers)
        answer = connection.getresponse()
        return answer.status, answer.read()
    except http.client.HTTPException as error:
        raise ConnectionError(str(error)) from error
    finally:
        connection.close()


def get_json(path: Path, target: str, *, timeout_s: float = 5) -> Any:
    """The decoded answer of a GET. Raises OSError, or ValueError when it is not 200 with JSON."""
    status, body = get(path, target, timeout_s=timeout_s)
    if status != 200:
        raise ValueError(f"{target} answered {status}")
    return json.loads(body)


def is_ready(path: Path) -> bool:
    """Whether the API server answers and says it is ready."""
    try:
        return get(path, "/readyz", timeout_s=2)[0] == 200
    except OSError:
        return False
