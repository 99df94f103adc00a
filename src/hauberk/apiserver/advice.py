"""What a client is told about an object that is accepted, and what strictness refuses.

| finding       | fieldValidation Ignore | Warn    | Strict                                     |
|---------------|------------------------|---------|--------------------------------------------|
| unknown field | nothing                | Warning | Warning; refused when the cluster is strict |
| no effect yet | Warning                | Warning | Warning                                    |
| advice        | Warning                | Warning | Warning                                    |
| defect        | Warning, refused when the cluster is strict, for every setting             |

Deviation: upstream refuses unknown fields under `Strict`, which is kubectl's default, on every
cluster; here only for users' own kinds, and for the others on a strict one, because the document's
own manifests hold such fields.
"""

from __future__ import annotations

from typing import Any

from hauberk.apiserver.request import Call
from hauberk.base.apierrors import BadRequest
from hauberk.base.refs import Json
from hauberk.kinds import walk
from hauberk.kinds.meta import Kind


def advise(kind: Kind[Any], raw: Json, call: Call, *, strict: bool) -> None:
    """Collect Warnings in `call`. BadRequest for unknown fields when they are refused."""
    if not call.advise:
        return
    unknown = list(walk.unknown(kind, raw)) if call.field_validation != "Ignore" else []
    if unknown and (strict or kind.extra.get("custom")) and call.field_validation == "Strict":
        raise decoding_error(kind, raw, [f'unknown field "{path}"' for path in unknown])
    for path in unknown:
        call.warn(f'unknown field "{path}"')
    if call.subresource:
        return
    for path in walk.inert(kind, raw):
        call.warn(walk.without_effect(path))
    try:
        for text in kind.advice(raw):
            call.warn(text)
        if not strict:
            for defect in kind.strict(raw):
                call.warn(str(defect))
    except (TypeError, AttributeError, KeyError):
        return  # a value of a wrong type, which validation refuses in a moment


def decoding_error(kind: Kind[Any], raw: Json, findings: list[str]) -> BadRequest:
    """The refusal of strict decoding, in upstream's words."""
    version = str(raw.get("apiVersion", "")).rpartition("/")[2]
    told = f"strict decoding error: {', '.join(findings)}"
    return BadRequest(f'{kind.name} in version "{version}" cannot be handled as a {kind.name}: {told}')
