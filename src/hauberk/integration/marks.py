"""What tells our objects from everybody else's: a label, an annotation and the field manager `hauberk`.

| mark                              | says                                                                  |
|-----------------------------------|-----------------------------------------------------------------------|
| label `hauberk.dev/stage`         | applied by `hauberk install`, in that stage                           |
| annotation `hauberk.dev/created`  | it was not there before: `hauberk uninstall` may delete it            |

An object that was there before the first `install` never gets the annotation, so it is never deleted: its
fields that are ours are taken away.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hauberk.base.refs import Json, annotations_of, labels_of

STAGE = "hauberk.dev/stage"
CREATED = "hauberk.dev/created"
MANAGER = "hauberk"

_SERVERS_OWN = ("managedFields", "resourceVersion", "generation", "uid", "creationTimestamp", "selfLink")


def marked(obj: Json, stage: str, live: Json | None) -> dict[str, Any]:
    """The object as `install` applies it."""
    meta = obj["metadata"]
    labels = {**(meta.get("labels") or {}), STAGE: stage}
    annotations = dict(meta.get("annotations") or {})
    if live is None or was_created(live):
        annotations[CREATED] = "by-install"
    named = {"labels": labels, **({"annotations": annotations} if annotations else {})}
    return {**obj, "metadata": {**meta, **named}}


def bare(obj: Json) -> dict[str, Any]:
    """The object's name alone: applied, it takes away every field that is ours."""
    meta = obj["metadata"]
    place = {"name": meta["name"], **({"namespace": meta["namespace"]} if meta.get("namespace") else {})}
    return {"apiVersion": obj["apiVersion"], "kind": obj["kind"], "metadata": place}


def was_created(live: Json) -> bool:
    """Whether `install` brought the object into being."""
    return CREATED in annotations_of(live)


def is_marked(live: Json) -> bool:
    """Whether `install` applied the object."""
    return STAGE in labels_of(live)


def stage_of(live: Json) -> str:
    """The stage that applied the object; empty when none did."""
    return labels_of(live).get(STAGE, "")


def is_managed(live: Json) -> bool:
    """Whether we own at least one field, by any of our commands."""
    entries = live["metadata"].get("managedFields") or ()
    return any(e.get("manager") == MANAGER and e.get("operation") == "Apply" for e in entries)


def wanted_part(obj: Json) -> dict[str, Any]:
    """The object without what the server writes: what two states are compared by."""
    meta: Mapping[str, Any] = obj["metadata"]
    kept = {k: v for k, v in meta.items() if k not in _SERVERS_OWN}
    return {k: v for k, v in obj.items() if k not in ("status", "metadata")} | {"metadata": kept}
