"""Prints every CloudEvent it receives, as Knative's event-display does.

Source: knative eventing cmd/event_display/main.go; cloudevents sdk-go v2 event.String.
"""

import json
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from http_server import Request, Response, serve  # type: ignore[import-not-found]

_ORDER = ("specversion", "type", "source", "subject", "id", "time", "dataschema", "datacontenttype")
_WANTED = {
    "id": "MUST be a non-empty string",
    "source": "REQUIRED",
    "specversion": "REQUIRED",
    "type": "MUST be a non-empty string",
}
_JSON = "application/json"


def attributes_of(request: Request) -> tuple[dict[str, str], bytes | None, bool] | None:
    """Attributes and data of an event, and whether it came as base64; None when it is no event."""
    kind = request.headers.get("content-type", "")
    if kind.startswith("application/cloudevents+json"):
        try:
            event = json.loads(request.body)
        except ValueError:
            return None
        data = event.pop("data", None)
        raw = event.pop("data_base64", None)
        if raw is not None:
            import base64

            return {k: str(v) for k, v in event.items()}, base64.b64decode(raw), True
        found = {k: _text(v) for k, v in event.items()}
        return found, None if data is None else _data(data, found), False
    if "ce-specversion" not in request.headers:
        return None
    found = {k[3:]: v for k, v in request.headers.items() if k.startswith("ce-")}
    if kind:
        found["datacontenttype"] = kind
    return found, request.body or None, False


def _text(value: object) -> str:
    return json.dumps(value) if isinstance(value, bool) else str(value)


def _data(data: object, attributes: dict[str, str]) -> bytes:
    """The data of a structured event: a string is JSON for JSON types.

    Source: sdk-go v2 event/event_unmarshal.go.
    """
    kind = attributes.get("datacontenttype", _JSON)
    if isinstance(data, str) and not _is_json(kind):
        return data.encode()
    return json.dumps(data, ensure_ascii=False).encode()


def _is_json(kind: str) -> bool:
    return kind.partition(";")[0].strip() == _JSON


def _time(text: str) -> str:
    """The fraction of a second without zeros at its end, as Go prints times."""
    head, dot, tail = text.partition(".")
    digits = tail.rstrip("Zz+-:0123456789") if dot else ""
    fraction = tail[: len(tail) - len(tail.lstrip("0123456789"))]
    if not dot or digits:
        return text
    short = fraction.rstrip("0")
    return head + (f".{short}" if short else "") + tail[len(fraction) :]


def wrong(attributes: dict[str, str]) -> str:
    """What makes it no valid event; empty when it is one. Source: sdk-go v2 eventcontext_v1.go, Validate."""
    return "\n".join(f"{name}: {_WANTED[name]}" for name in sorted(_WANTED) if not attributes.get(name))


def render(attributes: dict[str, str], data: bytes | None, was_base64: bool = False) -> str:
    """A valid event as text."""
    shown = {**attributes, **({"time": _time(attributes["time"])} if "time" in attributes else {})}
    lines = ["☁️  cloudevents.Event", "Validation: valid", "Context Attributes,"]
    lines += [f"  {name}: {shown[name]}" for name in _ORDER if shown.get(name)]
    more = sorted(set(shown) - set(_ORDER))
    if more:
        lines += ["Extensions,", *(f"  {name}: {shown[name]}" for name in more)]
    if data is not None:
        lines += [
            "Data (binary)," if was_base64 else "Data,",
            f"  {_pretty(attributes.get('datacontenttype', ''), data)}",
        ]
    return "\n".join(lines) + "\n"


def _pretty(kind: str, data: bytes) -> str:
    text = data.decode("utf-8", "replace")
    if not _is_json(kind):
        return text
    try:
        json.loads(text)
    except ValueError:
        return text
    return indented(text)


def indented(text: str) -> str:
    """A JSON document on lines of its own, its values as they were written.

    Source: Go encoding/json, Indent.
    """
    out: list[str] = []
    depth, quoted, escaped = 0, False, False
    for char in text:
        if quoted:
            out.append(char)
            quoted, escaped = char != '"' or escaped, char == "\\" and not escaped
        elif char in " \t\r\n":
            continue
        elif char in "]}":
            depth -= 1
            out.append(char if out and out[-1] in "[{" else f"{_line(depth)}{char}")
        else:
            if out and out[-1] in ("{", "["):
                out.append(_line(depth))
            out.append(f",{_line(depth)}" if char == "," else ": " if char == ":" else char)
            depth += char in "[{"
            quoted = char == '"'
    return "".join(out)


def _line(depth: int) -> str:
    return "\n  " + "  " * depth


def handle(request: Request) -> Response:
    """Print an event and accept it; refuse what is none."""
    event = attributes_of(request)
    if event is None:
        return Response(b"unknown Message encoding\n", 400)
    problem = wrong(event[0])
    if problem:
        return Response(f"validation error in incoming event: {problem}\n".encode(), 400)
    sys.stdout.write(render(*event))
    sys.stdout.flush()
    return Response(b"")


if __name__ == "__main__":
    serve(handle)
