"""The SQLite file: objects, and the log of the last changes.

Guarantees: a batch of rows is written in one transaction, so all of it is there after a
crash or nothing is; with `synchronous=FULL` a committed batch survives the loss of power.
Everything here blocks: the store calls it from its writer thread.
"""

from __future__ import annotations

import itertools
import os
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from hauberk.base.problems import Problem
from hauberk.base.refs import Ref
from hauberk.store import sealing
from hauberk.store.seal import KINDS, Seal

_SCHEMA_VERSION = 1
_SCHEMA = """
CREATE TABLE objects (
  kind TEXT NOT NULL, namespace TEXT NOT NULL, name TEXT NOT NULL, body BLOB NOT NULL,
  PRIMARY KEY (kind, namespace, name)
) WITHOUT ROWID;
CREATE TABLE log (
  revision INTEGER PRIMARY KEY, type TEXT NOT NULL,
  kind TEXT NOT NULL, namespace TEXT NOT NULL, name TEXT NOT NULL, body BLOB NOT NULL
);
CREATE TABLE facts (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
"""
# For what an object was before a logged change; databases of older versions get it when they are opened.
_INDEX = "CREATE INDEX IF NOT EXISTS log_of_object ON log (kind, namespace, name, revision)"

# What the first change after the end of the log replaced is kept: watches with selectors ask for it.
_COMPACT = (
    "DELETE FROM log WHERE revision <= ? AND coalesce((SELECT min(n.revision) FROM log n"
    " WHERE n.kind = log.kind AND n.namespace = log.namespace AND n.name = log.name"
    " AND n.revision > log.revision), 0) <= ?"
)

# Rows per statement. One statement for many rows lets go of the interpreter once, not once a row: the event
# loop is busy while it writes, and to get its turn again costs more than the row does.
_STRIDES = (64, 16, 4, 1)


@dataclass(frozen=True, slots=True)
class Row:
    """One change as it is logged. `body` is the object's JSON after it (DELETED: its last state)."""

    revision: int
    type: str
    ref: Ref
    body: bytes


class Disk:
    """One connection to the file. Use it from one thread at a time."""

    def __init__(self, path: Path, *, ephemeral: bool, key: Path | None = None) -> None:
        """`key` is the file with the key of Secrets' bodies; without it they are kept as they are."""
        self.path = path
        self._seal: Seal | None = None
        self._db = _connect(path)
        try:
            self._prepare(ephemeral)
            if key is not None:
                self._seal = Seal.of(key, needed=sealing.holds_sealed(self._db))
                sealing.seal_plain(self._db, self._seal)
        except sqlite3.DatabaseError as error:
            self._db.close()
            raise unusable(path, error) from error
        except Problem:
            self._db.close()
            raise

    def _prepare(self, ephemeral: bool) -> None:
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute(f"PRAGMA synchronous={'OFF' if ephemeral else 'FULL'}")
        self._db.execute("PRAGMA wal_autocheckpoint=2000")
        version = self._db.execute("PRAGMA user_version").fetchone()[0]
        if version == 0:
            self._db.executescript(f"BEGIN;{_SCHEMA}PRAGMA user_version={_SCHEMA_VERSION};COMMIT;")
        elif version != _SCHEMA_VERSION:
            raise Problem(
                "the cluster's database has another layout",
                wanted=f"layout {_SCHEMA_VERSION}",
                found=f"layout {version}: {self.path}",
                fix="run the hauberk version that wrote it, or remove the file to start empty",
            )
        self._db.execute(_INDEX)

    def objects(self) -> Iterator[tuple[Ref, bytes]]:
        """All objects, ordered by kind, namespace and name."""
        for kind, namespace, name, body in self._db.execute(
            "SELECT kind, namespace, name, body FROM objects ORDER BY kind, namespace, name"
        ):
            ref = Ref(kind, namespace, name)
            yield ref, self._opened(ref, body)

    def _opened(self, ref: Ref, body: bytes) -> bytes:
        return self._seal.opened(ref, body) if self._seal is not None else body

    def revision(self) -> int:
        """The revision of the last committed change."""
        return int(self._db.execute("SELECT coalesce(max(revision), 0) FROM log").fetchone()[0])

    def compacted(self) -> int:
        """The last revision that is no longer in the log."""
        row = self._db.execute("SELECT value FROM facts WHERE name = 'compacted'").fetchone()
        return int(row[0]) if row else 0

    def write(self, rows: Sequence[Row], compact_to: int | None) -> None:
        """Commit these changes, and drop the log up to `compact_to`, in one transaction."""
        db, seal = self._db, self._seal
        if seal is not None:
            rows = [replace(r, body=seal.closed(r.ref, r.body)) if r.ref.kind in KINDS else r for r in rows]
        db.execute("BEGIN IMMEDIATE")
        try:
            self._write_rows(rows)
            if compact_to is not None:
                db.execute(_COMPACT, (compact_to, compact_to))
                db.execute("INSERT OR REPLACE INTO facts VALUES ('compacted', ?)", (compact_to,))
            db.execute("COMMIT")
        except BaseException:
            if db.in_transaction:
                db.execute("ROLLBACK")
            raise

    def _write_rows(self, rows: Sequence[Row]) -> None:
        logged = ((r.revision, r.type, r.ref.kind, r.ref.namespace, r.ref.name, r.body) for r in rows)
        self._many("INSERT INTO log VALUES ", "(?,?,?,?,?,?)", logged)
        last = {row.ref: row for row in rows}  # what an object is at the end of the batch
        kept = (
            (r.ref.kind, r.ref.namespace, r.ref.name, r.body) for r in last.values() if r.type != "DELETED"
        )
        self._many("INSERT OR REPLACE INTO objects VALUES ", "(?,?,?,?)", kept)
        gone = ((r.ref.kind, r.ref.namespace, r.ref.name) for r in last.values() if r.type == "DELETED")
        self._many("DELETE FROM objects WHERE (kind, namespace, name) IN (VALUES ", "(?,?,?)", gone, ")")

    def _many(self, head: str, row: str, values: Iterable[tuple[object, ...]], tail: str = "") -> None:
        """Run one statement for many rows at a time."""
        left = list(values)
        at = 0
        for stride in _STRIDES:
            while len(left) - at >= stride:
                text = head + ",".join([row] * stride) + tail
                self._db.execute(text, tuple(itertools.chain.from_iterable(left[at : at + stride])))
                at += stride

    def log_after(self, revision: int, limit: int) -> list[tuple[Row, bytes | None]]:
        """Up to `limit` changes after `revision`, oldest first, each with the object before it.

        The latter is None when there was none, or when an older version compacted it away.
        """
        found = self._db.execute(
            "SELECT revision, type, kind, namespace, name, body,"
            " (SELECT CASE WHEN p.type = 'DELETED' THEN NULL ELSE p.body END FROM log p"
            "  WHERE p.kind = l.kind AND p.namespace = l.namespace AND p.name = l.name"
            "  AND p.revision < l.revision ORDER BY p.revision DESC LIMIT 1)"
            " FROM log l WHERE revision > ? ORDER BY revision LIMIT ?",
            (revision, limit),
        )
        return [self._logged(*row) for row in found]

    def _logged(
        self, revision: int, type_: str, kind: str, namespace: str, name: str, body: bytes, old: bytes | None
    ) -> tuple[Row, bytes | None]:
        ref = Ref(kind, namespace, name)
        return Row(revision, type_, ref, self._opened(ref, body)), old and self._opened(ref, old)

    def limit_pages(self, pages: int) -> None:
        """Let the file grow no further than this many pages; SQLite reports a full disk then."""
        self._db.execute(f"PRAGMA max_page_count={pages:d}")

    def pages(self) -> int:
        """How many pages the file has."""
        return int(self._db.execute("PRAGMA page_count").fetchone()[0])

    def close(self) -> None:
        """Fold the write-ahead log into the file and close it."""
        self._db.close()


def _connect(path: Path) -> sqlite3.Connection:
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        return sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    except (OSError, sqlite3.DatabaseError) as error:
        raise unusable(path, error) from error


def unusable(path: Path, error: Exception) -> Problem:
    """The file cannot be opened, or what is in it is not a database."""
    return Problem(
        "the cluster's database cannot be opened",
        wanted=f"a readable and writable SQLite file: {path}",
        found=str(error),
        fix="free disk space or correct the permissions; when the file is damaged, start empty: "
        f"rm -f {path}-wal {path}-shm; mv {path} {path}.damaged; then `hauberk up` again",
    )
