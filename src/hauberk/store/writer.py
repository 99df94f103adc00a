"""The writer thread: many waiting writes become one transaction.

Guarantees: writes are committed in the order they were submitted; a write is reported done
only after its COMMIT returned; when a transaction fails, every write after it that was
submitted before the failure was handled fails too, because it was decided upon a state
that never came to be.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from hauberk.store.disk import Disk, Row

_MOST_PER_COMMIT = 2000


@dataclass(frozen=True, slots=True)
class Job:
    """One write on its way to the disk. `epoch` counts the failures seen when it was decided."""

    epoch: int
    row: Row


Report = Callable[[Sequence[Job], Exception | None], None]
"""Called in the writer thread after each transaction, with its writes and why it failed."""


class Writer:
    """A thread that owns the database connection while it runs."""

    def __init__(self, disk: Disk, report: Report, *, keep: int, compacted: int) -> None:
        self._disk, self._report, self._keep = disk, report, keep
        self._compacted = compacted
        self._failed_epoch = -1
        self._jobs: list[Job] = []
        self._wake = threading.Condition()
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="hauberk-store", daemon=True)
        self._thread.start()

    @property
    def compacted(self) -> int:
        """The last revision that is no longer in the log."""
        return self._compacted

    def submit(self, job: Job) -> None:
        """Queue one write; returns at once."""
        with self._wake:
            self._jobs.append(job)
            if len(self._jobs) == 1:
                self._wake.notify()

    def stop(self) -> None:
        """Commit what is queued, then end the thread. Blocks."""
        with self._wake:
            self._stopping = True
            self._wake.notify()
        self._thread.join()

    def _run(self) -> None:
        while batch := self._next():
            # Stale jobs were refused in the loop when the failure was handled there.
            fresh = [job for job in batch if job.epoch > self._failed_epoch]
            if fresh:
                self._report(fresh, self._commit(fresh))

    def _next(self) -> Sequence[Job]:
        with self._wake:
            while not self._jobs and not self._stopping:
                self._wake.wait()
            batch, self._jobs = self._jobs[:_MOST_PER_COMMIT], self._jobs[_MOST_PER_COMMIT:]
            return batch

    def _commit(self, batch: Sequence[Job]) -> Exception | None:
        current = [job.row for job in batch]
        target = self._compaction(current[-1].revision)
        try:
            self._disk.write(current, target)
        except Exception as error:  # any failure must reach the waiting writers
            self._failed_epoch = batch[0].epoch
            return error
        if target is not None:
            self._compacted = target
        return None

    def _compaction(self, last: int) -> int | None:
        # In steps, so that most transactions do not touch the old end of the log.
        wanted = last - self._keep
        return wanted if wanted - self._compacted >= max(1, self._keep // 10) else None
