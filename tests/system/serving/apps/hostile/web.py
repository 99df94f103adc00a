"""An app that does as $MODE says, and what no app should.

| MODE    | what it does                                                      |
|---------|-------------------------------------------------------------------|
| never   | runs and never listens                                            |
| late    | listens after $DELAY seconds; answers with the number of requests |
| deaf    | ignores SIGTERM                                                   |
| garbage | answers with bytes that are no HTTP                               |
| hangup  | reads the request and closes the connection                       |
| half    | promises more bytes than it sends                                 |

Standard library only.
"""

from __future__ import annotations

import os
import signal
import socket
import threading
import time

MODE = os.environ["MODE"]
WRONG = {
    "garbage": b"\x00\x01 this is no HTTP\r\n\r\n",
    "hangup": b"",
    "half": b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nonly this",
}
seen = 0


def serve(connection: socket.socket) -> None:
    """One connection: requests without bodies, one after the other."""
    global seen
    data = b""
    with connection:
        while piece := connection.recv(65536):
            data += piece
            while b"\r\n\r\n" in data:
                data = data.partition(b"\r\n\r\n")[2]
                if MODE in WRONG:
                    connection.sendall(WRONG[MODE])
                    return
                seen += 1
                body = b"%d" % seen
                connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%s" % (len(body), body))


def main() -> None:
    """Listen, or not."""
    if MODE == "deaf":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if MODE == "late":
        time.sleep(float(os.environ["DELAY"]))
    if MODE == "never":
        time.sleep(3600)
    listener = socket.create_server(("", int(os.environ["PORT"])), backlog=128)
    while True:
        threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()


main()
