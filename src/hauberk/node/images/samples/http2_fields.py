"""Header compression for HTTP/2, as much as a server needs: everything is read, little is written.

Source: RFC 7541 (HPACK): integers (5.1), strings (5.2), fields (6), tables (appendices A and B).
"""

from __future__ import annotations

from collections.abc import Iterable

# Appendix A, `name=value` from index 1.
_ENTRIES = (
    ":authority;:method=GET;:method=POST;:path=/;:path=/index.html;:scheme=http;:scheme=https;"
    ":status=200;:status=204;:status=206;:status=304;:status=400;:status=404;:status=500;accept-charset;"
    "accept-encoding=gzip, deflate;accept-language;accept-ranges;accept;access-control-allow-origin;age;"
    "allow;authorization;cache-control;content-disposition;content-encoding;content-language;"
    "content-length;content-location;content-range;content-type;cookie;date;etag;expect;expires;from;"
    "host;if-match;if-modified-since;if-none-match;if-range;if-unmodified-since;last-modified;link;"
    "location;max-forwards;proxy-authenticate;proxy-authorization;range;referer;refresh;retry-after;"
    "server;set-cookie;strict-transport-security;transfer-encoding;user-agent;vary;via;www-authenticate"
)
_STATIC = [(name, value) for name, _, value in (row.partition("=") for row in _ENTRIES.split(";"))]
# Appendix B: each symbol's code length, `a` for 5 bits. The code is canonical, so the lengths tell it all.
_LENGTHS = (
    "isxxxxxxxtzxxzxxxxxxxxzxxxxxxxxxbffhibdgffdgdbbbaaabbbbbbbcdkbhfibcccccccccccccccccccc"
    "ccdcdioijbkabababbbaccbbbabcbaabccccckgjixprpprrrsrssssststtrstssssqrsrsstrqprrssqsrrt"
    "qrssqqrqsrssprrrsrrsvvporsruvvvwwvtuoqvwwvwtqqvvxwwwptpqrqqsrruuttvsvwvvwwwwwxwwwwwvz"
)
_EOS = 256
_TABLE_BYTES = 4096  # what a peer may use until told otherwise
_ENTRY_BYTES = 32


class Undecodable(Exception):
    """Bytes that are no header block."""


def _canonical() -> dict[tuple[int, int], int]:
    """From (code length, code) to symbol."""
    sizes = [ord(letter) - ord("a") + 5 for letter in _LENGTHS]
    found: dict[tuple[int, int], int] = {}
    code, before = 0, 5
    for size, symbol in sorted((size, symbol) for symbol, size in enumerate(sizes)):
        code <<= size - before
        found[size, code] = symbol
        code, before = code + 1, size
    return found


_SYMBOLS = _canonical()


def unpack_string(data: bytes) -> bytes:
    """A Huffman-coded string. Raises Undecodable."""
    out = bytearray()
    code = size = 0
    for byte in data:
        for shift in range(7, -1, -1):
            code, size = code << 1 | byte >> shift & 1, size + 1
            symbol = _SYMBOLS.get((size, code))
            if symbol is None:
                continue
            if symbol == _EOS:
                raise Undecodable("end of string inside a string")
            out.append(symbol)
            code = size = 0
    if size > 7 or code != (1 << size) - 1:
        raise Undecodable("padding")
    return bytes(out)


class Decoder:
    """A connection's table of what the peer has sent before."""

    def __init__(self) -> None:
        self._entries: list[tuple[str, str]] = []  # newest first
        self._limit = _TABLE_BYTES

    def decode(self, data: bytes) -> list[tuple[str, str]]:
        """The fields of one block, in order. Raises Undecodable."""
        fields = []
        at = 0
        try:
            while at < len(data):
                first = data[at]
                if first & 0x80:
                    index, at = _integer(data, at, 7)
                    fields.append(self._entry(index))
                elif first & 0xE0 == 0x20:
                    self._limit, at = _integer(data, at, 5)
                    self._shrink()
                else:
                    field, at = self._literal(data, at, 6 if first & 0x40 else 4)
                    fields.append(field)
        except IndexError:
            raise Undecodable("cut short") from None
        return fields

    def _literal(self, data: bytes, at: int, bits: int) -> tuple[tuple[str, str], int]:
        index, at = _integer(data, at, bits)
        if index:
            name = self._entry(index)[0]
        else:
            name, at = _string(data, at)
        value, at = _string(data, at)
        if bits == 6:
            self._entries.insert(0, (name, value))
            self._shrink()
        return (name, value), at

    def _entry(self, index: int) -> tuple[str, str]:
        if index == 0:
            raise Undecodable("index 0")
        return _STATIC[index - 1] if index <= len(_STATIC) else self._entries[index - len(_STATIC) - 1]

    def _shrink(self) -> None:
        if self._limit > _TABLE_BYTES:
            raise Undecodable("table size")
        while sum(len(n) + len(v) + _ENTRY_BYTES for n, v in self._entries) > self._limit:
            self._entries.pop()


def encode(fields: Iterable[tuple[str, str]]) -> bytes:
    """A block of literal fields that no table remembers."""
    out = bytearray()
    for name, value in fields:
        out += b"\0" + _packed(name) + _packed(value)
    return bytes(out)


def _packed(text: str) -> bytes:
    data = text.encode("latin-1")
    if len(data) < 127:
        return bytes([len(data)]) + data
    left, out = len(data) - 127, bytearray([127])
    while left > 127:
        out.append(left & 127 | 128)
        left >>= 7
    return bytes(out) + bytes([left]) + data


def _integer(data: bytes, at: int, bits: int) -> tuple[int, int]:
    most = (1 << bits) - 1
    value, at = data[at] & most, at + 1
    shift = 0
    if value < most:
        return value, at
    while True:
        byte, at = data[at], at + 1
        value += (byte & 127) << shift
        shift += 7
        if not byte & 128:
            return value, at
        if shift > 28:
            raise Undecodable("integer")


def _string(data: bytes, at: int) -> tuple[str, int]:
    coded = data[at] & 0x80
    size, at = _integer(data, at, 7)
    raw = data[at : at + size]
    if len(raw) < size:
        raise Undecodable("cut short")
    return (unpack_string(raw) if coded else raw).decode("latin-1"), at + size
