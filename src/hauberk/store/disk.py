"""The SQLite file: objects, and the log of the last changes.

Guarantees: a batch of rows is written in one transaction, so all of it is there after a
crash or nothing is; with `synchronous=FULL` a committed batch survives the loss of power.
Everything here blocks: the store calls it from its writer thread.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from hauberk.base.problems import Problem
from hauberk.base.refs import Ref

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


@dataclass(frozen=True, slots=True)
class Row:
    """One change as it is logged. `body` is the object's JSON after it (DELETED: its last state)."""

    revision: int
    type: str
    ref: Ref
    body: bytes


class Disk:
    """One connection to the file. Use it from one thread at a time."""

    def __init__(self, path: Path, *, ephemeral: bool) -> None:
        self.path = path
        self._db = _connect(path)
        try:
            self._prepare(ephemeral)
        except sqlite3.DatabaseError as error:
            self._db.close()
            raise unusable(path, error) from error

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

    def objects(self) -> Iterator[tuple[Ref, bytes]]:
        """All objects, ordered by kind, namespace and name."""
        for kind, namespace, name, body in self._db.execute(
            "SELECT kind, namespace, name, body FROM objects ORDER BY kind, namespace, name"
        ):
            yield Ref(kind, namespace, name), body

    def revision(self) -> int:
        """The revision of the last committed change."""
        return int(self._db.execute("SELECT coalesce(max(revision), 0) FROM log").fetchone()[0])

    def compacted(self) -> int:
        """The last revision that is no longer in the log."""
        row = self._db.execute("SELECT value FROM facts WHERE name = 'compacted'").fetchone()
        return int(row[0]) if row else 0

    def write(self, rows: Sequence[Row], compact_to: int | None) -> None:
        """Commit these changes, and drop the log up to `compact_to`, in one transaction."""
        db = self._db
        db.execute("BEGIN IMMEDIATE")
        try:
            for row in rows:
                self._write_one(row)
            if compact_to is not None:
                db.execute("DELETE FROM log WHERE revision <= ?", (compact_to,))
                db.execute("INSERT OR REPLACE INTO facts VALUES ('compacted', ?)", (compact_to,))
            db.execute("COMMIT")
        except BaseException:
            if db.in_transaction:
                db.execute("ROLLBACK")
            raise

    def _write_one(self, row: Row) -> None:
        ref = row.ref
        self._db.execute(
            "INSERT INTO log VALUES (?, ?, ?, ?, ?, ?)",
            (row.revision, row.type, ref.kind, ref.namespace, ref.name, row.body),
        )
        if row.type == "DELETED":
            self._db.execute(
                "DELETE FROM objects WHERE kind = ? AND namespace = ? AND name = ?",
                (ref.kind, ref.namespace, ref.name),
            )
        else:
            self._db.execute(
                "INSERT OR REPLACE INTO objects VALUES (?, ?, ?, ?)",
                (ref.kind, ref.namespace, ref.name, row.body),
            )

    def log_after(self, revision: int, limit: int) -> list[Row]:
        """Up to `limit` changes after `revision`, oldest first."""
        found = self._db.execute(
            "SELECT revision, type, kind, namespace, name, body FROM log"
            " WHERE revision > ? ORDER BY revision LIMIT ?",
            (revision, limit),
        )
        return [Row(r, t, Ref(kind, ns, name), body) for r, t, kind, ns, name, body in found]

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
