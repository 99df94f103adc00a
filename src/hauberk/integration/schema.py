"""The JSON schema of `hauberk.yaml`, for editors; made from the types, so it cannot say anything else."""

from __future__ import annotations

import json
from typing import Any

import msgspec

from hauberk.integration.model import Integration

ID = "https://json-schema.org/draft/2020-12/schema"


def schema() -> dict[str, Any]:
    """The schema, JSON Schema 2020-12; unknown keys are refused."""
    made = msgspec.json.schema(Integration)
    parts = made["$defs"]
    return {"$schema": ID, **parts.pop("Integration"), "title": "hauberk.yaml", "$defs": parts}


def text() -> str:
    """The schema as the published file."""
    return json.dumps(schema(), indent=2, ensure_ascii=False) + "\n"
