"""A connection to the keeper for one command or one socket: descriptors travel with its lines.

Each lives for one question, so that nothing of it can get among the answers that `runtime` waits for.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hauberk.node.runtime import KeeperGone, StartError

_ANSWER_S = 10.0


async def ask(path: Path, request: dict[str, Any], fds: Sequence[int] = ()) -> socket.socket:
    """Send a question with descriptors; the connection, for its answers. OSError."""
    return await asyncio.to_thread(_ask, path, request, fds)


def _ask(path: Path, request: dict[str, Any], fds: Sequence[int]) -> socket.socket:
    line = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        line.settimeout(_ANSWER_S)
        line.connect(str(path))
        text = json.dumps({"id": 1, **request}).encode() + b"\n"
        if fds:
            socket.send_fds(line, [text], list(fds))
        else:
            line.sendall(text)
    except OSError:
        line.close()
        raise
    return line


async def socket_in(path: Path, uid: str, *, v6: bool) -> socket.socket:
    """A TCP socket of the pod's network, not connected. StartError, KeeperGone."""
    line = await ask(path, {"op": "socket", "uid": uid, "v6": v6})
    with line:
        return await asyncio.to_thread(_received, line)


def _received(line: socket.socket) -> socket.socket:
    text, fds, _, _ = socket.recv_fds(line, 1 << 16, 1, socket.MSG_CMSG_CLOEXEC)
    checked(text)
    if not fds:
        raise KeeperGone("the keeper sent no socket")
    return socket.socket(fileno=fds[0])


def checked(text: bytes) -> dict[str, Any]:
    """The answer in a line. StartError, KeeperGone."""
    if not text:
        raise KeeperGone("connection closed")
    row: dict[str, Any] = json.loads(text)
    if "error" in row:
        raise StartError(**row["error"])
    return row


def terminal_of(half: socket.socket) -> int:
    """The descriptor of the terminal that a command sent through its half of a pair."""
    half.settimeout(_ANSWER_S)
    _, fds, _, _ = socket.recv_fds(half, 16, 1, socket.MSG_CMSG_CLOEXEC)
    if not fds:
        raise KeeperGone("the command sent no terminal")
    os.set_blocking(fds[0], False)
    return fds[0]
