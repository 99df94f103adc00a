"""The termination message of a container: its own file, or the end of its log.

Source: kubernetes pkg/kubelet/kuberuntime/kuberuntime_container.go, getTerminationMessage (4096 bytes;
from logs 2048 bytes or 80 lines).
"""

from __future__ import annotations

from pathlib import Path

FILE_BYTES = 4096
LOG_BYTES = 2048
LOG_LINES = 80


def read_message(own: Path, logs: Path | None) -> str:
    """The message; empty when there is none. `logs` is looked at only when the file is empty."""
    try:
        with own.open("rb") as file:
            text = file.read(FILE_BYTES).decode(errors="replace").strip()
    except OSError:
        text = ""
    if text or logs is None:
        return text
    try:
        with logs.open("rb") as file:
            file.seek(0, 2)
            file.seek(max(0, file.tell() - 4 * LOG_BYTES))
            return tail_of(file.read())
    except OSError:
        return ""


def tail_of(log: bytes) -> str:
    """The last lines of a log in CRI format, without times, within the limits."""
    bodies = [line.split(b" ", 3)[3] for line in log.splitlines() if line.count(b" ") >= 3]
    text = b"\n".join(bodies[-LOG_LINES:])[-LOG_BYTES:]
    return text.decode(errors="replace").strip()
