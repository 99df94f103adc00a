"""What runs in the pods of these tests: a server of HTTP, HTTPS and TCP, and a runner of commands.

| port | what it serves                                                                        |
|------|---------------------------------------------------------------------------------------|
| 8080 | HTTP: who was asked for what, as JSON; see `Web`                                      |
| 8443 | the same over TLS, when a certificate is mounted at /certs                            |
| 9000 | TCP: the pod's name and the line that came                                            |
| 7000 | the test's own door, kept out of the mesh: one argv in, what the program said out; base64 |

Standard library only, because it runs in a container with nothing but an interpreter.
"""

from __future__ import annotations

import json
import os
import socketserver
import ssl
import subprocess
import sys
import threading
import time
from base64 import b64decode, b64encode
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

SEEN: Counter[str] = Counter()
NAME = os.environ.get("NAME", "?")


class Web(BaseHTTPRequestHandler):
    """Says who it is and what it was asked.

    /status/N answers with that status; /flaky/N/KEY with 503 for the first N requests; /sleep/S after S
    seconds; /seen/PATH with how often PATH was asked.
    """

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # head and body are two writes: the second would wait for an ACK

    def do_GET(self) -> None:
        """Any method."""
        self.rfile.read(int(self.headers.get("content-length") or 0))
        parts = self.path.partition("?")[0].split("/")[1:]
        SEEN[self.path] += 1
        status = 200
        if parts[0] == "status":
            status = int(parts[1])
        elif parts[0] == "flaky" and SEEN[self.path] <= int(parts[1]):
            status = 503
        elif parts[0] == "sleep":
            time.sleep(float(parts[1]))
        said = {
            "pod": NAME,
            "method": self.command,
            "path": self.path,
            "seen": SEEN[self.path.removeprefix("/seen")],
            "headers": {name.lower(): value for name, value in self.headers.items()},
        }
        body = json.dumps(said).encode() + b"\n"
        self.send_response(status)
        self.send_header("content-length", str(len(body)))
        self.send_header("x-pod", NAME)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    do_POST = do_PUT = do_DELETE = do_HEAD = do_OPTIONS = do_GET

    def log_message(self, *_: object) -> None:
        """Nothing."""


class Line(socketserver.StreamRequestHandler):
    """Answers one line with the pod's name and that line."""

    def handle(self) -> None:
        """One line."""
        self.wfile.write(NAME.encode() + b": " + self.rfile.readline())


class Runner(socketserver.StreamRequestHandler):
    """Runs one program of this container."""

    def handle(self) -> None:
        """One argv."""
        argv = json.loads(b64decode(self.rfile.readline()))
        done = subprocess.run(argv, capture_output=True, text=True, errors="replace", check=False)
        said = {"code": done.returncode, "out": done.stdout, "err": done.stderr}
        self.wfile.write(b64encode(json.dumps(said).encode()))


class Doors(socketserver.ThreadingTCPServer):
    """A TCP server with a thread per connection."""

    allow_reuse_address = True
    daemon_threads = True


def main() -> None:
    """Serve every port, until the process is told to end."""
    web = ThreadingHTTPServer(("", int(os.environ.get("LISTEN_ON", "8080"))), Web)
    servers: list[socketserver.BaseServer] = [web, Doors(("", 9000), Line), Doors(("", 7000), Runner)]
    if Path("/certs/tls.crt").exists():
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain("/certs/tls.crt", "/certs/tls.key")
        secure = ThreadingHTTPServer(("", 8443), Web)
        secure.socket = context.wrap_socket(secure.socket, server_side=True)
        servers.append(secure)
    for server in servers:
        threading.Thread(target=server.serve_forever, daemon=True).start()
    print("ready", flush=True)
    threading.Event().wait()


if __name__ == "__main__":
    sys.exit(main())
