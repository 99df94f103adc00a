"""The ReplicaSets of a Deployment."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from hauberk.base.refs import Json, annotations_of, labels_of
from hauberk.workloads.deployment.world import DESIRED, HASH_LABEL, MAXIMUM, REVISION, Set

_SAFE = "bcdfghjklmnpqrstvwxz2456789"
_LENGTH = 10
_NOT_COPIED = (
    "kubectl.kubernetes.io/last-applied-configuration",
    REVISION,
    "deployment.kubernetes.io/revision-history",
    DESIRED,
    MAXIMUM,
    "deprecated.deployment.rollback.to",
)


def template_hash(template: Json, collisions: int) -> str:
    """A name for a template: ten characters that spell no words.

    Deviation: upstream hashes Go's printed form of the struct, which has no counterpart here.
    """
    text = json.dumps([template, collisions], sort_keys=True).encode()
    number = int.from_bytes(hashlib.sha256(text).digest()[:16])
    out = []
    for _ in range(_LENGTH):
        number, digit = divmod(number, len(_SAFE))
        out.append(_SAFE[digit])
    return "".join(out)


def same_template(deployment: Json, replica_set: Json) -> bool:
    """Whether the set was made from the Deployment's present template."""
    return _bare(deployment["spec"]["template"]) == _bare(replica_set["spec"]["template"])


def _bare(template: Json) -> Json:
    meta = {k: v for k, v in (template.get("metadata") or {}).items() if v}
    labels = {k: v for k, v in (meta.get("labels") or {}).items() if k != HASH_LABEL}
    meta = {k: v for k, v in meta.items() if k in ("annotations", "finalizers", "name")}
    return {"labels": labels, "meta": meta, "spec": template.get("spec")}


def make_set(deployment: Json, name: str, marker: str, replicas: int, notes: Mapping[str, str]) -> Json:
    """The ReplicaSet of the Deployment's present template."""
    spec, template = deployment["spec"], deployment["spec"]["template"]
    given = template.get("metadata") or {}
    labels = {**(given.get("labels") or {}), HASH_LABEL: marker}
    selector = spec["selector"]
    wanted: dict[str, Any] = {
        "replicas": replicas,
        "selector": {
            **selector,
            "matchLabels": {**(selector.get("matchLabels") or {}), HASH_LABEL: marker},
        },
        "template": {**template, "metadata": {**given, "labels": labels}},
    }
    if spec.get("minReadySeconds"):
        wanted["minReadySeconds"] = spec["minReadySeconds"]
    return {
        "apiVersion": "apps/v1",
        "kind": "ReplicaSet",
        "metadata": {
            "name": name,
            "namespace": deployment["metadata"]["namespace"],
            "labels": labels,
            "annotations": {**copied_notes(deployment), **notes},
        },
        "spec": wanted,
    }


def keep_set(old: Set, replicas: int, notes: Mapping[str, str]) -> Json:
    """A ReplicaSet of an earlier template, as it is, with another size."""
    raw = old.raw
    spec = {k: raw["spec"][k] for k in ("selector", "template", "minReadySeconds") if k in raw["spec"]}
    return {
        "apiVersion": "apps/v1",
        "kind": "ReplicaSet",
        "metadata": {
            "name": old.name,
            "namespace": raw["metadata"]["namespace"],
            "labels": dict(labels_of(raw)),
            "annotations": {**annotations_of(raw), **notes},
        },
        "spec": {**spec, "replicas": replicas},
    }


def copied_notes(deployment: Json) -> dict[str, str]:
    """The annotations that a ReplicaSet takes over from its Deployment."""
    return {k: v for k, v in annotations_of(deployment).items() if k not in _NOT_COPIED}
