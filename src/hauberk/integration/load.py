"""From the text of `hauberk.yaml` to an Integration, or to a Problem that names every line that is wrong.

Steps: YAML with the line of every key; unknown keys, with what was meant; types; choices that do not go
together. Whether the files of certificates fit is for `certs`, which can make them fit.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import msgspec
import yaml

from hauberk.base.problems import Problem
from hauberk.integration.model import Integration, Part
from hauberk.integration.rules import Broken, judge
from hauberk.integration.yamltext import scalar

FILE = "hauberk.yaml"
SEE = "docs/integration.md"
Path_: TypeAlias = tuple[str | int, ...]
Lines: TypeAlias = Mapping[Path_, int]
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_PLACE = re.compile(r"^(?P<what>.*?)(?: - at `\$(?P<path>[^`]*)`)?$", re.DOTALL)
_STEP = re.compile(r"\.([^.\[]+)|\[(\d+|\.\.\.)\]")


def load(path: Path) -> Integration:
    """Read the file. Raises Problem."""
    try:
        text = path.read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise Problem(
            f"`{path}` cannot be read",
            wanted="an Integration, as `hauberk init` writes it",
            found=str(error.strerror or error) if isinstance(error, OSError) else str(error),
            fix=f"hauberk init --to {path}",
        ) from error
    return parse(text, str(path))


def parse(text: str, name: str = FILE) -> Integration:
    """The Integration of a text; `name` stands in messages. Raises Problem."""
    value, lines = _read(text, name)
    if not isinstance(value, dict):
        raise _problem(name, lines, [_shape(value)])
    unknown = list(_unknown(value, Integration, ()))
    if unknown:
        raise _problem(name, lines, unknown)
    try:
        wanted = msgspec.convert(value, Integration)
    except msgspec.ValidationError as error:
        raise _problem(name, lines, [_mistyped(error, value)]) from error
    if broken := list(judge(wanted)):
        raise _problem(name, lines, broken)
    return wanted


def _shape(value: Any) -> Broken:
    return Broken(
        path=(),
        what="the file is not an Integration",
        wanted="apiVersion: hauberk/v1alpha1, kind: Integration",
        found="nothing" if value is None else type(value).__name__,
        fix="hauberk init > hauberk.yaml",
    )


# Lines


def _read(text: str, name: str) -> tuple[Any, Lines]:
    """The value and where each of its keys stands. Raises Problem on broken YAML or repeated keys."""
    loader = _LOADER(text)
    try:
        node = loader.get_single_node()
        lines: dict[Path_, int] = {}
        repeated = list(_walk(node, (), lines)) if node is not None else []
        value = None if node is None else loader.construct_document(node)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f"{name}:{mark.line + 1}" if mark else name
        raise Problem(
            f"{place}: not YAML",
            wanted="a YAML mapping",
            found=str(getattr(error, "problem", None) or error),
            fix="correct the indentation or the quotes of that line",
            see=SEE,
        ) from error
    finally:
        loader.dispose()
    if repeated:
        raise _problem(name, lines, repeated)
    return value, lines


def _walk(node: yaml.Node, path: Path_, lines: dict[Path_, int]) -> Iterator[Broken]:
    lines.setdefault(path, node.start_mark.line + 1)
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, below in node.value:
            at = (*path, str(key.value))
            lines[at] = key.start_mark.line + 1
            if key.value in seen:
                yield _repeated(at, str(key.value))
            seen.add(key.value)
            yield from _walk(below, at, lines)
    elif isinstance(node, yaml.SequenceNode):
        for index, below in enumerate(node.value):
            yield from _walk(below, (*path, index), lines)


def _repeated(path: Path_, key: str) -> Broken:
    return Broken(
        path=path,
        what=f"the key `{key}` stands there twice",
        wanted="each key once",
        found=key,
        fix="remove one",
    )


def _line(lines: Lines, path: Path_) -> int:
    """The line of the path, or of the nearest of its parents that the file has."""
    while path and path not in lines:
        path = path[:-1]
    return lines.get(path, 1)


# Keys and types


def _unknown(value: Any, model: Any, path: Path_) -> Iterator[Broken]:
    """Keys that the model does not have, at any depth."""
    if _is_part(model) and isinstance(value, dict):
        fields = {f.encode_name: f.type for f in msgspec.structs.fields(model)}
        for key, below in value.items():
            if key in fields:
                yield from _unknown(below, _part_of(fields[key]), (*path, str(key)))
            else:
                yield _unknown_key(str(key), list(fields), path)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _unknown(item, model, (*path, index))


def _is_part(model: Any) -> bool:
    return isinstance(model, type) and issubclass(model, Part)


def _part_of(annotation: Any) -> Any:
    """The Part somewhere in a field's type: behind Annotated, a union or a tuple; else the type itself."""
    if _is_part(annotation):
        return annotation
    for inner in (getattr(annotation, "__origin__", None), *getattr(annotation, "__args__", ())):
        if inner is not None and inner is not annotation and _is_part(found := _part_of(inner)):
            return found
    return annotation


def _unknown_key(key: str, known: Sequence[str], path: Path_) -> Broken:
    where = f" in `{_dotted(path)}`" if path else ""
    folded = {name.lower(): name for name in known}
    near = difflib.get_close_matches(key.lower().replace("_", "").replace("-", ""), folded, n=1, cutoff=0.6)
    meant = folded[near[0]] if near else ""
    return Broken(
        path=(*path, key),
        what=f"unknown key `{key}`{where}" + (f": did you mean `{meant}`?" if meant else ""),
        wanted=", ".join(known),
        found=key,
        fix=f"write `{meant}`" if meant else f"remove `{key}`",
    )


def _mistyped(error: msgspec.ValidationError, value: Any) -> Broken:
    match = _PLACE.match(str(error))
    assert match, "msgspec's messages end with a path or not"
    path = _path_of(match["path"] or "")
    missing = re.search(r"missing required field `(\w+)`", match["what"])
    if missing:
        key = missing[1]
        examples = {"domain": "apps.openshift.example.com", "members": "[knative-serving, knative-eventing]"}
        values = {"apiVersion": "hauberk/v1alpha1", "kind": "Integration", **examples}
        return Broken(
            path=path,
            what=f"`{key}` is missing",
            wanted=f"`{key}`" + (f" in `{_dotted(path)}`" if path else ""),
            found="nothing",
            fix=f"{key}: {values.get(key, '…')}",
        )
    found = _at(value, path)
    wanted = match["what"].removeprefix("Expected ").partition(", got ")[0]
    info = _info(path)
    example = _example(info)
    if "regex" in wanted or "length" in wanted:
        wanted = f"{info.get('description', 'a text').rstrip('.')}, such as {example}"
    if choices := info.get("enum"):
        wanted = ", ".join(choices)
    key = next((str(p) for p in reversed(path) if isinstance(p, str)), "value")
    in_list = isinstance(path[-1], int) if path else False
    return Broken(
        path=path,
        what=f"`{_dotted(path)}` cannot be {_shown(found)}",
        wanted=_plainly(wanted),
        found=_shown(found),
        fix=f"- {example}" if in_list else f"{key}: {example}",
    )


def _path_of(text: str) -> Path_:
    """`.kafka.bootstrapServers[1]` as a path."""
    steps = _STEP.findall(text)
    return tuple(key or (int(index) if index.isdigit() else 0) for key, index in steps)


def _at(value: Any, path: Path_) -> Any:
    for step in path:
        try:
            value = value[step]
        except (KeyError, IndexError, TypeError):
            return None
    return value


def _dotted(path: Path_) -> str:
    return "".join(f"[{p}]" if isinstance(p, int) else f".{p}" for p in path).lstrip(".")


def _shown(value: Any) -> str:
    text = "nothing" if value is None else f"`{value}`"
    return text if len(text) <= 80 else f"{text[:76]}…`"


_WORDS = {
    "`bool`": "true or false",
    "`int`": "a whole number",
    "`str`": "a text",
    "`array`": "a list",
    "`object`": "a mapping",
    " | null": "",
}


def _plainly(wanted: str) -> str:
    for word, plain in _WORDS.items():
        wanted = wanted.replace(word, plain)
    return wanted


def _info(path: Path_) -> dict[str, Any]:
    """The schema of the field at a path, or of the items of the list there."""
    model: Any = Integration
    info: dict[str, Any] = {}
    for step in path:
        if isinstance(step, int):
            info = {"description": info.get("description", "a value"), **info.get("items", {})}
        elif _is_part(model):
            field = next((f for f in msgspec.structs.fields(model) if f.encode_name == step), None)
            if field is None:
                return {}
            info = msgspec.json.schema(field.type)
            model = _part_of(field.type)
            if not isinstance(field.default, type(msgspec.NODEFAULT)):
                info.setdefault("default", field.default)
    return info


def _example(info: Mapping[str, Any]) -> str:
    """A value that would do: an example, the first choice or the default."""
    if info.get("type") == "array":
        return f"[{_example(info.get('items', {}))}]"
    default = info.get("default")
    usual = [default] if isinstance(default, str | int) and default != "" else []
    values = [*info.get("examples", ()), *usual, *info.get("enum", ())]
    return scalar(values[0]) if values else "…"


# The Problem


def _problem(name: str, lines: Lines, broken: Sequence[Broken]) -> Problem:
    """One Problem for one or several findings, each with its line."""
    if len(broken) == 1:
        (one,) = broken
        return Problem(
            f"{name}:{_line(lines, one.path)}: {one.what}",
            wanted=one.wanted,
            found=one.found,
            fix=one.fix,
            see=SEE,
        )
    rows = [(_line(lines, one.path), one) for one in broken]
    rows.sort(key=lambda row: row[0])
    gap = "\n          "
    return Problem(
        gap.join(f"{name}:{line}: {one.what}" for line, one in rows).replace(gap, "\n"),
        wanted=gap.join(f"line {line}: {one.wanted}" for line, one in rows),
        found=gap.join(f"line {line}: {one.found}" for line, one in rows),
        fix=gap.join(f"line {line}: {one.fix}" for line, one in rows),
        see=SEE,
    )
