"""JSON merge patch (RFC 7386) and JSON patch (RFC 6902). Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from hauberk.base.apierrors import BadRequest, Invalid


def merge_patch(value: Any, patch: Any) -> Any:
    """`value` after a merge patch: maps merge, null removes, all else replaces. Shares what is unchanged."""
    if not isinstance(patch, Mapping):
        return patch
    out = dict(value) if isinstance(value, Mapping) else {}
    for key, change in patch.items():
        if change is None:
            out.pop(key, None)
        else:
            out[key] = merge_patch(out.get(key), change)
    return out


def json_patch(value: Any, operations: Any) -> Any:
    """`value` after a JSON patch. BadRequest when it is malformed, Invalid when it does not fit."""
    if not isinstance(operations, Sequence) or isinstance(operations, str):
        raise BadRequest("json: cannot unmarshal object into Go value of type jsonpatch.Patch")
    for operation in operations:
        value = _step(value, operation)
    return value


def _step(value: Any, operation: Any) -> Any:
    if not isinstance(operation, Mapping) or "path" not in operation:
        raise BadRequest("a step of a JSON patch has `op` and `path`")
    path = _tokens(operation["path"])
    match operation.get("op"):
        case "add":
            return _put(value, path, _given(operation), insert=True)
        case "replace":
            _read(value, path, operation)
            return _put(value, path, _given(operation), insert=False)
        case "remove":
            return _take(value, path, operation)
        case "test":
            if _read(value, path, operation) != _given(operation):
                raise _unfit(operation, "test failed")
            return value
        case "copy":
            return _put(value, path, _read(value, _tokens(operation.get("from", "")), operation), insert=True)
        case "move":
            source = _tokens(operation.get("from", ""))
            moved = _read(value, source, operation)
            return _put(_take(value, source, operation), path, moved, insert=True)
        case other:
            raise BadRequest(f"Unexpected kind: {other}")


def _given(operation: Mapping[str, Any]) -> Any:
    if "value" not in operation:
        raise BadRequest(f"the step `{operation['op']}` of a JSON patch has a `value`")
    return operation["value"]


def _tokens(path: Any) -> list[str]:
    if not isinstance(path, str) or (path and not path.startswith("/")):
        raise BadRequest(f"not a JSON pointer: {path}")
    return [t.replace("~1", "/").replace("~0", "~") for t in path.split("/")[1:]]


def _unfit(operation: Mapping[str, Any], why: str) -> Invalid:
    return Invalid(
        f"the server rejected our request due to an error in our request: {operation.get('path')}: {why}"
    )


def _index(items: Sequence[Any], token: str, operation: Mapping[str, Any]) -> int:
    if not token.isdecimal() or int(token) >= len(items):
        raise _unfit(operation, "doc is missing key")
    return int(token)


def _read(value: Any, path: Sequence[str], operation: Mapping[str, Any]) -> Any:
    for token in path:
        if isinstance(value, Mapping) and token in value:
            value = value[token]
        elif isinstance(value, list):
            value = value[_index(value, token, operation)]
        else:
            raise _unfit(operation, "doc is missing path")
    return value


def _put(value: Any, path: Sequence[str], given: Any, *, insert: bool) -> Any:
    if not path:
        return given
    token, rest = path[0], path[1:]
    if isinstance(value, Mapping):
        if rest and token not in value:
            raise _unfit({"path": "/".join(path)}, "doc is missing path")
        return {**value, token: _put(value.get(token), rest, given, insert=insert)}
    if not isinstance(value, list):
        raise _unfit({"path": "/".join(path)}, "doc is missing path")
    out = list(value)
    if not rest and insert:
        at = len(out) if token == "-" else _position(out, token)
        out.insert(at, given)
        return out
    at = _index(out, token, {"path": token})
    out[at] = _put(out[at], rest, given, insert=insert)
    return out


def _position(items: Sequence[Any], token: str) -> int:
    if not token.isdecimal() or int(token) > len(items):
        raise _unfit({"path": token}, "index out of bounds")
    return int(token)


def _take(value: Any, path: Sequence[str], operation: Mapping[str, Any]) -> Any:
    if not path:
        raise _unfit(operation, "the whole document cannot be removed")
    token, rest = path[0], path[1:]
    inner = _read(value, [token], operation)
    left = _take(inner, rest, operation) if rest else None
    if isinstance(value, list):
        at = _index(value, token, operation)
        return [*value[:at], *([left] if rest else []), *value[at + 1 :]]
    return {k: (left if k == token else v) for k, v in value.items() if rest or k != token}
