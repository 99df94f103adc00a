"""What objects of a namespace use up of a quota. Pure.

Source: kubernetes pkg/quota/v1/evaluator/core/{pods,services,persistent_volume_claims}.go; quota/v1/generic.
Deviation: `count/…` counts built-in kinds, not kinds of CustomResourceDefinitions; scopeSelector does not
act.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from hauberk.base.refs import Json, kind_of
from hauberk.kinds import BY_ID
from hauberk.ports import Snapshot
from hauberk.workloads.pods import ENDED
from hauberk.workloads.quota.amounts import Amounts, pod_amounts

CLAIM = "PersistentVolumeClaim"
COUNTED: Mapping[str, str] = {
    "Pod": "pods",
    "Service": "services",
    CLAIM: "persistentvolumeclaims",
    "ConfigMap": "configmaps",
    "Secret": "secrets",
    "ResourceQuota": "resourcequotas",
}
_COMPUTE = ("cpu", "memory", "ephemeral-storage")
_STORAGE = "requests.storage"


def use_of(obj: Json) -> Amounts:
    """What one object uses of every resource that a quota can name."""
    out, kind = Amounts(), kind_of(obj)
    row = BY_ID.get(kind)
    if row is not None:
        out.add(f"count/{row.plural}" + (f".{row.group}" if row.group else ""))
    if kind in COUNTED and not (kind == "Pod" and _is_over(obj)):
        out.add(COUNTED[kind])
    extra = _USES.get(kind)
    if extra is not None:
        extra(obj, out)
    return out


def _is_over(pod: Json) -> bool:
    return (pod.get("status") or {}).get("phase") in ENDED


def _pod(pod: Json, out: Amounts) -> None:
    if _is_over(pod):
        return
    spec = pod.get("spec") or {}
    for section in ("requests", "limits"):
        found = pod_amounts(spec, section)
        for name, value in found.values.items():
            short = (f"{section}.{name}", *((name,) if section == "requests" and name in _COMPUTE else ()))
            for key in short:
                out.values[key] = value
                out.binary |= {key} if name in found.binary else set()


def _service(service: Json, out: Amounts) -> None:
    spec = service.get("spec") or {}
    ports = len(spec.get("ports") or ())
    if spec.get("type") == "LoadBalancer":
        out.add("services.loadbalancers")
    if spec.get("type") in ("LoadBalancer", "NodePort"):
        out.add("services.nodeports", ports)


def _claim(claim: Json, out: Amounts) -> None:
    spec = claim.get("spec") or {}
    storage = ((spec.get("resources") or {}).get("requests") or {}).get("storage", "0")
    out.add(_STORAGE, storage)
    if spec.get("storageClassName"):
        of = f"{spec['storageClassName']}.storageclass.storage.k8s.io"
        out.add(f"{of}/{_STORAGE}", storage)
        out.add(f"{of}/persistentvolumeclaims")


_USES: Mapping[str, Callable[[Json, Amounts], None]] = {"Pod": _pod, "Service": _service, CLAIM: _claim}


def in_scopes(obj: Json, scopes: Sequence[str]) -> bool:
    """Whether a quota with these scopes counts the object; with scopes it counts pods only."""
    if not scopes:
        return True
    if kind_of(obj) != "Pod":
        return False
    spec = obj.get("spec") or {}
    ends = spec.get("activeDeadlineSeconds") is not None
    modest = not (pod_amounts(spec, "requests").values or pod_amounts(spec, "limits").values)
    holds = {
        "Terminating": ends,
        "NotTerminating": not ends,
        "BestEffort": modest,
        "NotBestEffort": not modest,
    }
    return all(holds.get(s, False) for s in scopes)


def kinds_of(hard: Mapping[str, Any]) -> list[str]:
    """The kinds that must be counted for these bounds."""
    wanted = set()
    for name in hard:
        if name.startswith("count/"):
            plural, _, group = name.removeprefix("count/").partition(".")
            wanted |= {k.id for k in BY_ID.values() if (k.plural, k.group) == (plural, group)}
        elif name.startswith("services"):
            wanted.add("Service")
        elif name == _STORAGE or "storageclass" in name or name == "persistentvolumeclaims":
            wanted.add(CLAIM)
        else:
            found = [kind for kind, plural in COUNTED.items() if plural == name]
            wanted |= set(found or ["Pod"])
    return sorted(wanted)


def used(snapshot: Snapshot, namespace: str, hard: Mapping[str, Any], scopes: Sequence[str]) -> Amounts:
    """What the namespace uses now."""
    out = Amounts()
    for kind in kinds_of(hard):
        for obj in snapshot.list(kind, namespace):
            if in_scopes(obj, scopes):
                out.merge(use_of(obj))
    return out
