"""A user's kind as the rest of the server sees kinds: one row for each served version.

Source: apiextensions-apiserver pkg/apiserver/customresource_handler.go.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from hauberk.apiserver.catalog import priority
from hauberk.apiserver.crd import shapes, shaping
from hauberk.apiserver.crd.check import Checker
from hauberk.apiserver.crd.documents import document, name_of
from hauberk.base.fields import FieldErrors
from hauberk.base.refs import Json
from hauberk.kinds.meta import Column, Kind, ObjectMeta
from hauberk.kinds.stored import Stored

Converted = Callable[[Json, str], Json | None]
"""From an object and a version to the object in that version, when it has been asked for before."""

_FREE: Json = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}


@dataclass(frozen=True, kw_only=True, eq=False)
class CustomKind(Kind[Any]):
    """One version of a user's kind. `versions[0]` is preferred; `storage` is how objects are kept."""

    version: str
    storage: str
    schema: Json
    converted: Converted | None  # conversion by a webhook
    views: dict[str, CustomKind] = field(default_factory=dict)  # every version, this one too

    @property
    def api_version(self) -> str:
        """The `apiVersion` of stored objects."""
        return f"{self.group}/{self.storage}"

    @property
    def stored(self) -> CustomKind:
        """The kind as it is stored."""
        return self.views[self.storage]

    def at(self, version: str) -> CustomKind:
        """The kind in a version."""
        return self.views[version]

    def parse(self, raw: Json) -> Any:
        """Check the metadata; the rest is the schema's."""
        msgspec.convert(raw.get("metadata") or {}, ObjectMeta)
        return raw

    def check(self, old: Json | None, new: Json) -> FieldErrors:
        """What is wrong with an object of this version."""
        yield from self.extra["checker"](new, old)

    def incoming(self, obj: dict[str, Any]) -> dict[str, Any]:
        """An object of this version as the schema has it: pruned, defaults filled in."""
        found: dict[str, Any] = shaping.defaulted(self.schema, shaping.pruned(self.schema, obj))
        return found

    def shown(self, obj: Json, api_version: str) -> Json:
        """A stored object in this version."""
        if obj["apiVersion"] != api_version:
            answer = self.converted(obj, api_version) if self.converted is not None else None
            obj = shaping.pruned(self.schema, answer or {**obj, "apiVersion": api_version})
        if self.extra["has_defaults"]:
            filled: Json = shaping.defaulted(self.schema, obj)
            return filled
        return obj


def kinds_of(crd: Json, converted: Converted | None = None) -> CustomKind:
    """The kind that a definition makes, as it is stored; its served versions are in `views`."""
    spec: Json = crd["spec"]
    rows: Mapping[str, Json] = {row["name"]: row for row in spec["versions"]}
    storage = next(name for name, row in rows.items() if row.get("storage"))
    served = tuple(sorted((n for n, row in rows.items() if row.get("served")), key=priority))
    views: dict[str, CustomKind] = {}
    for name, row in rows.items():
        views[name] = _view(crd, row, name, served=served, storage=storage, converted=converted, views=views)
    return views[storage]


def _view(
    crd: Json, row: Json, version: str, *, served: tuple[str, ...], storage: str,
    converted: Converted | None, views: dict[str, CustomKind],
) -> CustomKind:  # fmt: skip
    spec: Json = crd["spec"]
    names: Json = (crd.get("status") or {}).get("acceptedNames") or spec["names"]
    schema: Json = (row.get("schema") or {}).get("openAPIV3Schema") or _FREE
    below: Json = row.get("subresources") or {}
    return CustomKind(
        group=spec["group"],
        name=names.get("kind") or spec["names"]["kind"],
        plural=names.get("plural") or spec["names"]["plural"],
        singular=names.get("singular") or spec["names"]["kind"].lower(),
        short_names=tuple(names.get("shortNames") or ()),
        categories=tuple(names.get("categories") or ()),
        model=Stored,
        versions=served,
        namespaced=spec["scope"] == "Namespaced",
        columns=tuple(columns_of(row)),
        subresources=tuple(word for word in ("status", "scale") if below.get(word) is not None),
        default=lambda raw: shaping.defaulted(schema, raw),
        advice=_deprecation(row, spec, names),
        has_generation=True,
        version=version,
        storage=storage,
        schema=schema,
        converted=converted,
        views=views,
        doc=str(schema.get("description", "")),
        extra={
            "custom": True,
            "incoming": lambda raw: shaping.pruned(schema, raw),
            "checker": Checker(schema),
            "shape": shapes.object_shape(schema),
            "has_defaults": shaping.has_defaults(schema),
            "unknown": lambda raw: shaping.unknown(schema, raw),
            "scale": below.get("scale"),
            "list_kind": names.get("listKind") or f"{spec['names']['kind']}List",
            "selectable": frozenset(f["jsonPath"].lstrip(".") for f in row.get("selectableFields") or ()),
            "openapi": lambda kind: document(kind, schema),
            "component": name_of(spec["group"], version, spec["names"]["kind"]),
            "uid": crd["metadata"].get("uid", ""),
            "seen": f"{crd['metadata'].get('uid', '')}/{crd['metadata'].get('generation', 0)}",
            "terminating": bool(crd["metadata"].get("deletionTimestamp")),
        },
    )


def columns_of(row: Json) -> Iterator[Column]:
    """The printer columns of a version."""
    for column in row.get("additionalPrinterColumns") or ():
        yield Column(
            column["name"],
            column["jsonPath"],
            column["type"],
            wide=bool(column.get("priority")),
            description=column.get("description", ""),
        )


def _deprecation(row: Json, spec: Json, names: Json) -> Callable[[Json], Iterator[str]]:
    text = row.get("deprecationWarning") or f"{spec['group']}/{row['name']} {names.get('kind')} is deprecated"

    def advice(_: Json) -> Iterator[str]:
        if row.get("deprecated"):
            yield text

    return advice
