"""How an object goes: at once, marked until its finalizers are off, or after a grace period. Pure.

Source: apiserver pkg/registry/rest/delete.go, BeforeDelete; pkg/registry/generic/registry/store.go,
deletionFinalizersForGarbageCollection; kubernetes pkg/registry/core/pod/strategy.go, CheckGracefulDelete.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from hauberk.apiserver import refuse
from hauberk.apiserver.metadata import namespace_finalizers
from hauberk.base.refs import Json
from hauberk.base.times import rfc3339
from hauberk.kinds.meta import Kind

Propagation = Literal["Background", "Foreground", "Orphan"]

ORPHAN, FOREGROUND = "orphan", "foregroundDeletion"
_POD_GRACE_S = 30
_DEFINITION = "CustomResourceDefinition.apiextensions.k8s.io"
_CLEANUP = "customresourcecleanup.apiextensions.k8s.io"
_KEPT_NAMESPACES = ("default", "kube-system", "kube-public")


@dataclass(frozen=True, slots=True, kw_only=True)
class Deletion:
    """What a client asked for (`v1 DeleteOptions`)."""

    grace_s: int | None = None
    uid: str | None = None
    resource_version: str | None = None
    propagation: Propagation | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """`obj` is the state after the step: still stored, unless `gone`."""

    obj: dict[str, Any]
    gone: bool


def decide(kind: Kind[Any], live: Json, asked: Deletion, now: float) -> Outcome:
    """The next state of an object that is to go. Conflict, Forbidden."""
    _check(kind, live, asked)
    meta = dict(live["metadata"])
    if kind.id == _DEFINITION and _CLEANUP not in (meta.get("finalizers") or ()):
        meta["finalizers"] = [*(meta.get("finalizers") or ()), _CLEANUP]  # its objects go first
    _set_finalizers(meta, asked.propagation)
    grace = _grace(kind, live, asked)
    obj = {**live, "metadata": meta}
    if grace == 0 and not meta.get("finalizers") and not namespace_finalizers(live):
        return Outcome(obj, gone=True)
    _mark(kind, meta, grace, now)
    if kind.id == "Namespace":
        obj["status"] = {**(live.get("status") or {}), "phase": "Terminating"}
    return Outcome(obj, gone=False)


def _check(kind: Kind[Any], live: Json, asked: Deletion) -> None:
    meta = live["metadata"]
    name = meta["name"]
    if asked.uid is not None and asked.uid != meta["uid"]:
        raise refuse.uid_differs(kind, name, asked.uid, meta["uid"])
    if asked.resource_version is not None and asked.resource_version != meta["resourceVersion"]:
        raise refuse.version_differs(kind, name, asked.resource_version, meta["resourceVersion"])
    if kind.id == "Namespace" and name in _KEPT_NAMESPACES:
        raise refuse.forbidden(kind, name, "this namespace may not be deleted")


def _set_finalizers(meta: dict[str, Any], propagation: Propagation | None) -> None:
    if propagation is None:
        return
    kept = [f for f in meta.get("finalizers") or () if f not in (ORPHAN, FOREGROUND)]
    added = {"Orphan": [ORPHAN], "Foreground": [FOREGROUND]}.get(propagation, [])
    if kept or added:
        meta["finalizers"] = [*kept, *added]
    else:
        meta.pop("finalizers", None)


def _grace(kind: Kind[Any], live: Json, asked: Deletion) -> int:
    """Seconds until the object may be removed; only pods have any.

    A second deletion may shorten the period, never prolong it.
    """
    if kind.id != "Pod":
        return 0
    spec, phase = live.get("spec") or {}, (live.get("status") or {}).get("phase")
    if not spec.get("nodeName") or phase in ("Succeeded", "Failed"):
        return 0
    wanted = asked.grace_s
    if wanted is None:
        wanted = int(spec.get("terminationGracePeriodSeconds", _POD_GRACE_S))
    wanted = max(1, wanted) if wanted < 0 else wanted
    current = live["metadata"].get("deletionGracePeriodSeconds")
    if not live["metadata"].get("deletionTimestamp") or current is None:
        return wanted
    return min(wanted, int(current))


def _mark(kind: Kind[Any], meta: dict[str, Any], grace: int, now: float) -> None:
    before = meta.get("deletionGracePeriodSeconds")
    if meta.get("deletionTimestamp") and (before is None or before <= grace):
        return
    if not meta.get("deletionTimestamp") and kind.has_generation:
        meta["generation"] = int(meta.get("generation", 0)) + 1
    meta["deletionTimestamp"] = rfc3339(now + grace)
    meta["deletionGracePeriodSeconds"] = grace
