"""What Kubernetes' own types of CEL mean: quantities, addresses, networks, URLs, versions. Pure.

Each value is kept as its text; a function reads the text, so a wrong one fails where it is used.
Source: apiserver pkg/cel/library/{quantity,ip,cidr,urls,semverlib,lists,format}.go.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from itertools import pairwise
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

from hauberk.apiserver.crd.formats import FORMATS
from hauberk.kinds import rules

_QUANTITY = re.compile(r"([+-]?(?:\d+\.?\d*|\.\d+))(?:[eE]([+-]?\d+)|(Ki|Mi|Gi|Ti|Pi|Ei|n|u|m|k|M|G|T|P|E))?")
_SCALE = {
    "": Decimal(1), "n": Decimal("1e-9"), "u": Decimal("1e-6"), "m": Decimal("1e-3"), "k": Decimal("1e3"),
    "M": Decimal("1e6"), "G": Decimal("1e9"), "T": Decimal("1e12"), "P": Decimal("1e15"),
    "E": Decimal("1e18"),
    **{unit: Decimal(1024) ** (i + 1) for i, unit in enumerate(("Ki", "Mi", "Gi", "Ti", "Pi", "Ei"))},
}  # fmt: skip
_SEMVER = re.compile(
    r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)"
    r"(?:-([0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?(?:\+[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?"
)
Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def quantity(text: str) -> Decimal:
    """The number that a quantity such as `1.5Gi` means. ValueError."""
    match = _QUANTITY.fullmatch(text)
    if match is None:
        raise ValueError(
            "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"
        )
    number, exponent, unit = match.groups()
    try:
        return Decimal(number) * (Decimal(10) ** int(exponent) if exponent else _SCALE[unit or ""])
    except InvalidOperation as error:
        raise ValueError(f"not a quantity: {text}") from error


def address(text: str) -> Address:
    """An IP address in a form that Kubernetes takes. ValueError."""
    if "%" in text:
        raise ValueError(f"IP Address {text!r} with zone value is not allowed")
    found = ipaddress.ip_address(text)
    if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped is not None:
        raise ValueError(f"IPv4-mapped IPv6 address {text!r} is not allowed")
    return found


def network(text: str) -> tuple[Address, Network]:
    """The address and the network of `10.0.0.1/8`. ValueError."""
    first, slash, _ = text.partition("/")
    if not slash:
        raise ValueError(f"network address parse error during conversion from string: no '/' in {text!r}")
    return address(first), ipaddress.ip_network(text, strict=False)


def url(text: str) -> Mapping[str, Any]:
    """The parts of an absolute URI or path. ValueError."""
    if not text or (not text.startswith("/") and not re.match(r"[A-Za-z][A-Za-z0-9+.-]*:", text)):
        raise ValueError(
            f"URL parse error during conversion from string: parse {text!r}: invalid URI for request"
        )
    parts = urlsplit(text)
    if any(c in " \n\t" for c in text):
        raise ValueError("URL parse error during conversion from string: invalid character in URL")
    hostname = parts.hostname or ""
    return {
        "scheme": parts.scheme,
        "host": parts.netloc.rpartition("@")[2],
        "hostname": hostname,
        "port": str(parts.port) if parts.port is not None else "",
        "path": quote(parts.path, safe="/%:@!$&'()*+,;=~-._"),
        "query": parse_qs(parts.query, keep_blank_values=True),
    }


def semver(text: str) -> tuple[int, int, int, tuple[tuple[int, int, str], ...]]:
    """A semantic version as something that sorts. ValueError."""
    match = _SEMVER.fullmatch(text)
    if match is None:
        raise ValueError(f"No Major.Minor.Patch elements found in {text!r}")
    major, minor, patch, pre = match.groups()
    parts = tuple((0, int(p), "") if p.isdecimal() else (1, 0, p) for p in (pre or "").split(".") if p)
    return int(major), int(minor), int(patch), parts or ((2, 0, ""),)


def compare(a: Any, b: Any) -> int:
    """-1, 0 or 1."""
    return int(a > b) - int(a < b)


def reads(read: Callable[[str], object]) -> Callable[[str], bool]:
    """Whether a text can be read."""

    def check(text: str) -> bool:
        try:
            read(text)
        except ValueError:
            return False
        return True

    return check


def is_sorted(items: Sequence[Any]) -> bool:
    """Whether no item is greater than the next."""
    return all(not b < a for a, b in pairwise(items))


def index_of(items: Sequence[Any], wanted: Any) -> int:
    """The place of the first equal item, or -1."""
    return next((i for i, item in enumerate(items) if item == wanted), -1)


def last_index_of(items: Sequence[Any], wanted: Any) -> int:
    """The place of the last equal item, or -1."""
    return next((i for i in range(len(items) - 1, -1, -1) if items[i] == wanted), -1)


def find_all(text: str, pattern: str, most: int = -1) -> list[str]:
    """Every match of a pattern, at most so many."""
    found = [match[0] for match in re.finditer(pattern, text, re.ASCII)]
    return found if most < 0 else found[:most]


def contains(items: Sequence[Any], others: Sequence[Any]) -> bool:
    """Whether each of the others is an item."""
    return all(o in items for o in others)


def _label_prefix(value: str) -> Iterator[str]:
    yield from rules.dns_label(value.removesuffix("-") or value)


def _subdomain_prefix(value: str) -> Iterator[str]:
    yield from rules.dns_subdomain(value.removesuffix("-") or value)


def _uri(value: str) -> Iterator[str]:
    try:
        url(value)
    except ValueError as error:
        yield str(error)


def _strfmt(name: str) -> rules.Rule:
    def rule(value: str) -> Iterator[str]:
        if not FORMATS[name](value):
            yield f"invalid {name}"

    return rule


NAMED: Mapping[str, rules.Rule] = {
    "dns1123Label": rules.dns_label,
    "dns1123Subdomain": rules.dns_subdomain,
    "dns1035Label": rules.dns_1035_label,
    "dns1123LabelPrefix": _label_prefix,
    "dns1123SubdomainPrefix": _subdomain_prefix,
    "qualifiedName": rules.label_key,
    "labelValue": rules.label_value,
    "uri": _uri,
    "uuid": _strfmt("uuid"),
    "byte": _strfmt("byte"),
    "date": _strfmt("date"),
    "datetime": _strfmt("datetime"),
}
