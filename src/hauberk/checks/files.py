"""Manifests of files and directories as a world. Reads files; decides nothing about them."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path as File
from typing import Any

from hauberk.base.problems import Problem
from hauberk.base.refs import Json, ref_of
from hauberk.checks.documents import Document, Unreadable, documents
from hauberk.checks.model import Place
from hauberk.checks.promised import with_promised
from hauberk.checks.world import Fault, Item, Source, World

ENDINGS = (".yaml", ".yml", ".json")
NOT_MANIFESTS = ("kustomization.yaml", "kustomization.yml", "hauberk.yaml", ".hauberk-doctor.yaml")


def manifests(paths: Iterable[str]) -> tuple[tuple[str, str], ...]:
    """(name, text) of every manifest below `paths`; `-` is not read here.

    Directories are walked in the order of names; hidden ones and Kustomize's own files are passed over.
    Raises Problem for a path that cannot be read.
    """
    return tuple((str(file), _text(file)) for path in paths for file in _files(File(path)))


def _files(path: File) -> Iterator[File]:
    if not path.is_dir():
        yield path
        return
    for folder, folders, names in os.walk(path):
        folders[:] = sorted(f for f in folders if not f.startswith("."))
        for name in sorted(names):
            if name.endswith(ENDINGS) and name not in NOT_MANIFESTS:
                yield File(folder, name)


def _text(file: File) -> str:
    try:
        return file.read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise Problem(
            f"`{file}` cannot be read",
            wanted="a file or directory of manifests",
            found=str(error),
            fix="hauberk doctor -f DIRECTORY",
        ) from error


def world_of(texts: Iterable[tuple[str, str]], *, now: float, whole: bool | None = None) -> World:
    """The world that these (name, text) manifests describe. Pure.

    An object that several documents speak of is judged as all of them together.
    """
    found: dict[Any, Item] = {}
    faults: list[Fault] = []
    for file, text in texts:
        try:
            for document in documents(text):
                _add(found, faults, file, document)
        except Unreadable as error:
            place = Place(file=file, line=error.line)
            faults.append(Fault(place=place, found=error.said, readable=False))
    return with_promised(World(tuple(found.values()), now, faults=tuple(faults), declared_whole=whole))


def _add(found: dict[Any, Item], faults: list[Fault], file: str, document: Document) -> None:
    if _is_list(document.value):
        for index, _ in enumerate(document.value["items"]):
            _add(found, faults, file, _item_of(document, index))
        return
    wrong = _no_object(document.value)
    if wrong:
        line = document.node.start_mark.line + 1
        faults.append(Fault(place=Place(file=file, line=line), found=wrong, readable=True))
        return
    source = Source(file, document)
    ref = ref_of(document.value)
    old = found.get(ref)
    if old is None:
        found[ref] = Item(document.value, ref, (source,))
    else:
        found[ref] = Item(merged(old.obj, document.value), ref, (*old.sources, source))


def _is_list(value: Any) -> bool:
    return (
        isinstance(value, Mapping)
        and str(value.get("kind", "")).endswith("List")
        and isinstance(value.get("items"), list)
    )


def _item_of(document: Document, index: int) -> Document:
    items = next(v for k, v in document.node.value if k.value == "items")
    return Document(document.value["items"][index], items.value[index])


def _no_object(value: Any) -> str:
    if not isinstance(value, Mapping):
        return f"a {type(value).__name__}, not an object"
    meta = value.get("metadata")
    missing = [k for k in ("apiVersion", "kind") if not isinstance(value.get(k), str)]
    if not isinstance(meta, Mapping) or not isinstance(meta.get("name"), str):
        missing.append("metadata.name")
    return f"no {' and no '.join(missing)}" if missing else ""


def merged(one: Any, other: Any) -> Any:
    """Two descriptions of one object as one: mappings and named rows merge, the later value wins."""
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        both: dict[str, Any] = dict(one)
        for key, value in other.items():
            both[key] = merged(one[key], value) if key in one else value
        return both
    if isinstance(one, list) and isinstance(other, list):
        return _merged_lists(one, other)
    return other


def _merged_lists(one: list[Any], other: list[Any]) -> list[Any]:
    if not all(isinstance(row, Mapping) and "name" in row for row in (*one, *other)):
        return [*one, *(row for row in other if row not in one)]
    later: dict[Any, Json] = {row["name"]: row for row in other}
    names = {row["name"] for row in one}
    kept = [merged(row, later[row["name"]]) if row["name"] in later else row for row in one]
    return [*kept, *(row for row in other if row["name"] not in names)]
