"""Objects made from the served OpenAPI, and spoilt ones: each is taken or refused, and breaks nothing.

The schemas are those that clients read at /openapi/v3. `HAUBERK_FUZZ=5000` tries more.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from hauberk.apiserver import Server
from hauberk.engine.clock import SystemClock
from hauberk.kinds.testing import a
from hauberk.store import Store
from hauberk.testing.asgi import AsgiClient

EXAMPLES = int(os.environ.get("HAUBERK_FUZZ", "250"))
DEEP = 6
REFUSALS = {400, 403, 404, 405, 409, 413, 415, 422, 501}
WORDS = ["a", "default", "10.0.0.1", "x.example.com", "1Gi", "5s", "https"]
JUNK = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=8),
    st.just([]),
    st.just({}),
    st.lists(st.one_of(st.none(), st.integers(), st.text(max_size=3), st.just({})), max_size=3),
    st.dictionaries(st.text(max_size=4), st.one_of(st.none(), st.integers(), st.just([])), max_size=3),
)


class Api:
    """One server, its documents, and the resources they describe."""

    def __init__(self, folder: Path) -> None:
        self._runner = asyncio.Runner()
        self._store = self._runner.run(self._open(folder))
        self.schemas: dict[str, Any] = {}
        self.resources: list[tuple[str, str, str]] = []  # path, reference, media types of a patch
        _, index = self.call("GET", "/openapi/v3")
        for name in index["paths"]:
            self._read(name)

    async def _open(self, folder: Path) -> Store:
        store = Store.open(folder / "s.db", ephemeral=True)
        self._api = Server(store, clock=SystemClock())
        await self._api.create(a("Namespace", "default"))
        self._client = AsgiClient(self._api.asgi)
        return store

    def _read(self, name: str) -> None:
        _, document = self.call("GET", f"/openapi/v3/{name}")
        self.schemas.update(document["components"]["schemas"])
        for path, item in document["paths"].items():
            if "post" in item and "{name}" not in path:
                body = item["post"]["requestBody"]["content"]["application/json"]["schema"]["$ref"]
                patch = document["paths"].get(f"{path}/{{name}}", {}).get("patch", {})
                media = list(patch.get("requestBody", {}).get("content", {}))
                where = path.replace("{namespace}", "default")
                self.resources += [(where, body, m) for m in media or [""]]

    def call(self, method: str, url: str, body: Any = None, media: str = "application/json") -> Any:
        return self._runner.run(self._client(method, url, body, media=media))

    def close(self) -> None:
        self._runner.run(self._store.close())
        self._runner.close()


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    found = Api(tmp_path_factory.mktemp("fuzz"))
    yield found
    found.close()


def value(draw: Any, schemas: dict[str, Any], schema: Any, depth: int = 0) -> Any:
    """A value of a schema; what is optional is there or not."""
    while "$ref" in schema:
        schema = schemas[schema["$ref"].rpartition("/")[2]]
    for way in ("anyOf", "oneOf", "allOf"):
        if schema.get(way):
            return value(draw, schemas, draw(st.sampled_from(schema[way])), depth)
    if schema.get("type") == "object":
        return fields(draw, schemas, schema, depth)
    if schema.get("type") == "array":
        count = draw(st.integers(0, 2)) if depth <= DEEP else 0
        return [value(draw, schemas, schema.get("items", {}), depth + 1) for _ in range(count)]
    return draw(scalar(schema))


def scalar(schema: Any) -> st.SearchStrategy[Any]:
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    match schema.get("type"):
        case "string":
            return st.one_of(st.sampled_from(WORDS), st.text(max_size=5))
        case "integer":
            return st.integers(schema.get("minimum", -3), schema.get("maximum", 70000))
        case "number":
            return st.floats(-5, 1e6)
        case "boolean":
            return st.booleans()
        case _:
            return JUNK


def fields(draw: Any, schemas: dict[str, Any], schema: Any, depth: int) -> dict[str, Any]:
    known = schema.get("properties") or {}
    required = set(schema.get("required") or ())
    few = draw(st.sets(st.sampled_from(sorted(known)), max_size=4)) if known and depth <= DEEP else set()
    out = {
        name: value(draw, schemas, known[name], depth + 1) for name in sorted((few | required) & set(known))
    }
    more = schema.get("additionalProperties")
    if isinstance(more, dict) and depth <= DEEP:
        for name in draw(st.sets(st.sampled_from(["a", "b.c/d", "key"]), max_size=2)):
            out[name] = value(draw, schemas, more, depth + 1)
    return out


def spoilt(draw: Any, obj: Any) -> Any:
    """The value with junk in one place."""
    if isinstance(obj, dict) and obj and draw(st.integers(0, 4)):
        key = draw(st.sampled_from(sorted(obj)))
        return {**obj, key: spoilt(draw, obj[key])}
    if isinstance(obj, list) and obj and draw(st.integers(0, 4)):
        at = draw(st.integers(0, len(obj) - 1))
        return [*obj[:at], spoilt(draw, obj[at]), *obj[at + 1 :]]
    return draw(JUNK)


def encodable(obj: Any) -> bytes | None:
    try:
        return orjson.dumps(obj)
    except (orjson.JSONEncodeError, TypeError):
        return None  # a lone surrogate, an integer of more than 64 bits: no client can send it


@settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[
        HealthCheck.too_slow,
        HealthCheck.data_too_large,
        HealthCheck.function_scoped_fixture,
    ],
)
@given(data=st.data())
def test_an_object_of_the_schema_or_a_spoilt_one_is_taken_or_refused(api: Api, data: Any) -> None:
    path, reference, media = data.draw(st.sampled_from(api.resources))
    obj = value(data.draw, api.schemas, {"$ref": reference})
    meta = obj.get("metadata")
    obj["metadata"] = {**(meta if isinstance(meta, dict) else {}), "name": "fuzz"}
    obj["metadata"].pop("namespace", None)
    if data.draw(st.booleans()):
        obj = spoilt(data.draw, obj)
    body, patch = encodable(obj), patch_of(data.draw, media, obj)
    if body is None:
        return
    code, answer = api.call("POST", path, body)
    event(f"answered {code}")
    assert code == 201 or code in REFUSALS, answer
    if code != 201:
        assert (answer["kind"], answer["status"], answer["code"]) == ("Status", "Failure", code)
        return
    name = answer.get("metadata", {}).get("name")
    if not name or api.call("GET", f"{path}/{name}")[0] != 200:
        return  # answered, not stored
    if patch is not None:
        query = "fieldManager=fuzz&force=true" if "apply" in media else "fieldManager=fuzz"
        code, answer = api.call("PATCH", f"{path}/{name}?{query}", patch, media)
        assert code in (200, 201) or code in REFUSALS, (media, patch, answer)
    shows(api, path)
    code, answer = api.call("DELETE", f"{path}/{name}", {"gracePeriodSeconds": 0})
    assert code in (200, 202) or code in REFUSALS, answer


def patch_of(draw: Any, media: str, obj: Any) -> bytes | None:
    """Something of the object, spoilt, as a patch."""
    if not media:
        return None
    if "json-patch" in media:
        where = draw(st.sampled_from(["/metadata", "/spec", "/metadata/labels", "", "/spec/-", "/x/y"]))
        verb = draw(st.sampled_from(["replace", "add", "remove", "test", "copy", "move"]))
        return encodable([{"op": verb, "path": where, "from": "/metadata", "value": draw(JUNK)}])
    return encodable(spoilt(draw, obj))


def shows(api: Api, path: str) -> None:
    """What was taken can be listed, also as a Table."""
    code, answer = api.call("GET", path)
    assert code == 200, answer
    selected = f"{path}?labelSelector=a!%3Db,!c&fieldSelector=metadata.name%3Dfuzz&limit=1"
    assert api.call("GET", selected)[0] == 200


QUERY = st.dictionaries(
    st.sampled_from([
        "limit", "continue", "resourceVersion", "resourceVersionMatch", "labelSelector", "fieldSelector",
        "timeoutSeconds", "sendInitialEvents", "allowWatchBookmarks", "dryRun", "pretty", "includeObject",
    ]),
    st.one_of(st.sampled_from(["0", "1", "-1", "Exact", "true", "a=b", "a in (", "metadata.name=x", "%zz"]),
              st.text("ab=!,()<>1-%", max_size=8)),
    max_size=4,
)  # fmt: skip


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(query=QUERY, data=st.data())
def test_any_query_of_a_list_is_answered_or_refused(api: Api, query: dict[str, str], data: Any) -> None:
    path, _, _ = data.draw(st.sampled_from(api.resources))
    code, answer = api.call("GET", f"{path}?{'&'.join(f'{k}={v}' for k, v in query.items())}")
    assert code in (200, 400, 404, 405, 410, 422, 504), answer
