"""CloudEvents over HTTP: what comes in goes out the same, and what is no event is refused with a reason."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hauberk.events.event import (
    BATCH,
    STRUCTURED,
    BadEvent,
    Event,
    encoding_of,
    escape,
    is_json,
    parse,
    parse_batch,
    to_batch,
    to_binary,
    to_structured,
    unescape,
    validate,
)

GOOD = {"specversion": "1.0", "id": "1", "source": "/s", "type": "t"}
HEADERS = {f"ce-{name}": value for name, value in GOOD.items()}

names = st.from_regex(r"[a-z0-9]{1,20}", fullmatch=True).filter(
    lambda n: n not in {*GOOD, "data", "database64", "datacontenttype", "time", "dataschema", "subject"}
)
texts = st.text(st.characters(exclude_categories=["Cs"]), min_size=1).filter(
    lambda t: t == t.strip() and unescape(t) == t
)
events = st.builds(
    lambda extra, data, kind: Event({**GOOD, **extra, **({"datacontenttype": kind} if kind else {})}, data),
    st.dictionaries(names, texts, max_size=4),
    st.binary(max_size=64),
    st.sampled_from(["", "text/plain", "application/octet-stream"]),
)


def said(headers: list[tuple[str, str]]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers}


@pytest.mark.must("evd-modes", "evd-binding")
@given(events)
def test_binary_out_and_in_is_the_same_event(event: Event) -> None:
    headers, body = to_binary(event)
    assert all(value.isascii() and value.isprintable() for _, value in headers)
    assert parse(said(headers), body) == event


@pytest.mark.must("evd-modes", "evd-binding")
@given(events)
def test_structured_out_and_in_is_the_same_event(event: Event) -> None:
    headers, body = to_structured(event)
    read = parse(said(headers), body)
    assert read.attributes | {"datacontenttype": ""} == event.attributes | {"datacontenttype": ""}
    if event.datacontenttype:
        assert read == event


@given(st.lists(events, max_size=5))
def test_a_batch_out_and_in_is_the_same_events(many: list[Event]) -> None:
    headers, body = to_batch(many)
    assert parse_batch(said(headers), body) == many


@pytest.mark.parametrize(
    ("headers", "want"),
    [
        (HEADERS, "binary"),
        ({"content-type": STRUCTURED}, "structured"),
        ({"content-type": "Application/CloudEvents+JSON; charset=UTF-8"}, "structured"),
        ({"content-type": BATCH}, "batch"),
        ({"content-type": "application/json"}, ""),
        ({"ce-id": "1"}, ""),
    ],
)
def test_encoding(headers: dict[str, str], want: str) -> None:
    assert encoding_of(headers) == want


@pytest.mark.parametrize(
    ("change", "said_of_it"),
    [
        ({"specversion": "0.3"}, "specversion: unknown : 0.3"),
        ({"id": " "}, "id: MUST be a non-empty string"),
        ({"source": ""}, "source: REQUIRED"),
        ({"type": ""}, "type: MUST be a non-empty string"),
        ({"time": "yesterday"}, "time: cannot convert"),
        ({"subject": " "}, "subject: if present, MUST be a non-empty string"),
        ({"dataschema": "relative"}, "dataschema: if present, MUST adhere"),
        ({"datacontenttype": "no/thing/such"}, "datacontenttype: failed to parse media type"),
        ({"Upper": "x"}, "attribute names MUST consist of lower-case"),
        ({"with_underscore": "x"}, "attribute names MUST consist of lower-case"),
        ({"": "x"}, "MUST NOT be empty"),
    ],
)
def test_what_is_wrong_is_said(change: dict[str, str], said_of_it: str) -> None:
    with pytest.raises(BadEvent, match=said_of_it.replace("(", r"\(")):
        validate(Event({**GOOD, **change}))


def test_all_that_is_wrong_is_said_at_once() -> None:
    with pytest.raises(BadEvent) as caught:
        validate(Event({"specversion": "1.0"}))
    assert str(caught.value).splitlines() == [
        "id: MUST be a non-empty string",
        "source: REQUIRED",
        "type: MUST be a non-empty string",
    ]


@pytest.mark.parametrize(
    "good",
    [
        {"time": "2026-01-31T23:59:60.5Z"},
        {"time": "2026-01-31t23:59:59+01:00"},
        {"datacontenttype": "application/json; charset=utf-8"},
        {"dataschema": "https://example.com/s"},
        {"comexampleextension1": "value"},
        {"traceparent": "00-1-2-01"},
    ],
)
def test_what_is_allowed(good: dict[str, str]) -> None:
    validate(Event({**GOOD, **good}))


@pytest.mark.parametrize(
    ("body", "data", "media_type"),
    [
        ({"data": {"a": 1}}, b'{"a":1}', "application/json"),
        ({"data": "text"}, b'"text"', "application/json"),
        ({"data": "text", "datacontenttype": "text/plain"}, b"text", "text/plain"),
        ({"data": "<a/>", "datacontenttype": "text/xml"}, b"<a/>", "text/xml"),
        ({"data": "t", "datacontenttype": "application/x+json"}, b'"t"', "application/x+json"),
        ({"data_base64": "AAE="}, b"\x00\x01", ""),
        ({}, b"", ""),
    ],
)
def test_structured_data(body: dict[str, object], data: bytes, media_type: str) -> None:
    event = parse({"content-type": STRUCTURED}, json.dumps({**GOOD, **body}).encode())
    assert (event.data, event.datacontenttype) == (data, media_type)


def test_attributes_of_other_types_take_their_canonical_form() -> None:
    body = json.dumps({**GOOD, "count": 3, "flag": True, "none": None}).encode()
    event = parse({"content-type": STRUCTURED}, body)
    assert event.attributes == {**GOOD, "count": "3", "flag": "true"}


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        ({"content-type": STRUCTURED}, b"{"),
        ({"content-type": STRUCTURED}, b"[]"),
        ({"content-type": STRUCTURED}, b'{"specversion":"1.0"}'),
        ({"content-type": "application/cloudevents+avro"}, b"{}"),
        ({"content-type": "application/json"}, b"{}"),
        ({"content-type": STRUCTURED}, json.dumps({**GOOD, "ext": {"a": 1}}).encode()),
        ({"content-type": STRUCTURED}, json.dumps({**GOOD, "data": 1, "data_base64": "AA=="}).encode()),
        ({"content-type": STRUCTURED}, json.dumps({**GOOD, "data_base64": "?"}).encode()),
        ({"content-type": BATCH}, json.dumps(GOOD).encode()),
        ({"content-type": BATCH}, b"[1]"),
    ],
)
def test_what_is_no_event_is_refused(headers: dict[str, str], body: bytes) -> None:
    with pytest.raises(BadEvent):
        parse_batch(headers, body)


def test_one_event_is_wanted_where_a_batch_comes() -> None:
    with pytest.raises(BadEvent, match="a batch"):
        parse({"content-type": BATCH}, b"[]")


def test_the_content_type_header_wins_over_one_with_prefix() -> None:
    event = parse({**HEADERS, "ce-datacontenttype": "text/xml", "content-type": "text/plain"}, b"x")
    assert event.datacontenttype == "text/plain"


@pytest.mark.parametrize(
    ("value", "header"),
    [
        ("Euro € 😀", "Euro %E2%82%AC %F0%9F%98%80"),
        ("50%", "50%"),
        ("a%41", "a%2541"),
        ('say "x"', 'say "x"'),
    ],
)
def test_values_in_headers(value: str, header: str) -> None:
    assert escape(value) == header
    assert unescape(header) == value


def test_escapes_that_are_no_text_stay() -> None:
    assert unescape("%FF") == "%FF"


def test_json_media_types() -> None:
    assert all(map(is_json, ["", "application/json", "text/json", "application/a.b+json; x=y"]))
    assert not any(map(is_json, ["text/plain", "application/xml", "application/jsonx"]))


def test_using_adds_replaces_and_removes() -> None:
    event = Event(dict(GOOD), b"x")
    assert event.using(type="u", extra="1", source="").attributes == {
        "specversion": "1.0",
        "id": "1",
        "type": "u",
        "extra": "1",
    }
    assert event.attributes == GOOD
