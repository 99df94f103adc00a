"""What was acknowledged survives: an append-only log with one `fdatasync` for all records that wait.

A log is a folder of segments. `N.log` holds records, each `length, crc32, body`; `N.done` holds the marks of
deliveries that ended, each `position of the record, number of the reader`. A record names the readers
(subscribers) that want it. When every reader of every record of a segment is done, its files go. A segment
held by a few slow readers may be rewritten: what is open moves to the end and keeps its place in the order.

* **append** returns after the disk has the records. A full disk: OSError, and nothing of them stays.
* **marks** are written at once but not synced: killed processes lose none, a power failure may lose some, and
  those events are delivered again.
* **recovery** reads the segments; a torn tail (a record cut by a crash) was never acknowledged and goes.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
import os
import struct
import zlib
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor
from pathlib import Path

import msgspec

log = logging.getLogger(__name__)

_HEAD = struct.Struct("<II")  # length of the body, its crc32
_MARK = struct.Struct("<IH")  # position, reader
SEGMENT = 16 * 1024 * 1024
_RECORD_LIMIT = 64 * 1024 * 1024
_SPARSE = 4  # a full segment is rewritten when less than 1/4 of its deliveries are still open


class Body(msgspec.Struct, array_like=True, gc=False):
    """A record: whose channel, its place in the order, who wants it, and the event with its headers."""

    channel: str
    sequence: int
    readers: list[str]
    headers: list[tuple[str, str]]
    attributes: dict[str, str]
    data: bytes


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Body).decode


class Entry(msgspec.Struct, frozen=True, gc=False):
    """One open delivery: a record and one of its readers."""

    segment: int
    position: int
    reader: int


class Segment:
    """One pair of files. `open_marks` counts deliveries that have not ended."""

    def __init__(self, folder: Path, number: int) -> None:
        self.number = number
        self.path = folder / f"{number:08d}.log"
        self.marks_path = folder / f"{number:08d}.done"
        self.size = 0
        self.total = 0
        self.open_marks = 0
        self.file = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600)
        self.marks = os.open(self.marks_path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)

    def close(self) -> None:
        """Close the files."""
        os.close(self.file)
        os.close(self.marks)

    def remove(self) -> None:
        """Close and delete the files. Marks go last: without them a record would come again."""
        self.close()
        self.path.unlink(missing_ok=True)
        self.marks_path.unlink(missing_ok=True)

    def read(self, position: int) -> Body:
        """The record at a position. ValueError when it is not one."""
        head = os.pread(self.file, _HEAD.size, position)
        if len(head) < _HEAD.size:
            raise ValueError("cut")
        length, checksum = _HEAD.unpack(head)
        if not 0 < length <= _RECORD_LIMIT:
            raise ValueError("not a record")
        body = os.pread(self.file, length, position + _HEAD.size)
        if len(body) < length or zlib.crc32(body) != checksum:
            raise ValueError("damaged")
        try:
            return _decode(body)
        except msgspec.MsgspecError as error:
            raise ValueError("not a record of this version") from error

    def recover(self) -> Iterator[tuple[int, Body]]:
        """All whole records in order; a torn tail is cut off."""
        end = os.fstat(self.file).st_size
        position = 0
        while position < end:
            try:
                body = self.read(position)
            except ValueError as error:
                log.warning("%s: %s at %d of %d: cut off", self.path.name, error, position, end)
                os.ftruncate(self.file, position)
                break
            yield position, body
            length, _ = _HEAD.unpack(os.pread(self.file, _HEAD.size, position))
            position += _HEAD.size + length
        self.size = position

    def recover_marks(self) -> set[tuple[int, int]]:
        """The deliveries that have ended; half a mark at the end is cut off."""
        content = os.pread(self.marks, os.fstat(self.marks).st_size, 0)
        whole = len(content) - len(content) % _MARK.size
        if whole != len(content):
            os.ftruncate(self.marks, whole)
        return set(_MARK.iter_unpack(content[:whole]))


class _Append(msgspec.Struct):
    records: list[bytes]
    readers: list[int]
    done: asyncio.Future[list[list[Entry]]]


class Log:
    """The records of one folder. One process at a time: see `slots`."""

    def __init__(
        self, folder: Path, tasks: asyncio.TaskGroup, executor: Executor, *, segment_size: int = SEGMENT
    ) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.folder = folder
        self._tasks, self._executor = tasks, executor
        self._segment_size = segment_size
        self.segments: dict[int, Segment] = {}
        self._current: Segment | None = None
        self._appends: list[_Append] = []
        self._syncing: asyncio.Task[None] | None = None
        self._marks: dict[int, bytearray] = {}
        self._next = 1
        self.syncs = 0

    # recovery

    def recover(self) -> list[tuple[Entry, Body]]:
        """The open deliveries, oldest first."""
        found: list[tuple[Entry, Body]] = []
        for path in sorted(self.folder.glob("*.log")):
            segment = Segment(self.folder, int(path.stem))
            self._next = max(self._next, segment.number + 1)
            done = segment.recover_marks()
            for position, body in segment.recover():
                readers = range(len(body.readers))
                entries = [Entry(segment.number, position, r) for r in readers if (position, r) not in done]
                segment.total += len(body.readers)
                segment.open_marks += len(entries)
                found += [(entry, body) for entry in entries]
            if segment.open_marks:
                self.segments[segment.number] = segment
            else:
                segment.remove()
        for path in self.folder.glob("*.done"):  # of segments removed halfway
            if not path.with_suffix(".log").exists():
                path.unlink()
        found.sort(key=lambda pair: pair[1].sequence)
        return found

    # append

    async def append(self, bodies: Sequence[Body]) -> list[list[Entry]]:
        """Keep records; the open deliveries of each. Returns when the disk has them all, OSError when not."""
        records = [_framed(_encode(body)) for body in bodies]
        done: asyncio.Future[list[list[Entry]]] = asyncio.get_running_loop().create_future()
        self._appends.append(_Append(records, [len(body.readers) for body in bodies], done))
        if self._syncing is None:
            self._syncing = self._tasks.create_task(self._sync())
        return await done

    async def _sync(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            while self._appends:
                batch, self._appends = self._appends, []
                data = b"".join(record for append in batch for record in append.records)
                try:
                    segment = self._writable()
                    await loop.run_in_executor(self._executor, _write, segment.file, data, segment.size)
                except OSError as error:
                    _fail(batch, error)
                    continue
                self.syncs += 1
                for append in batch:
                    self._settle(segment, append)
        finally:
            self._syncing = None

    def _settle(self, segment: Segment, append: _Append) -> None:
        entries = []
        for record, readers in zip(append.records, append.readers, strict=True):
            entries.append([Entry(segment.number, segment.size, reader) for reader in range(readers)])
            segment.size += len(record)
            segment.total += readers
            segment.open_marks += readers
        if not append.done.done():
            append.done.set_result(entries)
            return
        for entry in (e for found in entries for e in found):  # whoever waited is gone: nobody was told
            self.done(entry)

    def _writable(self) -> Segment:
        current = self._current
        if current is not None and current.size < self._segment_size:
            return current
        segment = Segment(self.folder, self._next)
        self._next += 1
        self.segments[segment.number] = segment
        self._current = segment
        if current is not None and not current.open_marks:
            self._drop(current)
        return segment

    # reading and marks

    def read(self, entry: Entry) -> Body:
        """The record of an open delivery. ValueError when the disk has damaged it."""
        return self.segments[entry.segment].read(entry.position)

    def done(self, entry: Entry) -> None:
        """The delivery has ended. Written within this turn of the loop."""
        segment = self.segments.get(entry.segment)
        if segment is None:
            return
        if not self._marks:
            asyncio.get_running_loop().call_soon(self.flush)
        self._marks.setdefault(entry.segment, bytearray()).extend(_MARK.pack(entry.position, entry.reader))
        segment.open_marks -= 1

    def flush(self) -> None:
        """Write the marks that wait, and drop segments that are finished."""
        marks, self._marks = self._marks, {}
        for number, content in marks.items():
            segment = self.segments.get(number)
            if segment is None:
                continue
            try:
                os.write(segment.marks, content)
            except OSError as error:  # those events come again after a restart
                log.warning("marks could not be written: %s", error)
            if not segment.open_marks and segment is not self._current:
                self._drop(segment)

    def _drop(self, segment: Segment) -> None:
        del self.segments[segment.number]
        segment.remove()

    def sparse(self) -> list[int]:
        """Segments, oldest first, that hold few open deliveries and may be rewritten."""
        return [
            s.number
            for s in self.segments.values()
            if s is not self._current and s.total >= _SPARSE * s.open_marks and s.size >= self._segment_size
        ]

    @property
    def bytes_kept(self) -> int:
        """The size of all segments."""
        return sum(s.size for s in self.segments.values())

    async def close(self) -> None:
        """Wait for appends under way, write marks, close files; an empty log leaves no files."""
        if self._syncing is not None:
            await self._syncing
        self.flush()
        for segment in list(self.segments.values()):
            if segment.open_marks:
                segment.close()
            else:
                segment.remove()
        self.segments.clear()
        self._current = None


def _framed(body: bytes) -> bytes:
    return _HEAD.pack(len(body), zlib.crc32(body)) + body


def _write(file: int, data: bytes, start: int) -> None:
    """Write at a place and sync; on failure the file ends there again."""
    try:
        written = 0
        view = memoryview(data)
        while written < len(data):
            count = os.pwrite(file, view[written:], start + written)
            if count <= 0:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            written += count
        os.fdatasync(file)
    except OSError:
        with contextlib.suppress(OSError):
            os.ftruncate(file, start)
        raise


def _fail(batch: Sequence[_Append], error: OSError) -> None:
    for append in batch:
        if not append.done.done():
            append.done.set_exception(OSError(error.errno, error.strerror))
