"""From the bytes of a body to JSON, with the duplicate keys that upstream tells about."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import orjson
import yaml

from hauberk.apiserver.protobuf import MEDIA_TYPE, decode_protobuf
from hauberk.base.apierrors import BadRequest, UnsupportedMediaType

YAML_TYPES = ("application/yaml", "application/x-yaml", "text/yaml", "application/apply-patch+yaml")


_MAX_DEPTH = 100


class _Pairs(list[tuple[str, Any]]):
    """An object as its pairs, so that repeated keys are seen."""


class _Loader(yaml.SafeLoader):
    """YAML 1.1 without timestamps: the API's times are strings."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in rows if tag != "tag:yaml.org,2002:timestamp"]
    for first, rows in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def _mapping(loader: _Loader, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:  # noqa: ARG001
    loader.flatten_mapping(node)
    out = {}
    for key_node, value_node in node.value:
        key = loader.construct_object(key_node, deep=True)
        out[key if isinstance(key, str) else _key_text(key)] = loader.construct_object(value_node, deep=True)
    return out


def _key_text(key: Any) -> str:
    return json.dumps(key) if isinstance(key, bool | int | float) or key is None else str(key)


_Loader.add_constructor("tag:yaml.org,2002:map", _mapping)


def decode(body: bytes, content_type: str) -> Any:
    """The value in a body. BadRequest, UnsupportedMediaType."""
    media = content_type.partition(";")[0].strip().lower()
    if media == MEDIA_TYPE:
        return decode_protobuf(body)
    if media and not (media in YAML_TYPES or media.endswith("json")):
        raise UnsupportedMediaType(
            "the body of the request was in an unknown format - accepted media types include: "
            f"application/json, application/yaml, {MEDIA_TYPE}"
        )
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        if media not in YAML_TYPES:
            raise BadRequest(f"couldn't get version/kind; json parse error: {error}") from None
    try:
        _check_yaml(body)
        return yaml.load(body, Loader=_Loader)
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError, ValueError) as error:
        raise BadRequest(f"error converting YAML to JSON: {error}") from None


def _check_yaml(body: bytes) -> None:
    """Refuse a text that is small and means something huge. BadRequest."""
    depth = 0
    for event in yaml.parse(body, Loader=_Loader):
        if isinstance(event, yaml.AliasEvent):
            raise BadRequest("YAML aliases are not accepted in a request")
        depth += isinstance(event, yaml.CollectionStartEvent)
        depth -= isinstance(event, yaml.CollectionEndEvent)
        if depth > _MAX_DEPTH:
            raise BadRequest("the YAML of the request is nested too deeply")


def duplicate_keys(body: bytes) -> list[str]:
    """Texts `duplicate field "spec.x"` for keys that a JSON body repeats."""
    repeated = False

    def plain(pairs: list[tuple[str, Any]]) -> Any:
        nonlocal repeated
        out = dict(pairs)
        repeated = repeated or len(out) != len(pairs)
        return out

    try:
        json.loads(body, object_pairs_hook=plain)
        if not repeated:
            return []
        return [f'duplicate field "{p}"' for p in _repeats(json.loads(body, object_pairs_hook=_Pairs), "")]
    except (ValueError, RecursionError):
        return []


def _repeats(value: Any, path: str) -> Iterator[str]:
    if isinstance(value, _Pairs):
        seen: set[str] = set()
        for key, inner in value:
            place = f"{path}.{key}" if path else key
            if key in seen:
                yield place
            seen.add(key)
            yield from _repeats(inner, place)
    elif isinstance(value, list):
        for i, inner in enumerate(value):
            yield from _repeats(inner, f"{path}[{i}]")
