"""A StatefulSet's pods and claims. Pure.

Source: kubernetes pkg/controller/statefulset/stateful_set_utils.go (newStatefulSetPod, updateIdentity,
updateStorage, getPersistentVolumeClaims, updateClaimOwnerRefForSetAndPod).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hauberk.base.refs import Json, Ref
from hauberk.workloads.revisions import HASH, claim_ref, template_of

POD_NAME = "statefulset.kubernetes.io/pod-name"
POD_INDEX = "apps.kubernetes.io/pod-index"


def pod_name(workload: Json, ordinal: int) -> str:
    """`web-0`."""
    return f"{workload['metadata']['name']}-{ordinal}"


def ordinal_of(workload: Json, pod: Json) -> int:
    """The number at the end of the pod's name; -1 when it is not one of the set's names."""
    head, _, tail = str(pod["metadata"]["name"]).rpartition("-")
    return int(tail) if head == workload["metadata"]["name"] and tail.isdigit() else -1


def claim_name(template: Json, workload: Json, ordinal: int) -> str:
    """`data-web-0`."""
    return f"{template['metadata']['name']}-{pod_name(workload, ordinal)}"


def make_pod(workload: Json, revision: Json, ordinal: int) -> Json:
    """The pod of a number, from the template of a revision."""
    meta, template = workload["metadata"], template_of(revision)
    given, name = template.get("metadata") or {}, pod_name(workload, ordinal)
    labels = {
        **(given.get("labels") or {}),
        POD_NAME: name,
        POD_INDEX: str(ordinal),
        HASH: revision["metadata"]["name"],
    }
    made: dict[str, Any] = {"name": name, "namespace": meta["namespace"], "labels": labels}
    made |= {k: given[k] for k in ("annotations", "finalizers") if given.get(k)}
    spec = {**(template.get("spec") or {}), "hostname": name}
    if workload["spec"].get("serviceName"):
        spec["subdomain"] = workload["spec"]["serviceName"]
    claims = _volumes(workload, ordinal)
    if claims:
        own = {v["name"] for v in claims}
        spec["volumes"] = [*claims, *(v for v in spec.get("volumes") or () if v["name"] not in own)]
    return {"apiVersion": "v1", "kind": "Pod", "metadata": made, "spec": spec}


def templates(workload: Json) -> Sequence[Json]:
    """The claim templates."""
    return workload["spec"].get("volumeClaimTemplates") or ()


def _volumes(workload: Json, ordinal: int) -> list[Json]:
    return [
        {
            "name": t["metadata"]["name"],
            "persistentVolumeClaim": {"claimName": claim_name(t, workload, ordinal)},
        }
        for t in templates(workload)
    ]


def claim_refs(workload: Json, ordinal: int) -> list[Ref]:
    """The claims of a pod."""
    namespace = workload["metadata"]["namespace"]
    return [claim_ref(namespace, claim_name(t, workload, ordinal)) for t in templates(workload)]


def make_claim(template: Json, workload: Json, ordinal: int) -> Json:
    """A claim of a pod; it outlives both unless the retention policy says otherwise."""
    meta, given = workload["metadata"], template.get("metadata") or {}
    labels = {**(given.get("labels") or {}), **(workload["spec"]["selector"].get("matchLabels") or {})}
    made: dict[str, Any] = {
        "name": claim_name(template, workload, ordinal),
        "namespace": meta["namespace"],
        "labels": labels,
    }
    if given.get("annotations"):
        made["annotations"] = dict(given["annotations"])
    if _kept(workload, "whenDeleted") == "Delete":
        made["ownerReferences"] = [reference(workload)]
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": made,
        "spec": template.get("spec") or {},
    }


def _kept(workload: Json, when: str) -> str:
    policy = workload["spec"].get("persistentVolumeClaimRetentionPolicy") or {}
    return str(policy.get(when) or "Retain")


def reference(owner: Json) -> dict[str, Any]:
    """An owner that does not control."""
    meta = owner["metadata"]
    said = {"apiVersion": owner["apiVersion"], "kind": owner["kind"]}
    return {**said, "name": meta["name"], "uid": meta["uid"]}


def owners_wanted(workload: Json, claim: Json, condemned: Json | None) -> list[Json]:
    """Who takes the claim along: the set, or the pod that is scaled away."""
    uid = workload["metadata"]["uid"]
    refs = [
        r
        for r in claim["metadata"].get("ownerReferences") or ()
        if r.get("uid") != uid
        and not (r.get("kind") == "Pod" and r["name"].startswith(workload["metadata"]["name"]))
    ]
    if _kept(workload, "whenDeleted") == "Delete" and not (
        condemned and _kept(workload, "whenScaled") == "Delete"
    ):
        refs.append(reference(workload))
    if condemned is not None and _kept(workload, "whenScaled") == "Delete":
        refs.append(reference(condemned))
    return refs
