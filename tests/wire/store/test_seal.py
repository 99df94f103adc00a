"""Secrets on the disk: unreadable there, the same after a restart, refused with another key."""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from hauberk.base.problems import Problem
from hauberk.base.refs import Ref
from hauberk.store import Store

TEXT = "correct-horse-battery-staple"


def secret(name: str) -> tuple[Ref, dict[str, Any]]:
    meta = {"name": name, "namespace": "a"}
    return Ref("Secret", "a", name), {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": meta,
        "data": {"k": TEXT},
    }


async def write(store: Store, *names: str) -> None:
    for name in names:
        await store.write("ADDED", *secret(name))
    await store.close()


def raw(folder: Path) -> bytes:
    return b"".join(p.read_bytes() for p in folder.iterdir() if p.name.startswith("state.db"))


def held(store: Store) -> list[str]:
    return [o["data"]["k"] for o in store.snapshot().list("Secret")]


async def test_a_secret_is_unreadable_on_the_disk_and_whole_after_a_restart(tmp_path: Path) -> None:
    database, key = tmp_path / "state.db", tmp_path / "pki" / "secrets.key"
    await write(Store.open(database, key=key), "one", "two")
    assert TEXT.encode() not in raw(tmp_path)
    assert key.stat().st_mode & 0o777 == 0o600
    again = Store.open(database, key=key)
    assert held(again) == [TEXT, TEXT]
    watch = again.watch(["Secret"], since=0)
    async with asyncio.timeout(5):
        changes = await anext(watch)
    assert [c.obj["data"]["k"] for c in changes] == [TEXT, TEXT]
    await watch.aclose()
    await again.close()


async def test_what_an_older_version_wrote_is_sealed_when_it_is_opened(tmp_path: Path) -> None:
    database, key = tmp_path / "state.db", tmp_path / "secrets.key"
    await write(Store.open(database), "old")
    assert TEXT.encode() in raw(tmp_path)
    store = Store.open(database, key=key)
    assert held(store) == [TEXT]
    await store.close()
    assert TEXT.encode() not in raw(tmp_path)
    store = Store.open(database, key=key)
    assert held(store) == [TEXT]
    await store.close()


@pytest.mark.parametrize("spoil", ["missing", "short", "other", "text"])
async def test_without_its_key_a_cluster_says_what_to_do(tmp_path: Path, spoil: str) -> None:
    database, key = tmp_path / "state.db", tmp_path / "secrets.key"
    await write(Store.open(database, key=key), "one")
    kept = key.read_bytes()
    if spoil == "missing":
        key.unlink()
    else:
        key.write_bytes({"short": b"QUJD", "other": b"A" * 43 + b"=", "text": b"no key at all"}[spoil])
    with pytest.raises(Problem) as problem:
        Store.open(database, key=key)
    assert str(key) in problem.value.wanted
    assert "put the key back" in problem.value.fix
    assert not (spoil == "missing" and key.exists()), "a new key would hide the loss"
    key.write_bytes(kept)
    store = Store.open(database, key=key)
    assert held(store) == [TEXT]
    await store.close()


async def test_a_sealed_body_cannot_take_anothers_place(tmp_path: Path) -> None:
    database, key = tmp_path / "state.db", tmp_path / "secrets.key"
    await write(Store.open(database, key=key), "one", "two")
    with sqlite3.connect(database) as db:
        db.execute(
            "UPDATE objects SET body = (SELECT body FROM objects WHERE name = 'one') WHERE name = 'two'"
        )
    db.close()
    with pytest.raises(Problem, match="Secrets cannot be read"):
        Store.open(database, key=key)
