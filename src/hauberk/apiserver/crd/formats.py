"""Formats of strings that schemas may name; a format that is not listed here is not checked.

Source: kube-openapi pkg/validation/strfmt (default.go, date.go, time.go, duration.go).
"""

from __future__ import annotations

import base64
import binascii
import ipaddress
import re
from collections.abc import Callable, Mapping
from datetime import date

from hauberk.base.times import epoch

_HOST = re.compile(r"[a-zA-Z0-9_]([-a-zA-Z0-9_]{0,62})(\.[a-zA-Z0-9_]([-a-zA-Z0-9_]{0,62}))*\.?")
_MAC = re.compile(r"([0-9A-Fa-f]{2}[:-]){5}[0-9A-Fa-f]{2}|([0-9A-Fa-f]{4}\.){2}[0-9A-Fa-f]{4}")
_UUID = r"(?i)[0-9a-f]{{8}}-?[0-9a-f]{{4}}-?{version}[0-9a-f]{{3}}-?[0-9a-f]{{4}}-?[0-9a-f]{{12}}"
_EMAIL = re.compile(r"[^@\s<>]+@[^@\s<>]+")
_URI = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]*:\S*|/\S*")
_DURATION = re.compile(r"-?(\d+(\.\d+)?(ns|us|µs|ms|s|m|h|d|w|[a-z]+)\s*)+")
_STAMP = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:?\d\d)")


def _matches(pattern: str | re.Pattern[str]) -> Callable[[str], bool]:
    compiled = re.compile(pattern)
    return lambda text: compiled.fullmatch(text) is not None


def _parses(read: Callable[[str], object]) -> Callable[[str], bool]:
    def check(text: str) -> bool:
        try:
            read(text)
        except (ValueError, binascii.Error):
            return False
        return True

    return check


def _stamp(text: str) -> object:
    if not _STAMP.fullmatch(text):
        raise ValueError(text)
    return epoch(text.upper().replace(" ", "T"))


def _bytes(text: str) -> object:
    return base64.b64decode(text, validate=True)


def _network(text: str) -> object:
    if "/" not in text:
        raise ValueError(text)
    return ipaddress.ip_network(text, strict=False)


FORMATS: Mapping[str, Callable[[str], bool]] = {
    "bsonobjectid": _matches(r"[0-9a-fA-F]{24}"),
    "uri": _matches(_URI),
    "email": _matches(_EMAIL),
    "hostname": _matches(_HOST),
    "ipv4": _parses(ipaddress.IPv4Address),
    "ipv6": _parses(ipaddress.IPv6Address),
    "cidr": _parses(_network),
    "mac": _matches(_MAC),
    "uuid": _matches(_UUID.format(version="[0-9a-f]")),
    "uuid3": _matches(_UUID.format(version="3")),
    "uuid4": _matches(_UUID.format(version="4")),
    "uuid5": _matches(_UUID.format(version="5")),
    "hexcolor": _matches(r"#?([0-9a-fA-F]{3}|[0-9a-fA-F]{6})"),
    "rgbcolor": _matches(r"rgb\(\s*(\d{1,3}\s*,\s*){2}\d{1,3}\s*\)"),
    "byte": _parses(_bytes),
    "date": _parses(date.fromisoformat),
    "date-time": _parses(_stamp),
    "datetime": _parses(_stamp),
    "duration": _matches(_DURATION),
}
