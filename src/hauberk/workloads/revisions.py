"""Earlier templates of StatefulSets and DaemonSets, as ControllerRevisions. Pure.

`kubectl rollout history` and `undo` read them: `data` is a strategic merge patch that restores a template.

Source: kubernetes pkg/controller/history/controller_history.go;
pkg/controller/statefulset/stateful_set_utils.go (getPatch, newRevision);
pkg/controller/daemon/update.go (constructHistory).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from hauberk.base.refs import Json, Ref, annotations_of, controller_of
from hauberk.ports import Snapshot
from hauberk.workloads.deployment.make import template_hash

REVISION_KIND = "ControllerRevision.apps"
HASH = "controller-revision-hash"
_NAME_HASH = "controller.kubernetes.io/hash"
_NOT_COPIED = ("kubectl.kubernetes.io/last-applied-configuration", "deprecated.daemonset.template.generation")


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """All revisions of a workload, the newest last; `update` is that of the present template."""

    all: Sequence[Json]
    update: Json

    def named(self, name: str) -> Json | None:
        """The revision of that name."""
        return next((r for r in self.all if r["metadata"]["name"] == name), None)


def revisions_of(snapshot: Snapshot, owner: Json) -> tuple[Json, ...]:
    """The revisions that the workload controls, oldest first."""
    uid = owner["metadata"]["uid"]
    found = [
        r for r in snapshot.owned_by(uid, (REVISION_KIND,)) if (controller_of(r) or {}).get("uid") == uid
    ]
    return tuple(sorted(found, key=_order))


def _order(revision: Json) -> tuple[int, str, str]:
    meta = revision["metadata"]
    return (revision.get("revision", 0), meta.get("creationTimestamp", ""), meta["name"])


def history(owner: Json, stored: Sequence[Json], *, api_version: str = "apps/v1") -> History:
    """The revisions with that of the present template: found, numbered anew, or made."""
    data = {"spec": {"template": {**owner["spec"]["template"], "$patch": "replace"}}}
    highest = max((r.get("revision", 0) for r in stored), default=0)
    same = [r for r in stored if r.get("data") == data]
    if same:
        found = same[-1]
        number = found.get("revision", 0)
        update = _kept(found, number if number == highest else highest + 1)
    else:
        update = _new(owner, data, highest + 1, {r["metadata"]["name"] for r in stored}, api_version)
    name = update["metadata"]["name"]
    others = [_kept(r, r.get("revision", 0)) for r in stored if r["metadata"]["name"] != name]
    return History(all=(*others, update), update=update)


def _kept(revision: Json, number: int) -> Json:
    """What of a stored revision is ours."""
    meta = revision["metadata"]
    mine = {k: meta[k] for k in ("name", "namespace", "labels", "annotations") if k in meta}
    head = {k: revision[k] for k in ("apiVersion", "kind")}
    return {**head, "metadata": mine, "data": revision.get("data"), "revision": number}


def _new(owner: Json, data: Json, number: int, taken: Collection[str], api_version: str) -> Json:
    meta, collisions = owner["metadata"], 0
    marker = template_hash(owner["spec"]["template"], collisions)
    while f"{meta['name']}-{marker}" in taken:
        collisions += 1
        marker = template_hash(owner["spec"]["template"], collisions)
    labels = (owner["spec"]["template"].get("metadata") or {}).get("labels") or {}
    name = f"{meta['name']}-{marker}"
    made: dict[str, Any] = {
        "name": name,
        "namespace": meta["namespace"],
        "labels": {**labels, _NAME_HASH: marker, HASH: marker if owner["kind"] == "DaemonSet" else name},
    }
    if owner["kind"] == "StatefulSet":
        del made["labels"][HASH]
    notes = {k: v for k, v in annotations_of(owner).items() if k not in _NOT_COPIED}
    if notes:
        made["annotations"] = notes
    return {
        "apiVersion": api_version,
        "kind": "ControllerRevision",
        "metadata": made,
        "data": data,
        "revision": number,
    }


def within(found: History, live: Collection[str], limit: int | None) -> tuple[Json, ...]:
    """The revisions to keep: those in use (by name), and the newest `limit` others."""
    used = {*live, found.update["metadata"]["name"]}
    idle = [r for r in sorted(found.all, key=_order) if r["metadata"]["name"] not in used]
    surplus = 0 if limit is None else max(0, len(idle) - limit)
    dropped = {r["metadata"]["name"] for r in idle[:surplus]}
    return tuple(r for r in found.all if r["metadata"]["name"] not in dropped)


def template_of(revision: Json) -> Json:
    """The template that a revision holds."""
    template = ((revision.get("data") or {}).get("spec") or {}).get("template") or {}
    return {k: v for k, v in template.items() if k != "$patch"}


def claim_ref(namespace: str, name: str) -> Ref:
    """A claim by name."""
    return Ref("PersistentVolumeClaim", namespace, name)
