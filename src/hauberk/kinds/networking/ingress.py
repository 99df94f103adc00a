"""networking.k8s.io/v1 Ingress: hTTP from outside by host and path. Stored; it does not act yet."""

from __future__ import annotations

from hauberk.base.refs import Json
from hauberk.kinds.meta import Column, Kind
from hauberk.kinds.stored import Stored, does_not_act


def _hosts(ingress: Json, _now: float) -> str:
    rules = (ingress.get("spec") or {}).get("rules") or ()
    return ",".join(r.get("host") or "*" for r in rules) or "*"


KIND = Kind(
    group="networking.k8s.io",
    name="Ingress",
    plural="ingresses",
    singular="ingress",
    versions=("v1",),
    short_names=("ing",),
    categories=(),
    model=Stored,
    advice=does_not_act("Ingress", "no traffic is routed by it; use an OpenShift Route"),
    namespaced=True,
    columns=(
        Column("Class", ".spec.ingressClassName"),
        Column("Hosts", _hosts),
        Column("Age", ".metadata.creationTimestamp", "date"),
    ),
    subresources=("status",),
    has_generation=True,
    builtin=True,
    doc="HTTP from outside by host and path.",
)
