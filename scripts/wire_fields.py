"""Write `src/hauberk/apiserver/wire.json`: the field numbers of Kubernetes' protobuf messages.

Usage: wire_fields.py API_DIR APIMACHINERY_DIR, the unpacked Go modules k8s.io/api and
k8s.io/apimachinery. Only messages that the served built-in kinds reach are kept.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

from hauberk.kinds import KINDS

_FIELD = re.compile(r"^\s*(?:(?:optional|repeated)\s+)?([\w.]+|map<string,\s*[\w.]+>)\s+(\w+)\s*=\s*(\d+);")
_STRUCT = re.compile(r"^type (\w+) struct \{(.*?)^\}", re.MULTILINE | re.DOTALL)
_GO_FIELD = re.compile(r'^\s+\w+\s+(\*)?\S+\s+`json:"([^"]*)" protobuf:"\w+,(\d+),', re.MULTILINE)
_MAP = re.compile(r"map<string,\s*([\w.]+)>")
_SCALARS = {"string", "bytes", "bool", "int32", "int64", "double", "uint32", "uint64"}
_EXTRA = (
    "k8s.io.apimachinery.pkg.apis.meta.v1.DeleteOptions",
    "k8s.io.api.policy.v1.Eviction",
    "k8s.io.api.core.v1.Binding",
    "k8s.io.api.autoscaling.v1.Scale",
    "k8s.io.api.authentication.v1.TokenRequest",
)
OUT = Path(__file__).parents[1] / "src/hauberk/apiserver/wire.json"


def messages(proto: Path) -> dict[str, dict[str, list[object]]]:
    """Message name → field number → [name, type, sort, keep].

    `sort` is 0 single, 1 list, 2 map; `keep` is 1 when a zero value is written to JSON.
    """
    text = re.sub(r"//[^\n]*", "", proto.read_text())
    package = re.search(r"^package ([\w.]+);", text, re.MULTILINE)
    assert package is not None, f"{proto} names its package"
    kept = kept_zeroes(proto.parent)
    out: dict[str, dict[str, list[object]]] = {}
    for name, body in re.findall(r"^message (\w+) \{(.*?)^\}", text, re.MULTILINE | re.DOTALL):
        fields: dict[str, list[object]] = {}
        for line in body.splitlines():
            if found := _FIELD.search(line):
                fields[found[3]] = [
                    *_field(line, found[1], found[2], package[1]),
                    int((name, found[3]) in kept),
                ]
        out[f"{package[1]}.{name}"] = fields
    return out


def kept_zeroes(folder: Path) -> set[tuple[str, str]]:
    """Struct name and field number of pointers and of fields without `omitempty`."""
    out = set()
    for source in folder.glob("*.go"):
        if source.name.startswith(("generated", "zz_")):
            continue
        for name, body in _STRUCT.findall(source.read_text()):
            for pointer, tag, number in _GO_FIELD.findall(body):
                if pointer or "omitempty" not in tag:
                    out.add((name, number))
    return out


def _field(line: str, type_: str, name: str, package: str) -> list[object]:
    inner = _MAP.fullmatch(type_)
    plain = inner[1] if inner else type_
    full = plain if plain in _SCALARS else plain.lstrip(".") if "." in plain else f"{package}.{plain}"
    return [name, full, 2 if inner else 1 if "repeated" in line else 0]


def main() -> None:
    """Read the modules, keep what is reachable, write the table."""
    every: dict[str, dict[str, list[object]]] = {}
    for root in sys.argv[1:]:
        for proto in Path(root).rglob("generated.proto"):
            every.update(messages(proto))
    roots = {
        f"{k.api_version}/{k.name}": _message(k.group, k.versions[0], k.name) for k in KINDS if k.builtin
    }
    todo = [*roots.values(), *_EXTRA]
    kept: dict[str, dict[str, list[object]]] = {}
    while todo:
        name = todo.pop()
        if name in every and name not in kept:
            kept[name] = every[name]
            todo += [str(row[1]) for row in every[name].values()]
    OUT.write_text(json.dumps(dict(sorted(kept.items())), separators=(",", ":")) + "\n")


def _message(group: str, version: str, name: str) -> str:
    package = group.removesuffix(".k8s.io").split(".")[0] or "core"
    if group == "apiextensions.k8s.io":
        return ""
    return f"k8s.io.api.{package}.{version}.{name}"


if __name__ == "__main__":
    main()
