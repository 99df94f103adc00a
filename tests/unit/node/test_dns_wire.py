from __future__ import annotations

import socket
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hauberk.node.dns import wire
from hauberk.node.dns.server import with_parents

WEB = "web.shop.svc.cluster.local"
ZONE = with_parents(
    {
        "a": {
            WEB: ["10.0.0.1", "10.0.0.2"],
            "big.shop.svc.cluster.local": [f"10.1.0.{n}" for n in range(60)],
        },
        "cname": {
            "alias.shop.svc.cluster.local": WEB,
            "out.shop.svc.cluster.local": "example.com",
            "loop.shop.svc.cluster.local": "loop.shop.svc.cluster.local",
        },
        "srv": {f"_http._tcp.{WEB}": [[80, WEB]]},
        "ptr": {"10.0.0.1": WEB},
    }
)


def query(name: str, kind: int = wire.A, *, flags: int = 0x0100, edns: int = 0) -> bytes:
    extra = b"\0" + struct.pack(">HHIH", 41, edns, 0, 0) if edns else b""
    head = struct.pack(">HHHHHH", 77, flags, 1, 0, 0, 1 if edns else 0)
    return head + wire.encode_name(name) + struct.pack(">HH", kind, 1) + extra


def parse(message: bytes) -> tuple[int, list[tuple[str, int, object]]]:
    """The response code and (name, type, value) of the answers."""
    _, flags, _, answers, _, _ = struct.unpack_from(">HHHHHH", message)
    _, at = wire.decode_name(message, 12)
    at += 4
    rows: list[tuple[str, int, object]] = []
    for _ in range(answers):
        name, at = wire.decode_name(message, at)
        kind, _, ttl, size = struct.unpack_from(">HHIH", message, at)
        at += 10
        data = message[at : at + size]
        value: object = socket.inet_ntoa(data) if kind == wire.A else data
        if kind in (wire.CNAME, wire.PTR):
            value = wire.decode_name(message, at)[0]
        if kind == wire.SRV:
            value = (*struct.unpack_from(">HHH", data), wire.decode_name(message, at + 6)[0])
        assert ttl == wire.TTL_S
        rows.append((name, kind, value))
        at += size
    return flags & 0xF, rows


def ask(name: str, kind: int = wire.A, **more: int) -> tuple[int, list[tuple[str, int, object]]]:
    answer = wire.answer(query(name, kind), ZONE, **more)
    assert answer is not None
    return parse(answer)


@pytest.mark.parametrize(
    ("name", "kind", "code", "values"),
    [
        (WEB, wire.A, wire.NOERROR, ["10.0.0.1", "10.0.0.2"]),
        (WEB.upper(), wire.A, wire.NOERROR, ["10.0.0.1", "10.0.0.2"]),
        (WEB, wire.AAAA, wire.NOERROR, []),
        ("shop.svc.cluster.local", wire.A, wire.NOERROR, []),
        ("nosuch.shop.svc.cluster.local", wire.A, wire.NXDOMAIN, []),
        ("alias.shop.svc.cluster.local", wire.A, wire.NOERROR, [WEB, "10.0.0.1", "10.0.0.2"]),
        ("alias.shop.svc.cluster.local", wire.AAAA, wire.NOERROR, [WEB]),
        ("out.shop.svc.cluster.local", wire.A, wire.NOERROR, ["example.com"]),
        ("loop.shop.svc.cluster.local", wire.A, wire.SERVFAIL, []),
        (f"_http._tcp.{WEB}", wire.SRV, wire.NOERROR, [(0, 100, 80, WEB)]),
        ("1.0.0.10.in-addr.arpa", wire.PTR, wire.NOERROR, [WEB]),
        ("9.0.0.10.in-addr.arpa", wire.PTR, wire.NXDOMAIN, []),
        ("10-128-0-7.shop.pod.cluster.local", wire.A, wire.NOERROR, ["10.128.0.7"]),
        ("10-128-0-700.shop.pod.cluster.local", wire.A, wire.NXDOMAIN, []),
        ("example.com", wire.A, wire.SERVFAIL, []),
    ],
)
def test_answers(name: str, kind: int, code: int, values: list[object]) -> None:
    found, rows = ask(name, kind)
    assert (found, [row[2] for row in rows]) == (code, values)


def test_the_first_address_changes_from_turn_to_turn() -> None:
    assert [ask(WEB, turn=turn)[1][0][2] for turn in range(4)] == ["10.0.0.1", "10.0.0.2"] * 2


def test_an_answer_too_long_for_udp_says_so_and_tcp_has_all() -> None:
    short = wire.answer(query("big.shop.svc.cluster.local"), ZONE)
    assert short is not None
    assert short[2] & 0x02
    assert len(ask("big.shop.svc.cluster.local", limit=0xFFFF)[1]) == 60


def test_a_client_that_takes_more_gets_more() -> None:
    answer = wire.answer(query("big.shop.svc.cluster.local", edns=4096), ZONE)
    assert answer is not None
    assert len(parse(answer)[1]) == 60


def test_answers_are_never_answered() -> None:
    assert wire.answer(query(WEB, flags=0x8000), ZONE) is None


def test_other_operations_are_not_implemented() -> None:
    answer = wire.answer(query(WEB, flags=0x2800), ZONE)
    assert answer is not None
    assert answer[3] & 0xF == wire.NOTIMP


@given(st.binary(max_size=80))
def test_no_bytes_break_it(data: bytes) -> None:
    answer = wire.answer(data, ZONE)
    assert answer is None or answer[:2] == data[:2]


@given(st.lists(st.text("abc-", min_size=1, max_size=10), min_size=1, max_size=5))
def test_names_survive_the_wire(labels: list[str]) -> None:
    name = ".".join(labels)
    assert wire.decode_name(wire.encode_name(name), 0) == (name, len(name) + 2)
