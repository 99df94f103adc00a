"""One folder per process of a workload, held by a lock that dies with the process.

A process takes over every folder whose holder is gone: what a killed process had acknowledged is delivered by
its successor, and two replicas never share a log.
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

_MOST = 256


class Slot:
    """A locked folder `slot-N`. The lock ends with the process, or with `release`."""

    def __init__(self, folder: Path, lock: int) -> None:
        self.folder, self._lock = folder, lock

    def release(self) -> None:
        """Give the folder up."""
        os.close(self._lock)


def take(data: Path, number: int) -> Slot | None:
    """Lock `slot-N`; None when a living process holds it."""
    folder = data / f"slot-{number}"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        return None
    return Slot(folder, lock)


def take_own(data: Path) -> Slot:
    """The first free slot, made when there is none. OSError when nothing can be written."""
    for number in range(_MOST):
        slot = take(data, number)
        if slot is not None:
            return slot
    raise OSError(f"all {_MOST} slots of {data} are taken")


def take_left(data: Path) -> list[Slot]:
    """The slots that hold records of processes that are gone."""
    found = []
    for folder in sorted(data.glob("slot-*")):
        number = folder.name.removeprefix("slot-")
        if number.isdigit() and any((folder / "log").glob("*.log")):
            slot = take(data, int(number))
            if slot is not None:
                found.append(slot)
    return found
