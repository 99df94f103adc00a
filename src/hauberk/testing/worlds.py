"""Worlds for the doctor's tests: manifests, and small edits of them by object and path."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any, TypeAlias

import yaml

from hauberk.base.refs import ref_of
from hauberk.checks import files, judge
from hauberk.checks.model import Report
from hauberk.checks.world import Item, World

Objects: TypeAlias = list[dict[str, Any]]
Edit: TypeAlias = Callable[[Objects], None]
NOW = 1_790_000_000.0  # 2026-09-21


def find(objects: Objects, name: str) -> dict[str, Any]:
    """The object called `KIND/NAME`; there must be exactly one."""
    kind, _, rest = name.partition("/")
    found = [o for o in objects if o["kind"] == kind and o["metadata"]["name"] == rest]
    assert len(found) == 1, f"{len(found)} objects {name}"
    return found[0]


def put(name: str, path: str, value: Any) -> Edit:
    """Set a field: `put("Gateway/x", "spec.servers.0.tls.mode", "MUTUAL")`; `~1` is a dot in a key."""

    def edit(objects: Objects) -> None:
        *above, last = _steps(path)
        place: Any = find(objects, name)
        for step in above:
            place = place[step] if isinstance(step, int) else place.setdefault(step, {})
        place[last] = value

    return edit


def drop(name: str, path: str) -> Edit:
    """Take a field or a row of a list away; it must be there."""

    def edit(objects: Objects) -> None:
        *above, last = _steps(path)
        place: Any = find(objects, name)
        for step in above:
            place = place[step]
        del place[last]

    return edit


def without(name: str) -> Edit:
    """Take an object away."""
    return lambda objects: objects.remove(find(objects, name))


def add(text: str) -> Edit:
    """More objects, as YAML."""
    return lambda objects: objects.extend(yaml.safe_load_all(text))


def made(objects: Objects, edits: Iterable[Edit]) -> Objects:
    """A copy with the edits."""
    out: Objects = json.loads(json.dumps(objects))  # YAML's aliases are no longer one object
    for edit in edits:
        edit(out)
    return out


def report(objects: Objects, *, live: bool = False, served: Iterable[str] | None = None) -> Report:
    """What the doctor says: of the objects as one file, or as a cluster that serves and lists their kinds."""
    if not live:
        return judge.run(files.world_of([("all.yaml", yaml.safe_dump_all(objects))], now=NOW))
    items = tuple(Item(o, ref_of(o)) for o in objects)
    kinds = frozenset(item.ref.kind for item in items)
    world = World(items, NOW, live=True, listed=kinds, served=kinds)
    return judge.run(world if served is None else replace(world, served=kinds | frozenset(served)))


def codes(objects: Objects, *, live: bool = False, served: Iterable[str] | None = None) -> set[str]:
    """The codes that the doctor finds."""
    return {f.code for f in report(objects, live=live, served=served).findings}


def _steps(path: str) -> list[str | int]:
    return [int(s) if s.isdigit() else s.replace("~1", ".") for s in path.split(".")]
