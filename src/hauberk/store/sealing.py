"""What is sealed in a database, and what of an older version is not yet."""

from __future__ import annotations

import sqlite3

from hauberk.base.refs import Ref
from hauberk.store.seal import KINDS, PREFIX, Seal

_TABLES = ("objects", "log")
_OURS = f"kind IN ({','.join('?' * len(KINDS))})"
_BEGINS = f"substr(body, 1, {len(PREFIX)})"


def holds_sealed(db: sqlite3.Connection) -> bool:
    """Whether bodies are there that only the right key opens."""
    return any(
        db.execute(
            f"SELECT 1 FROM {table} WHERE {_OURS} AND {_BEGINS} = ? LIMIT 1", (*KINDS, PREFIX)
        ).fetchone()
        for table in _TABLES
    )


def seal_plain(db: sqlite3.Connection, seal: Seal) -> None:
    """Seal the bodies that an older version wrote; nothing of them stays in the file."""
    found = {
        table: db.execute(
            f"SELECT kind, namespace, name, body FROM {table} WHERE {_OURS} AND {_BEGINS} <> ?",
            (*KINDS, PREFIX),
        ).fetchall()
        for table in _TABLES
    }
    if not any(found.values()):
        return
    db.execute("BEGIN IMMEDIATE")
    for table, rows in found.items():
        for kind, namespace, name, body in rows:
            db.execute(
                f"UPDATE {table} SET body = ? WHERE kind = ? AND namespace = ? AND name = ? AND body = ?",
                (seal.closed(Ref(kind, namespace, name), body), kind, namespace, name, body),
            )
    db.execute("COMMIT")
    db.execute("VACUUM")
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
