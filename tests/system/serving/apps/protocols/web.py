"""An app that speaks more than requests and answers: WebSocket, server-sent events, trailers, uploads.

| path        | what it does                                                              |
|-------------|---------------------------------------------------------------------------|
| /ws         | WebSocket: each text frame comes back in upper case                        |
| /sse?N      | N events (three), 200 ms apart                                            |
| /upload     | the number of bytes that came                                              |
| /size?N     | a body of N bytes                                                         |
| /env, /file | an environment variable or a file, named in the query                      |
| /sleep?S    | an answer after S seconds                                                 |
| /headers    | the request's headers as JSON                                             |
| /about      | what the process sees of its container, as JSON                           |
| /trailers   | the request's trailers come back as trailers                              |
| /exit?N     | no answer: the process ends with N                                        |

Standard library only. On SIGTERM it ends at once: whatever it has in hand then is lost.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import signal
import stat
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

MAGIC = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


STDIN = len(sys.stdin.buffer.read())
FILES = (
    "/dev/fd", "/dev/full", "/dev/null", "/dev/ptmx", "/dev/random", "/dev/stdin", "/dev/stdout",
    "/dev/stderr", "/dev/tty", "/dev/urandom", "/dev/zero", "/proc/self/fd", "/tmp", "/var/log", "/etc/hosts",
    "/etc/hostname", "/etc/resolv.conf",
)  # fmt: skip


def about() -> dict[str, Any]:
    """The process's surroundings."""
    return {
        "env": dict(os.environ),
        "uid": os.getuid(),
        "gid": os.getgid(),
        "groups": os.getgroups(),
        "stdin": STDIN,
        "terminal": any(os.isatty(fd) for fd in (0, 1, 2)),
        "files": {path: look(path) for path in FILES},
        "dev": sorted(os.listdir("/dev")),
        "mounts": [line.split()[1:4] for line in Path("/proc/self/mounts").read_text().splitlines()],
        "status": dict(line.split(":\t", 1) for line in Path("/proc/self/status").read_text().splitlines()),
        "writable": [path for path in ("/tmp", "/var/log", "/sys", "/proc/sys") if writes(path)],
    }


def look(path: str) -> dict[str, Any]:
    """One file: its mode as `ls` shows it, and where a link leads. Empty: it is not there."""
    if not os.path.lexists(path):
        return {}
    target = os.readlink(path) if os.path.islink(path) else ""
    return {"mode": stat.filemode(os.stat(path).st_mode), "target": target}


def writes(path: str) -> bool:
    """Whether a new file can be made there."""
    try:
        Path(path, "made-by-the-app").write_text("")
    except OSError:
        return False
    return True


class App(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Answer by the path."""
        path, _, query = self.path.partition("?")
        if path == "/ws":
            self.websocket()
        elif path == "/sse":
            self.events(int(query or 3))
        elif path == "/size":
            self.large(int(query))
        elif path == "/env":
            self.say(os.environ.get(query, "").encode())
        elif path == "/file":
            self.say(Path(query).read_bytes())
        elif path == "/sleep":
            time.sleep(float(query))
            self.say(b"slept")
        elif path == "/headers":
            self.say(json.dumps({k.lower(): v for k, v in self.headers.items()}).encode())
        elif path == "/about":
            self.say(json.dumps(about()).encode())
        elif path == "/exit":
            os._exit(int(query))
        else:
            self.say(f"{self.headers.get('host')} {self.headers.get('x-forwarded-proto')}".encode())

    def do_POST(self) -> None:
        """Count what comes, in chunks or at once."""
        total, trailers = 0, b""
        if self.headers.get("transfer-encoding") == "chunked":
            while size := int(self.rfile.readline(), 16):
                total += len(self.rfile.read(size))
                self.rfile.readline()
            while (line := self.rfile.readline()).strip():
                trailers += line
        else:
            left = int(self.headers.get("content-length") or 0)
            while left:
                left -= (got := len(self.rfile.read(min(left, 1 << 20))))
                total += got
        if self.path.startswith("/sleep?"):
            time.sleep(float(self.path.partition("?")[2]))
        if self.path == "/trailers":
            self.send_response(200)
            self.send_header("transfer-encoding", "chunked")
            self.end_headers()
            self.wfile.write(b"%x\r\n%d\r\n0\r\n%s\r\n" % (len(str(total)), total, trailers))
        else:
            self.say(str(total).encode())

    def large(self, size: int) -> None:
        """A body of this size, never held as a whole."""
        self.send_response(200)
        self.send_header("content-length", str(size))
        self.end_headers()
        piece = b"x" * 65536
        while size > 0:
            self.wfile.write(piece[:size])
            size -= len(piece)

    def say(self, body: bytes) -> None:
        """A whole answer."""
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def events(self, count: int) -> None:
        """Server-sent events, each as it happens."""
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        for number in range(count):
            self.chunk(f"data: {number}\n\n".encode())
            time.sleep(0.2)
        self.wfile.write(b"0\r\n\r\n")

    def chunk(self, data: bytes) -> None:
        """One chunk, at once."""
        self.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")
        self.wfile.flush()

    def websocket(self) -> None:
        """Frames of up to 125 bytes, masked as clients must."""
        key = self.headers["sec-websocket-key"].encode()
        accept = base64.b64encode(hashlib.sha1(key + MAGIC).digest()).decode()
        self.send_response(101)
        for name, value in (
            ("upgrade", "websocket"),
            ("connection", "Upgrade"),
            ("sec-websocket-accept", accept),
        ):
            self.send_header(name, value)
        self.end_headers()
        while head := self.rfile.read(2):
            mask, size = self.rfile.read(4), head[1] & 0x7F
            text = bytes(b ^ mask[i % 4] for i, b in enumerate(self.rfile.read(size)))
            if head[0] & 0x0F == 8:
                break
            self.wfile.write(bytes([0x81, len(text)]) + text.upper())
            self.wfile.flush()
        self.close_connection = True

    def log_message(self, *_: object) -> None:
        """Nothing."""


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))  # the kernel keeps it from a first process without
    ThreadingHTTPServer(("", int(os.environ.get("PORT", "8080"))), App).serve_forever()
