"""Writes containers' output to their logs, in the CRI format, bounded. A child of the keeper.

It is a process of its own so that a container that prints much slows down nobody's start: its pipe fills
and it waits, as it would with a kubelet. The keeper keeps a copy of every pipe and hands all of them to the
next pump when this one dies, so no container ever sees a closed output.

Format: `2026-01-02T03:04:05.000000006Z stdout F text`; `P` marks a piece of a line longer than 16 KiB.
Source: kubernetes pkg/kubelet/kuberuntime/logs, parseCRILog.
"""

from __future__ import annotations

import contextlib
import os
import select
import socket
import time

LOG_BYTES = 10 * 1024 * 1024  # per file; one older file is kept beside it as NAME.1
_LINE_BYTES = 16 * 1024
_READ_BYTES = 64 * 1024


def stamp(seconds: int, nanoseconds: int) -> str:
    """RFC 3339 in UTC with nanoseconds.

    >>> stamp(0, 5)
    '1970-01-01T00:00:00.000000005Z'
    """
    t = time.gmtime(seconds)
    day = f"{t.tm_year:04d}-{t.tm_mon:02d}-{t.tm_mday:02d}"
    return f"{day}T{t.tm_hour:02d}:{t.tm_min:02d}:{t.tm_sec:02d}.{nanoseconds:09d}Z"


def lines(rest: bytes, data: bytes, *, end: bool) -> tuple[list[tuple[bytes, bool]], bytes]:
    r"""Split output into (piece, whether its line is complete), and what to keep for later.

    >>> lines(b"a", b"b\nc", end=False)
    ([(b'ab', True)], b'c')
    """
    *whole, left = (rest + data).split(b"\n")
    pieces: list[tuple[bytes, bool]] = []
    for line in whole:
        while len(line) > _LINE_BYTES:
            pieces.append((line[:_LINE_BYTES], False))
            line = line[_LINE_BYTES:]
        pieces.append((line, True))
    while len(left) > _LINE_BYTES:
        pieces.append((left[:_LINE_BYTES], False))
        left = left[_LINE_BYTES:]
    if end and left:
        pieces.append((left, False))
        left = b""
    return pieces, left


class _Log:
    """One file, shared by the two streams of a container."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.readers = 0
        self.fd = -1
        self._open()

    def _open(self) -> None:
        os.makedirs(os.path.dirname(self.path), 0o700, exist_ok=True)
        self.fd = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        self.size = os.fstat(self.fd).st_size

    def write(self, text: bytes) -> None:
        if self.size + len(text) > LOG_BYTES:
            os.close(self.fd)
            os.replace(self.path, f"{self.path}.1")
            self._open()
        self.size += os.write(self.fd, text)

    def move(self, path: str) -> None:
        """Go on under another name, with what was written so far; an empty directory does not stay behind."""
        os.makedirs(os.path.dirname(path), 0o700, exist_ok=True)
        os.replace(self.path, path)
        old, self.path = self.path, path
        with contextlib.suppress(OSError):
            os.rmdir(os.path.dirname(old))

    def close(self) -> None:
        self.readers -= 1
        if not self.readers:
            os.close(self.fd)


class _Stream:
    """One pipe."""

    def __init__(self, fd: int, name: str, log: _Log) -> None:
        self.fd, self.name, self.log, self.rest = fd, name.encode(), log, b""
        log.readers += 1

    def pump(self) -> bool:
        """Move what there is; False at the end."""
        data = os.read(self.fd, _READ_BYTES)
        pieces, self.rest = lines(self.rest, data, end=not data)
        if pieces:
            now = time.clock_gettime_ns(time.CLOCK_REALTIME)
            head = stamp(now // 1_000_000_000, now % 1_000_000_000).encode() + b" " + self.name
            self.log.write(b"".join(head + (b" F " if whole else b" P ") + t + b"\n" for t, whole in pieces))
        return bool(data)

    def close(self) -> None:
        """Let go of the pipe, and of the file with its last pipe."""
        os.close(self.fd)
        self.log.close()


def serve(control: socket.socket) -> None:
    r"""Pump until the keeper closes `control`.

    A message is a log's path with its stdout and stderr pipes, or `OLD\0NEW` without: a log's new path.
    """
    poll = select.epoll()
    poll.register(control.fileno(), select.EPOLLIN)
    streams: dict[int, _Stream] = {}
    while True:
        for fd, _ in poll.poll():
            if fd == control.fileno():
                if not _take(control, poll, streams):
                    return
                continue
            try:
                more = streams[fd].pump()
            except OSError as error:  # a full disk: the container goes on, its line is lost
                os.write(2, f"keeper: cannot write {streams[fd].log.path}: {error}\n".encode())
                more = True
            if not more:
                poll.unregister(fd)  # the keeper's copy of the pipe would keep the registration alive
                streams.pop(fd).close()


def _take(control: socket.socket, poll: select.epoll, streams: dict[int, _Stream]) -> bool:
    text, fds, _, _ = socket.recv_fds(control, 8192, 2)
    if not text:
        return False
    if not fds:
        _move(streams, *text.decode().split("\0"))
        return True
    try:
        log = _Log(text.decode())
    except OSError as error:
        os.write(2, f"keeper: no log for a container: {error}\n".encode())
        log = _Log("/dev/null")
    for fd, name in zip(fds, ("stdout", "stderr"), strict=True):
        streams[fd] = _Stream(fd, name, log)
        poll.register(fd, select.EPOLLIN)
    return True


def _move(streams: dict[int, _Stream], old: str, new: str) -> None:
    for log in {stream.log for stream in streams.values() if stream.log.path == old}:
        try:
            log.move(new)
        except OSError as error:  # it goes on where it was
            os.write(2, f"keeper: cannot move {old}: {error}\n".encode())
