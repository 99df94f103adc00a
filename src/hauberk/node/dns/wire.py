"""DNS messages: a query in, its answer out. Pure; a message that is no query gets no answer (None).

| name            | type   | answer                                                                     |
|-----------------|--------|----------------------------------------------------------------------------|
| in the zone     | A, SRV | its records, shuffled by the caller's `turn`; SRV brings the targets' A     |
| in the zone     | other  | no error, no record, the zone's SOA                                        |
| an alias        | any    | CNAME, and the target's records when the zone has them                     |
| zone, not there | any    | NXDOMAIN with the SOA                                                      |
| a known address | PTR    | its name                                                                   |
| elsewhere       | any    | SERVFAIL, as a cluster DNS without a reachable upstream: nothing is known  |

Source: RFC 1035; coredns plugin/kubernetes (ttl 5, SRV priority 0, weight 100 / n).
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Mapping, Sequence
from typing import Any

A, NS, CNAME, SOA, PTR, AAAA, SRV, ANY = 1, 2, 5, 6, 12, 28, 33, 255
NOERROR, SERVFAIL, NXDOMAIN, NOTIMP, REFUSED = 0, 2, 3, 4, 5
ZONE = "cluster.local"
TTL_S = 5
UDP_BYTES = 512
_REVERSE = ".in-addr.arpa"
_MAX_ALIASES = 8
_HEADER = struct.Struct(">HHHHHH")
_QR, _AA, _TC, _RD, _RA, _OPCODE = 0x8000, 0x0400, 0x0200, 0x0100, 0x0080, 0x7800

Zone = Mapping[str, Any]  # the fields of table.DnsTable
Record = tuple[str, int, bytes]


def encode_name(name: str) -> bytes:
    r"""A name as labels.

    >>> encode_name("a.bc")
    b'\x01a\x02bc\x00'
    """
    labels = [label.encode("ascii", "replace")[:63] for label in name.split(".") if label]
    return b"".join(bytes((len(label),)) + label for label in labels) + b"\0"


def decode_name(message: bytes, at: int) -> tuple[str, int]:
    """The lower-case name at an offset and the offset after it. ValueError when it is broken."""
    labels: list[str] = []
    end = 0
    for _ in range(128):
        size = message[at] if at < len(message) else -1
        if size == 0:
            return ".".join(labels), end or at + 1
        if size & 0xC0 == 0xC0 and at + 1 < len(message):
            end = end or at + 2
            at = (size & 0x3F) << 8 | message[at + 1]
        elif 0 < size < 64 and at + size < len(message):
            labels.append(message[at + 1 : at + 1 + size].decode("ascii", "replace").lower())
            at += 1 + size
        else:
            break
    raise ValueError("broken name")


def answer(query: bytes, zone: Zone, *, turn: int = 0, limit: int = UDP_BYTES) -> bytes | None:
    """The answer to a query, at most `limit` bytes (then cut and marked), or None.

    `turn` rotates the order of records, so that clients that take the first spread.
    """
    if len(query) < _HEADER.size:
        return None
    number, flags, questions, _, _, extra = _HEADER.unpack_from(query)
    if flags & _QR:
        return None
    kept = flags & (_RD | _OPCODE)
    try:
        name, at = decode_name(query, _HEADER.size)
        kind, _ = struct.unpack_from(">HH", query, at)
    except (ValueError, struct.error):
        return _HEADER.pack(number, _QR | kept | 1, 0, 0, 0, 0)
    question = query[_HEADER.size : at + 4]
    if flags & _OPCODE or questions != 1:
        return _HEADER.pack(number, _QR | kept | NOTIMP, 1, 0, 0, 0) + question
    code, answers, more = resolve(name, kind, zone, turn)
    authority = [_soa()] if not answers and code in (NOERROR, NXDOMAIN) else []
    payload = max(limit, _edns_size(query, at + 4) if extra and limit == UDP_BYTES else 0)
    return _reply(number, kept | code, question, answers, authority, more, payload)


def resolve(name: str, kind: int, zone: Zone, turn: int) -> tuple[int, list[Record], list[Record]]:
    """The response code, the answers and the additional records for one question."""
    if name.endswith(_REVERSE):
        return _reverse(name, kind, zone)
    answers: list[Record] = []
    for _ in range(_MAX_ALIASES):
        if not _in_zone(name):
            return (NOERROR, answers, []) if answers else (SERVFAIL, [], [])
        target = zone["cname"].get(name)
        if target is None:
            break
        answers.append((name, CNAME, encode_name(target)))
        name = target
    else:
        return SERVFAIL, [], []  # the aliases go round in a circle
    addresses = zone["a"].get(name) or _pod_address(name)
    if kind in (A, ANY) and addresses:
        answers += [(name, A, socket.inet_aton(ip)) for ip in _rotated(addresses, turn)]
        return NOERROR, answers, []
    if kind in (SRV, ANY) and name in zone["srv"]:
        rows = zone["srv"][name]
        weight = max(1, 100 // len(rows))
        answers += [(name, SRV, struct.pack(">HHH", 0, weight, p) + encode_name(t)) for p, t in rows]
        more = [(t, A, socket.inet_aton(ip)) for _, t in rows for ip in zone["a"].get(t, ())]
        return NOERROR, answers, more
    known = answers or addresses or name in zone["srv"] or name in zone.get("parents", ())
    return (NOERROR if known else NXDOMAIN), answers, []


def _in_zone(name: str) -> bool:
    return name == ZONE or name.endswith(f".{ZONE}")


def _pod_address(name: str) -> list[str]:
    """The address that `10-128-0-2.NAMESPACE.pod.cluster.local` names.

    Source: coredns plugin/kubernetes, option `pods insecure`.
    """
    first, _, rest = name.partition(".")
    parts = first.split("-")
    if not rest.endswith(f".pod.{ZONE}") or rest.count(".") != 3 or len(parts) != 4:
        return []
    return [".".join(parts)] if all(p.isdigit() and int(p) < 256 for p in parts) else []


def _rotated(rows: Sequence[str], turn: int) -> list[str]:
    cut = turn % len(rows) if rows else 0
    return [*rows[cut:], *rows[:cut]]


def _reverse(name: str, kind: int, zone: Zone) -> tuple[int, list[Record], list[Record]]:
    address = ".".join(reversed(name.removesuffix(_REVERSE).split(".")))
    target = zone["ptr"].get(address)
    if target is None:
        return NXDOMAIN, [], []
    return NOERROR, [(name, PTR, encode_name(target))] if kind in (PTR, ANY) else [], []


def _soa() -> Record:
    numbers = struct.pack(">IIIII", 1, 7200, 1800, 86400, TTL_S)
    return ZONE, SOA, encode_name(f"ns.dns.{ZONE}") + encode_name(f"hostmaster.{ZONE}") + numbers


def _edns_size(query: bytes, at: int) -> int:
    if query[at : at + 3] == b"\0\0\x29" and len(query) >= at + 5:
        return min(int.from_bytes(query[at + 3 : at + 5], "big"), 4096)
    return 0


def _reply(
    number: int,
    flags: int,
    question: bytes,
    answers: list[Record],
    authority: list[Record],
    more: list[Record],
    limit: int,
) -> bytes:
    own = _QR | _AA | _RA if flags & 0xF != SERVFAIL else _QR | _RA
    body = b"".join(map(_record, [*answers, *authority]))
    extra = b"".join(map(_record, more))
    size = _HEADER.size + len(question)
    if size + len(body) > limit:
        return _HEADER.pack(number, own | _TC | flags, 1, 0, 0, 0) + question
    if size + len(body) + len(extra) > limit:
        more, extra = [], b""
    counts = 1, len(answers), len(authority), len(more)
    return _HEADER.pack(number, own | flags, *counts) + question + body + extra


def _record(record: Record) -> bytes:
    name, kind, data = record
    return encode_name(name) + struct.pack(">HHIH", kind, 1, TTL_S, len(data)) + data
