"""NetworkPolicy networking.k8s.io/v1. Stored; the pod network does not enforce it yet."""

from __future__ import annotations

from collections.abc import Iterator

from hauberk.base.refs import Json
from hauberk.kinds.meta import Column, Kind, ObjectMeta, Part


class NetworkPolicySpec(Part, frozen=True):
    """Nothing in it acts yet."""

    __inert__ = ("podSelector", "ingress", "egress", "policyTypes")


class NetworkPolicy(Part, frozen=True):
    """Which connections pods may accept and open."""

    metadata: ObjectMeta
    spec: NetworkPolicySpec = NetworkPolicySpec()


def advice(raw: Json) -> Iterator[str]:
    """That nothing enforces it."""
    name = raw.get("metadata", {}).get("name", "")
    yield f"NetworkPolicy {name!r} is stored; the embedded cluster does not enforce network policies yet"


def _selector(obj: Json, _: float) -> object:
    labels = ((obj.get("spec") or {}).get("podSelector") or {}).get("matchLabels") or {}
    return ",".join(f"{k}={v}" for k, v in sorted(labels.items())) or "<none>"


KIND = Kind(
    group="networking.k8s.io",
    name="NetworkPolicy",
    plural="networkpolicies",
    model=NetworkPolicy,
    advice=advice,
    short_names=("netpol",),
    columns=(Column("Pod-Selector", _selector), Column("Age", ".metadata.creationTimestamp", "date")),
    subresources=(),
    builtin=True,
)
