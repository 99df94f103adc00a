"""Runs on the pod network's root: carries the test's commands to the pods' runners, line by line.

In: `["ADDRESS", seconds, ["argv", …]]`; out: what the program said. In base64 towards the
pods, so that a capture does not find the words here. Standard library only.
"""

from __future__ import annotations

import json
import socket
import sys
import threading
from base64 import b64decode, b64encode

LOCK = threading.Lock()


def carry(key: int, address: str, seconds: float, argv: list[str]) -> None:
    """One command to one pod; code -1 when its runner does not answer."""
    try:
        with socket.create_connection((address, 7000), timeout=seconds) as runner:
            runner.sendall(b64encode(json.dumps(argv).encode()) + b"\n")
            said = b"".join(iter(lambda: runner.recv(65536), b""))
            answer = json.loads(b64decode(said))
    except (OSError, ValueError) as error:
        answer = {"code": -1, "out": "", "err": repr(error)}
    with LOCK:
        print(json.dumps([key, answer]), flush=True)


for line in sys.stdin:
    threading.Thread(target=carry, args=json.loads(line), daemon=True).start()
