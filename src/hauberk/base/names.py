"""Names of children and the rules names must follow."""

from __future__ import annotations

import hashlib
import re

_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
MAX_LABEL = 63
_MD5_HEX = 32


def child_name(parent: str, suffix: str) -> str:
    """`parent + suffix`, shortened with a hash when it exceeds 63 characters.

    Source: knative.dev/pkg kmeta/names.go, ChildName (md5 of the parent, 32 hex digits).
    """
    if len(parent) + len(suffix) <= MAX_LABEL:
        return parent + suffix
    room = MAX_LABEL - _MD5_HEX - len(suffix)
    if room > 0:
        return f"{parent[:room]}{_md5(parent)}{suffix}"
    whole = parent[: MAX_LABEL - _MD5_HEX] + _md5(parent + suffix)
    return whole + suffix[: MAX_LABEL - len(whole)]


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def short_hash(text: str, length: int = 10) -> str:
    """A stable lower-case hash of `text` that may stand in a name."""
    return hashlib.sha256(text.encode()).hexdigest()[:length]


def is_dns_label(name: str) -> bool:
    """RFC 1123 label: at most 63 of a-z, 0-9 and `-`, not at the ends."""
    return len(name) <= MAX_LABEL and bool(_LABEL.fullmatch(name))


def is_dns_subdomain(name: str) -> bool:
    """RFC 1123 subdomain: labels joined by dots, at most 253 characters."""
    return len(name) <= 253 and all(_LABEL.fullmatch(part) for part in name.split("."))
