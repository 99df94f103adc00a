"""Reads containers' logs back, as `kubectl logs` asks for them (ports.LogSource).

The keeper writes CRI lines (`TIME stdout F text`; `P` continues in the next line) to
`pod_logs(uid)/CONTAINER/ATTEMPT.log`, with one older file beside it. All proxy containers of a pod show
the log of their one Envoy, which lies below the first of them.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from hauberk.base.apierrors import BadRequest
from hauberk.base.paths import Paths
from hauberk.base.refs import Json
from hauberk.ports import Clock, Snapshot

from .layout import layout_of
from .model import PROXY
from .spec import Pod, pod_of
from .times import parse_stamp

FOLLOW_S = 0.1


@dataclass(frozen=True, slots=True)
class Wanted:
    """What of a log is wanted."""

    tail_lines: int | None = None
    since: float | None = None  # epoch s
    limit_bytes: int | None = None
    timestamps: bool = False


class NodeLogs:
    """The logs of every pod of this node."""

    def __init__(self, paths: Paths, snapshot: Callable[[], Snapshot], clock: Clock) -> None:
        self._paths, self._snapshot, self._clock = paths, snapshot, clock

    async def read(
        self,
        pod: Json,
        container: str,
        *,
        previous: bool = False,
        follow: bool = False,
        tail_lines: int | None = None,
        since_s: int | None = None,
        since: float | None = None,
        limit_bytes: int | None = None,
        timestamps: bool = False,
    ) -> AsyncIterator[bytes]:
        """The log in pieces. Raises BadRequest, in upstream's words, when there is no such log."""
        view = pod_of(pod)
        attempt = attempt_of(view, container, previous=previous)
        since = self._clock.now() - since_s if since_s is not None else since
        wanted = Wanted(tail_lines, since, limit_bytes, timestamps)
        return self._pieces(view, container, attempt, wanted, follow=follow)

    async def _pieces(
        self, pod: Pod, container: str, attempt: int, wanted: Wanted, *, follow: bool
    ) -> AsyncIterator[bytes]:
        tail = Tail(log_path(self._paths, pod, container, attempt))
        try:
            piece = rendered(await asyncio.to_thread(tail.whole), wanted)
            left = wanted.limit_bytes
            while True:
                if piece:
                    yield piece
                    left = None if left is None else left - len(piece)
                if not follow or (left is not None and left <= 0):
                    return
                alive = still_runs(self._snapshot(), pod, container, attempt)
                data = await asyncio.to_thread(tail.more)
                if not data and not alive:
                    return
                if not data:
                    await self._clock.sleep(FOLLOW_S)
                piece = rendered(data, Wanted(limit_bytes=left, timestamps=wanted.timestamps))
        finally:
            tail.close()


def log_path(paths: Paths, pod: Pod, container: str, attempt: int) -> Path:
    """The file of one attempt's output."""
    layout = layout_of(pod)
    if layout.unit_of(container) == PROXY:
        container = next(iter(layout.roles))
    return paths.pod_logs(pod.uid) / container / f"{attempt}.log"


def still_runs(snapshot: Snapshot, pod: Pod, container: str, attempt: int) -> bool:
    """Whether that attempt of the container has not ended."""
    raw = snapshot.get(pod.ref)
    if raw is None or raw["metadata"]["uid"] != pod.uid:
        return False
    row = status_row(raw, container)
    return bool(row and "running" in (row.get("state") or {}) and row.get("restartCount") == attempt)


def status_row(raw: Json, container: str) -> Json | None:
    """The container's row of the pod's status."""
    status: Json = raw.get("status") or {}
    for key in ("containerStatuses", "initContainerStatuses"):
        for row in status.get(key) or ():
            if row.get("name") == container:
                found: Json = row
                return found
    return None


def attempt_of(pod: Pod, container: str, *, previous: bool) -> int:
    """Which attempt's log is meant.

    Source: kubernetes pkg/kubelet/kubelet_pods.go, validateContainerLogStatus.
    """
    if pod.container(container) is None:
        raise BadRequest(f"container {container} is not valid for pod {pod.name}")
    row = status_row(pod.raw, container) or {}
    state, last = row.get("state") or {}, (row.get("lastState") or {}).get("terminated")
    count = int(row.get("restartCount") or 0)
    who = f'container "{container}" in pod "{pod.name}"'
    if previous:
        if not last:
            raise BadRequest(f"previous terminated {who} not found")
        return count if "waiting" in state else count - 1
    if ("waiting" in state and not last) or not state:
        reason = (state.get("waiting") or {}).get("reason", "ContainerCreating")
        said = {
            "ErrImagePull": "image can't be pulled",
            "ImagePullBackOff": "trying and failing to pull image",
        }.get(reason, reason)
        raise BadRequest(f"{who} is waiting to start: {said}")
    return count


class Tail:
    """One log file, whole lines only. It stays open, so its end is read even after a pod's files are gone."""

    def __init__(self, path: Path) -> None:
        self._path, self._offset = path, 0
        self._file: BinaryIO | None = None

    def whole(self) -> bytes:
        """Everything so far, with the older file beside it."""
        older = self._path.with_name(f"{self._path.name}.1")
        before = older.read_bytes() if older.exists() else b""
        return before + self.more()

    def skip(self) -> None:
        """Begin at the end of what is there."""
        self.more()

    def more(self) -> bytes:
        """What was written since; nothing of the old file is lost when a new one takes its place."""
        data = self._read()
        if not data and self._is_replaced():
            self.close()
            data = self._read()
        return data

    def close(self) -> None:
        """Let go of the file."""
        if self._file is not None:
            self._file.close()
        self._file, self._offset = None, 0

    def _read(self) -> bytes:
        if self._file is None:
            try:
                self._file = self._path.open("rb")
            except OSError:
                return b""
        self._file.seek(self._offset)
        data = self._file.read()
        whole = data[: data.rfind(b"\n") + 1]
        self._offset += len(whole)
        return whole

    def _is_replaced(self) -> bool:
        try:
            return self._file is not None and os.fstat(self._file.fileno()).st_ino != self._path.stat().st_ino
        except OSError:
            return False


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a container: when it began, and its text with its end, if it has one."""

    time: str
    text: bytes


def parse_lines(data: bytes) -> Iterator[Line]:
    """Join the pieces of long lines. A line that is not CRI is left out."""
    time, text = "", b""
    for row in data.splitlines():
        parts = row.split(b" ", 3)
        if len(parts) < 3:
            continue
        time = time or parts[0].decode()
        text += parts[3] if len(parts) > 3 else b""
        if parts[2] == b"F":
            yield Line(time, text + b"\n")
            time, text = "", b""
    if text:
        yield Line(time, text)


def rendered(data: bytes, wanted: Wanted) -> bytes:
    """What the client sees of these log lines."""
    lines: Iterable[Line] = parse_lines(data)
    if wanted.since is not None:
        begin = wanted.since
        lines = (line for line in lines if (parse_stamp(_micros(line.time)) or 0.0) >= begin)
    chosen = list(lines)
    if wanted.tail_lines is not None:
        chosen = chosen[-wanted.tail_lines :] if wanted.tail_lines else []
    shown = b"".join(
        f"{line.time} ".encode() + line.text if wanted.timestamps else line.text for line in chosen
    )
    return shown if wanted.limit_bytes is None else shown[: wanted.limit_bytes]


def _micros(text: str) -> str:
    """Nanoseconds cut to the microseconds that datetime reads."""
    head, dot, tail = text.partition(".")
    return f"{head}.{tail.rstrip('Z')[:6]}Z" if dot else text
