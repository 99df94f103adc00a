"""Objects as they may leave a cluster: no Secret's value, no password of an environment, no key. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from hauberk.base.refs import Json
from hauberk.integration.redact import HIDDEN, redacted, redacted_text

LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
_SECRET_NAME = re.compile(r"(?i)(passw|secret|token|credential|api_?key|private_?key|auth)")


def clean(obj: Json) -> dict[str, Any]:
    """The object without what must not be shown, and without what only the server needs.

    A Secret keeps the names of its keys. An environment variable whose name speaks of a secret loses
    its value; a private key, token or password within any other text is hidden.
    """
    meta = {k: v for k, v in obj["metadata"].items() if k != "managedFields"}
    notes = {k: v for k, v in (meta.get("annotations") or {}).items() if k != LAST_APPLIED}
    if "annotations" in meta:
        meta["annotations"] = notes
    cleaned = _texts({**redacted(obj), "metadata": meta})
    assert isinstance(cleaned, dict)
    return cleaned


def _texts(value: Any) -> Any:
    if isinstance(value, Mapping):
        if _is_secret_variable(value):
            return {**value, "value": HIDDEN}
        return {k: _texts(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_texts(item) for item in value]
    return redacted_text(value) if isinstance(value, str) else value


def _is_secret_variable(row: Mapping[str, Any]) -> bool:
    name, value = row.get("name"), row.get("value")
    return isinstance(name, str) and isinstance(value, str) and bool(_SECRET_NAME.search(name))
