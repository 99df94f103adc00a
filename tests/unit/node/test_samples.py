from __future__ import annotations

import importlib
import sys
from typing import Any

import pytest

from hauberk.node.images.table import SAMPLES

sys.path.insert(0, str(SAMPLES))
http: Any = importlib.import_module("http_server")
display: Any = importlib.import_module("event_display")
autoscale: Any = importlib.import_module("autoscale")
sys.path.remove(str(SAMPLES))


def request(query: str = "", headers: dict[str, str] | None = None, body: bytes = b"") -> Any:
    return http.Request("POST", "/", query, headers or {}, body)


@pytest.mark.parametrize(
    ("data", "body", "left"),
    [
        (b"GET /a?b HTTP/1.1\r\nHost: x\r\n\r\n", b"", b""),
        (b"GET /a?b HTTP/1.1\r\ncontent-length: 2\r\n\r\nhiNEXT", b"hi", b"NEXT"),
        (b"GET /a?b HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2;x\r\nhi\r\n0\r\n\r\nN", b"hi", b"N"),
        (b"GET /a?b HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nt: 1\r\n\r\n", b"hi", b""),
    ],
)
def test_a_request_is_cut_off_whole_however_it_arrives(data: bytes, body: bytes, left: bytes) -> None:
    whole = len(data) - len(left)
    for cut in range(whole):
        assert http.take(bytearray(data[:cut])) is None
    buffer = bytearray(data)
    taken = http.take(buffer)
    assert (taken.method, taken.path, taken.query, taken.body) == ("GET", "/a", "b", body)
    assert bytes(buffer) == left


@pytest.mark.parametrize(
    "data", [b"nonsense\r\n\r\n", b"GET / HTTP/1.1\r\ncontent-length: x\r\n\r\n", b"x" * 70000]
)
def test_what_is_no_request_is_refused(data: bytes) -> None:
    with pytest.raises(http.Broken):
        http.take(bytearray(data))


def test_an_event_is_printed_as_the_sdk_prints_it() -> None:
    headers = {"ce-specversion": "1.0", "ce-type": "t", "ce-source": "s", "ce-id": "1", "ce-beats": "true"}
    event = display.attributes_of(
        request(headers={**headers, "content-type": "application/json"}, body=b'{"a":1}')
    )
    assert display.render(*event).splitlines() == [
        "☁️  cloudevents.Event",
        "Validation: valid",
        "Context Attributes,",
        "  specversion: 1.0",
        "  type: t",
        "  source: s",
        "  id: 1",
        "  datacontenttype: application/json",
        "Extensions,",
        "  beats: true",
        "Data,",
        "  {",
        '    "a": 1',
        "  }",
    ]


def test_a_structured_event_is_the_same_event() -> None:
    body = (
        b'{"specversion":"1.0","type":"t","source":"s","id":"1","datacontenttype":"text/plain","data":"hi"}'
    )
    event = display.attributes_of(
        request(headers={"content-type": "application/cloudevents+json"}, body=body)
    )
    assert display.render(*event).endswith("Data,\n  hi\n")


def test_base64_data_is_named_binary() -> None:
    body = b'{"specversion":"1.0","type":"t","source":"s","id":"1","data_base64":"aGk="}'
    event = display.attributes_of(
        request(headers={"content-type": "application/cloudevents+json"}, body=body)
    )
    assert display.render(*event).endswith("Data (binary),\n  hi\n")


@pytest.mark.parametrize(
    ("data", "lines"),
    [
        (
            '{"a":{},"b":[1.0,"x,{\\"y"],"c":[]}',
            [
                "{",
                '    "a": {},',
                '    "b": [',
                "      1.0,",
                '      "x,{\\"y"',
                "    ],",
                '    "c": []',
                "  }",
            ],
        ),
        ("[]", ["[]"]),
        ('"text"', ['"text"']),
        ('{"broken"', ['{"broken"']),
    ],
)
def test_json_is_printed_as_go_indents_it(data: str, lines: list[str]) -> None:
    event = {"datacontenttype": "application/json; charset=utf-8"}
    shown = display.render(event, data.encode()).partition("Data,\n  ")[2]
    assert shown.splitlines() == lines


@pytest.mark.parametrize(
    ("time", "shown"),
    [
        ("2026-11-24T02:40:36.120000Z", "2026-11-24T02:40:36.12Z"),
        ("2026-11-24T02:40:36.000+01:00", "2026-11-24T02:40:36+01:00"),
        ("2026-11-24T02:40:36Z", "2026-11-24T02:40:36Z"),
    ],
)
def test_times_are_printed_as_go_prints_them(time: str, shown: str) -> None:
    assert f"time: {shown}\n" in display.render({"time": time}, None)


def test_an_event_without_its_attributes_is_refused_and_not_printed(
    capsys: pytest.CaptureFixture[str],
) -> None:
    answer = display.handle(request(headers={"ce-specversion": "1.0", "ce-type": "t", "ce-source": "s"}))
    assert (answer.status, capsys.readouterr().out) == (400, "")
    assert b"id: MUST be a non-empty string" in answer.body


def test_what_is_no_event_is_refused() -> None:
    assert display.handle(request(body=b"x")).status == 400


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ("prime=10", b"The largest prime less than 10 is 7.\n"),
        ("bloat=1", b"Allocated 1 Mb of memory.\n"),
        ("", b"\n"),
    ],
)
def test_autoscale_reports_what_it_did(query: str, text: bytes) -> None:
    assert autoscale.handle(request(query)).body == text


def test_autoscale_sleeps_without_holding_up_others() -> None:
    assert 0.09 < autoscale.handle(request("sleep=100")).delay_s <= 0.1
    assert autoscale.handle(request("sleep=x")).status == 400
