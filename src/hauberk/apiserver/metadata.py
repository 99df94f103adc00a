"""The server's part of an object's metadata: what it sets, what a client may not change.

Source: apiserver pkg/registry/rest/create.go, update.go, meta.go; apimachinery
pkg/api/validation/objectmeta.go; apiserver pkg/storage/names/generate.go.
"""

from __future__ import annotations

import os
import secrets
import uuid
from collections import deque
from typing import Any

from hauberk.apiserver import refuse
from hauberk.base.fields import FieldError, FieldErrors
from hauberk.base.refs import Json
from hauberk.base.times import rfc3339
from hauberk.kinds.meta import Kind

_RANDOM = "bcdfghjklmnpqrstvwxz2456789"  # no vowels: no words
_MAX_PREFIX = 58
_SERVERS = (
    "uid",
    "creationTimestamp",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
    "generation",
    "selfLink",
)


def generated_name(prefix: str) -> str:
    """`prefix` and five random letters."""
    return prefix[:_MAX_PREFIX] + "".join(secrets.choice(_RANDOM) for _ in range(5))


_POOL: deque[bytes] = deque()


def new_uid() -> str:
    """A random UUID. Asking the kernel once for many is a tenth of a create cheaper."""
    if not _POOL:
        fresh = os.urandom(16 * 256)
        _POOL.extend(fresh[at : at + 16] for at in range(0, len(fresh), 16))
    return str(uuid.UUID(bytes=_POOL.popleft(), version=4))


def for_create(kind: Kind[Any], obj: dict[str, Any], now: float) -> bool:
    """Stamp a new object; what a client may not choose is dropped. Changes `obj`.

    Returns whether the name was generated.
    """
    meta = obj["metadata"] = dict(obj.get("metadata") or {})
    for field in (*_SERVERS, "resourceVersion"):
        meta.pop(field, None)
    generated = not meta.get("name") and bool(meta.get("generateName"))
    if generated:
        meta["name"] = generated_name(meta["generateName"])
    meta["uid"] = new_uid()
    meta["creationTimestamp"] = rfc3339(now)
    if kind.has_generation:
        meta["generation"] = 1
    if not kind.namespaced:
        meta.pop("namespace", None)
    return generated


def for_update(kind: Kind[Any], obj: dict[str, Any], live: Json) -> None:
    """Carry over what the server owns. Changes `obj`. Conflict when it is not the same object."""
    meta = obj["metadata"] = dict(obj.get("metadata") or {})
    old = live["metadata"]
    name = old["name"]
    if meta.get("uid") and meta["uid"] != old["uid"]:
        raise refuse.uid_differs(kind, name, meta["uid"], old["uid"])
    if meta.get("resourceVersion") not in (None, "", "0", old["resourceVersion"]):
        raise refuse.modified(kind, name)
    for field in (*_SERVERS, "resourceVersion", "name", "namespace", "generateName"):
        if field in old:
            meta[field] = old[field]
        else:
            meta.pop(field, None)


def bump_generation(kind: Kind[Any], obj: dict[str, Any], live: Json) -> None:
    """Count a change of anything but metadata and status."""
    if kind.has_generation and wanted_part(obj) != wanted_part(live):
        obj["metadata"]["generation"] = int(live["metadata"].get("generation", 0)) + 1


def wanted_part(obj: Json) -> dict[str, Any]:
    """What the author of an object wants: all but metadata and status."""
    return {k: v for k, v in obj.items() if k not in ("apiVersion", "kind", "metadata", "status")}


def check_finalizers(obj: Json, live: Json) -> FieldErrors:
    """An object that is being deleted gets no new finalizers."""
    if not live["metadata"].get("deletionTimestamp"):
        return
    added = set(obj["metadata"].get("finalizers") or ()) - set(live["metadata"].get("finalizers") or ())
    if added:
        shown = ", ".join(f'"{f}"' for f in sorted(added))
        yield FieldError(
            "metadata.finalizers",
            "Forbidden: no new finalizers can be added if the object is being deleted, "
            f"found new finalizers []string{{{shown}}}",
            "FieldValueForbidden",
        )


def is_finished(obj: Json) -> bool:
    """Whether an object that is being deleted has nothing left to wait for."""
    meta = obj["metadata"]
    return bool(
        meta.get("deletionTimestamp")
        and not meta.get("finalizers")
        and not meta.get("deletionGracePeriodSeconds")
        and not namespace_finalizers(obj)
    )


def namespace_finalizers(obj: Json) -> list[str]:
    """What still keeps a Namespace; empty for other kinds."""
    if obj["kind"] != "Namespace" or obj["apiVersion"] != "v1":
        return []
    return list((obj.get("spec") or {}).get("finalizers") or ())
