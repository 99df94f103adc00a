"""CloudEvents 1.0 over HTTP: one event as a value, and its binary, structured and batched forms.

Attributes are kept in their canonical string form: that is what every hop over HTTP makes of them.
Headers come in as a mapping of lower-case names.

Source: cloudevents/spec v1.0.2 spec.md, bindings/http-protocol-binding.md, formats/json-format.md; messages
as sdk-go v2/event/eventcontext_v1.go, Validate.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import unquote_to_bytes

import msgspec

STRUCTURED = "application/cloudevents+json"
BATCH = "application/cloudevents-batch+json"
_PREFIX = "ce-"
_ESCAPED = re.compile(r"%[0-9a-fA-F]{2}")
_NAME = re.compile(r"[a-z0-9]+")
_MEDIA_TYPE = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+(/[!#$%&'*+.^_`|~0-9A-Za-z-]+)?\s*(;.*)?", re.DOTALL)
_TIME = re.compile(r"\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(\.\d+)?([Zz]|[+-]\d{2}:\d{2})")
_ABSOLUTE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:.+", re.DOTALL)
_JSON = re.compile(r"(application|text)/([a-z0-9.+-]*\+)?json\s*(;.*)?", re.IGNORECASE | re.DOTALL)

Headers = list[tuple[str, str]]


class BadEvent(ValueError):
    """A request that is not a valid CloudEvent; the text says why. Receivers answer 400."""


class Event(msgspec.Struct):
    """One CloudEvent: attributes (with `specversion`, `datacontenttype` and extensions) and data."""

    attributes: dict[str, str]
    data: bytes = b""

    @property
    def id(self) -> str:
        """The `id` attribute."""
        return self.attributes.get("id", "")

    @property
    def type(self) -> str:
        """The `type` attribute."""
        return self.attributes.get("type", "")

    @property
    def source(self) -> str:
        """The `source` attribute."""
        return self.attributes.get("source", "")

    @property
    def datacontenttype(self) -> str:
        """The media type of the data, or empty."""
        return self.attributes.get("datacontenttype", "")

    def using(self, **attributes: str) -> Event:
        """The same data with attributes added or replaced; an empty value removes one."""
        merged = {**self.attributes, **attributes}
        return Event({k: v for k, v in merged.items() if v != "" or k not in attributes}, self.data)


def encoding_of(headers: Mapping[str, str]) -> str:
    """`binary`, `structured`, `batch`, or empty when the message is not an event."""
    content_type = headers.get("content-type", "").lower()
    if content_type.startswith("application/cloudevents"):
        return "batch" if content_type.startswith("application/cloudevents-batch") else "structured"
    return "binary" if "ce-specversion" in headers else ""


def parse(headers: Mapping[str, str], body: bytes) -> Event:
    """One valid event from a message in binary or structured form. Raises BadEvent."""
    encoding = encoding_of(headers)
    if encoding == "binary":
        event = _binary(headers, body)
    elif encoding == "structured":
        event = _from_json(_decoded(headers, body))
    elif encoding == "batch":
        raise BadEvent("a batch of events where one is wanted")
    else:
        raise BadEvent("unknown Message encoding")
    validate(event)
    return event


def parse_batch(headers: Mapping[str, str], body: bytes) -> list[Event]:
    """The events of a message in any form; a batch may be empty. Raises BadEvent."""
    if encoding_of(headers) != "batch":
        return [parse(headers, body)]
    items = _decoded(headers, body)
    if not isinstance(items, list):
        raise BadEvent("a batch is a JSON array of events")
    events = [_from_json(item) for item in items]
    for event in events:
        validate(event)
    return events


def _binary(headers: Mapping[str, str], body: bytes) -> Event:
    attributes = {}
    for name, value in headers.items():
        if name.startswith(_PREFIX):
            attributes[name[3:]] = unescape(value) if "%" in value else value
    # Source: http-protocol-binding.md 3.1.1: datacontenttype is the Content-Type header, never a ce- header.
    attributes.pop("datacontenttype", None)
    content_type = headers.get("content-type")
    if content_type:
        attributes["datacontenttype"] = content_type
    return Event(attributes, body)


def _decoded(headers: Mapping[str, str], body: bytes) -> Any:
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    if not kind.endswith("+json"):
        raise BadEvent(f"unknown event format: {kind}")
    try:
        return _DECODER.decode(body)
    except (msgspec.DecodeError, ValueError) as error:
        raise BadEvent(f"the body is not JSON: {error}") from error


_DECODER = msgspec.json.Decoder()


def _from_json(item: Any) -> Event:
    if not isinstance(item, dict):
        raise BadEvent("an event is a JSON object")
    attributes: dict[str, str] = {}
    data = b""
    for name, value in item.items():
        if name == "data_base64":
            data = _unbase64(value)
        elif name != "data" and value is not None:
            attributes[name] = _canonical(name, value)
    if "data" in item:
        if "data_base64" in item:
            raise BadEvent("data and data_base64 exclude each other")
        data = _data_of(item["data"], attributes.get("datacontenttype", ""))
        attributes.setdefault("datacontenttype", "application/json")
    return Event(attributes, data)


def _data_of(value: Any, media_type: str) -> bytes:
    # Source: json-format.md 3.1.1: a string is the data itself unless its media type is JSON
    if isinstance(value, str) and media_type and not is_json(media_type):
        return value.encode()
    return msgspec.json.encode(value)


def _unbase64(value: Any) -> bytes:
    try:
        return base64.b64decode(value, validate=True)
    except (ValueError, TypeError) as error:
        raise BadEvent("data_base64 is not base64") from error


def _canonical(name: str, value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    raise BadEvent(f"{name}: an attribute is a string, a boolean or an integer")


def is_json(media_type: str) -> bool:
    """Whether data of this media type is a JSON value; no media type means JSON."""
    return not media_type or _JSON.fullmatch(media_type.strip()) is not None


def validate(event: Event) -> None:
    """Raise BadEvent with all that is wrong with an event, a line for each attribute."""
    attributes = event.attributes
    version = attributes.get("specversion")
    if version == "1.0" and _plain(attributes):
        return
    if version != "1.0":
        raise BadEvent(f"specversion: unknown : {version}" if version else "specversion: no specversion")
    wrong = {name: text for name, value in attributes.items() if (text := _wrong(name, value))}
    wrong |= {name: text for name, text in _REQUIRED.items() if not attributes.get(name, "").strip()}
    if wrong:
        raise BadEvent("\n".join(f"{name}: {text}" for name, text in sorted(wrong.items())))


_REQUIRED = {"id": "MUST be a non-empty string", "source": "REQUIRED", "type": "MUST be a non-empty string"}


_checked: set[str] = set()  # names seen before that are names
_MOST_CHECKED = 1024


def _plain(attributes: Mapping[str, str]) -> bool:
    """The quick way through: names that were looked at before, and values that follow their rules."""
    get = attributes.get
    if not (get("id", "").strip() and get("source", "").strip() and get("type", "").strip()):
        return False
    if not attributes.keys() <= _checked:
        if any(_wrong_name(name) for name in attributes):
            return False
        if len(_checked) < _MOST_CHECKED:
            _checked.update(attributes)
    return not any(name in attributes and rule(attributes[name]) for name, rule in _RULES.items())


def _wrong(name: str, value: str) -> str:
    if not name.isalnum() or not name.isascii() or (not name.islower() and not name.isdigit()):
        return _wrong_name(name)
    rule = _RULES.get(name)
    return rule(value) if rule is not None else ""


def _wrong_name(name: str) -> str:
    if not name:
        return "bad key, CloudEvents attribute names MUST NOT be empty"
    if _NAME.fullmatch(name):
        return ""
    return (
        "bad key, CloudEvents attribute names MUST consist of lower-case letters ('a' to 'z') "
        "or digits ('0' to '9') from the ASCII character set"
    )


def _wrong_media_type(value: str) -> str:
    if not value.strip() or _MEDIA_TYPE.fullmatch(value.strip()):
        return ""
    return f"failed to parse media type, mime: invalid media type: {value}"


def _wrong_time(value: str) -> str:
    if _TIME.fullmatch(value):
        return ""
    return f'cannot convert "{value}" to time.Time: not in RFC3339 format'


def _wrong_schema(value: str) -> str:
    if _ABSOLUTE.fullmatch(value):
        return ""
    return "if present, MUST adhere to the format specified in RFC 3986, Section 4.3. Absolute URI"


def _wrong_subject(value: str) -> str:
    return "" if value.strip() else "if present, MUST be a non-empty string"


_RULES = {
    "datacontenttype": _wrong_media_type,
    "time": _wrong_time,
    "dataschema": _wrong_schema,
    "subject": _wrong_subject,
}


def to_binary(event: Event) -> tuple[Headers, bytes]:
    """Headers and body of the binary form."""
    headers = []
    for name, value in event.attributes.items():
        if name == "datacontenttype":
            headers.append(("content-type", value))
        elif value.isascii() and value.isprintable() and "%" not in value:
            headers.append((_PREFIX + name, value))
        else:
            headers.append((_PREFIX + name, escape(value)))
    return headers, event.data


def to_structured(event: Event) -> tuple[Headers, bytes]:
    """Headers and body of the structured form (JSON)."""
    return [("content-type", f"{STRUCTURED}; charset=utf-8")], msgspec.json.encode(_as_json(event))


def to_batch(events: Iterable[Event]) -> tuple[Headers, bytes]:
    """Headers and body of the batched form. Data travels as `data_base64`: byte for byte, never parsed."""
    items = [
        {**e.attributes, "data_base64": base64.b64encode(e.data).decode()} if e.data else e.attributes
        for e in events
    ]
    return [("content-type", f"{BATCH}; charset=utf-8")], msgspec.json.encode(items)


def _as_json(event: Event) -> dict[str, Any]:
    item: dict[str, Any] = dict(event.attributes)
    if not event.data:
        return item
    if is_json(event.datacontenttype):
        try:
            _DECODER.decode(event.data)
        except (msgspec.DecodeError, ValueError):
            pass
        else:
            return {**item, "data": msgspec.Raw(event.data)}
    elif event.datacontenttype.startswith("text/"):
        try:
            return {**item, "data": event.data.decode()}
        except UnicodeDecodeError:
            pass
    return {**item, "data_base64": base64.b64encode(event.data).decode()}


def escape(value: str) -> str:
    """An attribute's value as a header's: what is not printable ASCII is percent-encoded.

    Deviation: spaces and double quotes stay, as sdk-go and the other SDKs of subscribers leave them; a `%` is
    encoded only where a reader would take it for an escape.
    """
    return "".join(_escaped(value, index) for index in range(len(value)))


def _escaped(value: str, index: int) -> str:
    char = value[index]
    keep = " " <= char <= "~"
    if char == "%" and _ESCAPED.match(value, index):
        keep = False
    return char if keep else "".join(f"%{byte:02X}" for byte in char.encode("utf-8", "surrogatepass"))


def unescape(value: str) -> str:
    """A header's value as an attribute's; what does not decode to UTF-8 stays as it is."""
    if not _ESCAPED.search(value):
        return value
    try:
        return unquote_to_bytes(value).decode()
    except UnicodeDecodeError:
        return value
