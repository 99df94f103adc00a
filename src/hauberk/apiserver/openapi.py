"""/openapi/v3 and /openapi/v2, computed when first asked for.

Guarantees: kubectl finds each kind's schema, which patches it takes and that field
validation is the server's.
"""

from __future__ import annotations

import hashlib
from typing import Any

import orjson

from hauberk.apiserver import openapi_wire
from hauberk.apiserver.catalog import Catalog, version_text
from hauberk.apiserver.discovery import VERSION, subresources_of
from hauberk.kinds.meta import Kind
from hauberk.kinds.schema import component_name, openapi

_INFO = {"title": "Kubernetes", "version": VERSION["gitVersion"]}
_MERGE_TYPES = ("application/json-patch+json", "application/merge-patch+json", "application/apply-patch+yaml")
_STRATEGIC = "application/strategic-merge-patch+json"
# Clients ask for `…v2@v1.0+protobuf`, which is no media type; upstream answers with this name.
V2_PROTOBUF = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf"


class OpenApi:
    """The documents, cached."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._documents: dict[str, tuple[str, bytes]] = {}  # by name: hash and text
        self._v2: dict[str, bytes] = {}  # by encoding
        self._v2_of = -1  # the catalog's generation

    def index(self) -> dict[str, Any]:
        """`/openapi/v3`: group-versions and where their documents are."""
        paths = {
            name: {"serverRelativeURL": f"/openapi/v3/{name}?hash={self._hash(name)}"}
            for name in self._names()
        }
        return {"paths": paths}

    def _names(self) -> list[str]:
        groups = self._catalog.groups()
        return [f"apis/{g}/{v}" if g else f"api/{v}" for g, versions in groups.items() for v in versions]

    def _hash(self, name: str) -> str:
        # Of what the documents are made from: making them all for the index would be slow.
        kinds = ",".join(
            f"{k.id}:{k.versions}:{k.model.__qualname__}:{k.extra.get('seen')}" for k in self._kinds(name)
        )
        return hashlib.sha256(f"{VERSION['gitVersion']}/{name}/{kinds}".encode()).hexdigest()[:32].upper()

    def _kinds(self, name: str) -> list[Kind[Any]]:
        parts = name.split("/")
        group, version = ("", parts[1]) if parts[0] == "api" else (parts[1], parts[2])
        return self._catalog.groups().get(group, {}).get(version, [])

    def document(self, name: str) -> bytes | None:
        """`/openapi/v3/NAME` as JSON, or None."""
        if name not in self._names():
            return None
        made = self._hash(name)
        if self._documents.get(name, ("", b""))[0] != made:
            self._documents[name] = (made, orjson.dumps(self._make(name)))
        return self._documents[name][1]

    def _make(self, name: str) -> dict[str, Any]:
        schemas: dict[str, Any] = {}
        paths: dict[str, Any] = {}
        version = name.rpartition("/")[2]
        for kind in self._kinds(name):
            schemas.update(openapi(kind))
            paths.update(_paths(kind, version))
        return {"openapi": "3.0.0", "info": _INFO, "paths": paths, "components": {"schemas": schemas}}

    def v2(self) -> bytes:
        """`/openapi/v2` as JSON."""
        if "json" not in self._current_v2():
            whole = {"swagger": "2.0", "info": _INFO, "paths": {}, "definitions": self._definitions()}
            text = orjson.dumps(whole)
            self._v2["json"] = text.replace(b"#/components/schemas/", b"#/definitions/")
        return self._v2["json"]

    def v2_protobuf(self, agent: str) -> bytes:
        """`/openapi/v2` as protobuf; without definitions for clients that check objects by them."""
        if not openapi_wire.wants_definitions(agent):
            return openapi_wire.document(_INFO, {})
        if "protobuf" not in self._current_v2():
            self._v2["protobuf"] = openapi_wire.document(_INFO, self._definitions())
        return self._v2["protobuf"]

    def _current_v2(self) -> dict[str, bytes]:
        if self._v2_of != self._catalog.generation:
            self._v2_of = self._catalog.generation
            self._v2.clear()
        return self._v2

    def _definitions(self) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for kind in self._catalog.kinds:
            for version in kind.versions:
                found.update(openapi(kind.at(version)))
        return found


def _paths(kind: Kind[Any], version: str) -> dict[str, Any]:
    base = f"/apis/{version_text(kind.group, version)}" if kind.group else f"/api/{version}"
    where = f"{base}/namespaces/{{namespace}}/{kind.plural}" if kind.namespaced else f"{base}/{kind.plural}"
    verbs = set(kind.verbs)
    collection = {"get": "list", "post": "create", "delete": "deletecollection"}
    single = {"get": "get", "put": "update", "patch": "patch", "delete": "delete"}
    out = {where: _operations(kind, version, {m: v for m, v in collection.items() if v in verbs})}
    if "get" in verbs:
        out[f"{where}/{{name}}"] = _operations(kind, version, {m: v for m, v in single.items() if v in verbs})
    for name in subresources_of(kind):
        if name == "status":
            out[f"{where}/{{name}}/status"] = _operations(kind, version, {"get": "get", "patch": "patch"})
    return out


def _operations(kind: Kind[Any], version: str, methods: dict[str, str]) -> dict[str, Any]:
    return {method: _operation(kind, version, verb) for method, verb in methods.items()}


def _operation(kind: Kind[Any], version: str, verb: str) -> dict[str, Any]:
    reference = {"$ref": f"#/components/schemas/{component_name(kind)}"}
    action = {"create": "post", "update": "put"}.get(verb, verb)
    operation: dict[str, Any] = {
        "operationId": f"{verb}{kind.group.title().replace('.', '')}{version.title()}{kind.name}",
        "x-kubernetes-action": action,
        "x-kubernetes-group-version-kind": {"group": kind.group, "kind": kind.name, "version": version},
        "responses": {"200": {"description": "OK", "content": {"application/json": {"schema": reference}}}},
    }
    if verb in ("create", "update", "patch"):
        operation["parameters"] = [
            {"name": name, "in": "query", "schema": {"type": "string"}}
            for name in ("dryRun", "fieldManager", "fieldValidation")
        ]
        operation["requestBody"] = {"content": _bodies(kind, verb, reference)}
    return operation


def _bodies(kind: Kind[Any], verb: str, reference: dict[str, Any]) -> dict[str, Any]:
    if verb != "patch":
        return {"application/json": {"schema": reference}}
    types = (*_MERGE_TYPES, _STRATEGIC) if kind.builtin else _MERGE_TYPES
    return {media: {"schema": {"type": "object"}} for media in types}
