"""Prints every CloudEvent it receives, as Knative's event-display does.

Source: knative eventing cmd/event_display/main.go; cloudevents sdk-go v2 event.String.
"""

import json
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from http_server import Request, Response, serve  # type: ignore[import-not-found]

_ORDER = ("specversion", "type", "source", "subject", "id", "time", "dataschema", "datacontenttype")
_REQUIRED = ("specversion", "type", "source", "id")


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
        text = None if data is None else data.encode() if isinstance(data, str) else json.dumps(data).encode()
        return {k: _text(v) for k, v in event.items()}, text, False
    if "ce-specversion" not in request.headers:
        return None
    found = {k[3:]: v for k, v in request.headers.items() if k.startswith("ce-")}
    if kind:
        found["datacontenttype"] = kind
    return found, request.body or None, False


def _text(value: object) -> str:
    return json.dumps(value) if isinstance(value, bool) else str(value)


def render(attributes: dict[str, str], data: bytes | None, was_base64: bool = False) -> str:
    """The event as text."""
    missing = [name for name in _REQUIRED if not attributes.get(name)]
    lines = ["☁️  cloudevents.Event"]
    if missing:
        lines += ["Validation: invalid", "Validation Error: "]
        lines += [f"{name}: REQUIRED" for name in missing]
    else:
        lines.append("Validation: valid")
    lines.append("Context Attributes,")
    lines += [f"  {name}: {attributes[name]}" for name in _ORDER if attributes.get(name)]
    more = sorted(set(attributes) - set(_ORDER))
    if more:
        lines += ["Extensions,", *(f"  {name}: {attributes[name]}" for name in more)]
    if data is not None:
        lines += [
            "Data (binary)," if was_base64 else "Data,",
            f"  {_pretty(attributes.get('datacontenttype', ''), data)}",
        ]
    return "\n".join(lines) + "\n"


def _pretty(kind: str, data: bytes) -> str:
    text = data.decode("utf-8", "replace")
    if not kind.startswith("application/json"):
        return text
    try:
        return json.dumps(json.loads(text), indent=2, ensure_ascii=False).replace("\n", "\n  ")
    except ValueError:
        return text


def handle(request: Request) -> Response:
    """Print an event and accept it; refuse what is none."""
    event = attributes_of(request)
    if event is None:
        return Response(b"unknown Message encoding\n", 400)
    sys.stdout.write(render(*event))
    sys.stdout.flush()
    return Response(b"")


if __name__ == "__main__":
    serve(handle)
