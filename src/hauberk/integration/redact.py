"""Text and objects without what must not be shown: keys, tokens, passwords."""

from __future__ import annotations

import re
from typing import Any

from hauberk.base.refs import Json

HIDDEN = "<hidden>"
_PATTERNS = (
    (
        re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.S),
        HIDDEN,
    ),
    (re.compile(r"\beyJ[\w-]+\.[\w-]+\.[\w-]*"), HIDDEN),
    (re.compile(r"(?i)\b(bearer|basic)\s+[\w.~+/=-]{8,}"), rf"\1 {HIDDEN}"),
    (
        re.compile(r"(?i)\b(password|passwd|secret|token|api[_-]?key)(\"?\s*[=:]\s*\"?)[^\s\",;]+"),
        rf"\1\2{HIDDEN}",
    ),
    (re.compile(r"(?i)://([^/\s:@]+):[^/\s@]+@"), rf"://\1:{HIDDEN}@"),
)


def redacted_text(text: str) -> str:
    """The text with private keys, tokens and passwords hidden."""
    for pattern, instead in _PATTERNS:
        text = pattern.sub(instead, text)
    return text


def redacted(obj: Json) -> dict[str, Any]:
    """The object with the values of a Secret hidden; other objects as they are."""
    out = dict(obj)
    if obj.get("kind") == "Secret" and obj.get("apiVersion") == "v1":
        out |= {part: dict.fromkeys(obj[part], HIDDEN) for part in ("data", "stringData") if obj.get(part)}
    return out
