"""policy/v1 PodDisruptionBudget: pods that may be missing. Stored; it does not act yet."""

from __future__ import annotations

from hauberk.kinds.meta import Column, Kind
from hauberk.kinds.stored import Stored, does_not_act

KIND = Kind(
    group="policy",
    name="PodDisruptionBudget",
    plural="poddisruptionbudgets",
    singular="poddisruptionbudget",
    versions=("v1",),
    short_names=("pdb",),
    categories=(),
    model=Stored,
    advice=does_not_act("PodDisruptionBudget", "one node is never drained"),
    namespaced=True,
    columns=(
        Column("Min Available", ".spec.minAvailable"),
        Column("Max Unavailable", ".spec.maxUnavailable"),
        Column("Allowed Disruptions", ".status.disruptionsAllowed", "integer"),
        Column("Age", ".metadata.creationTimestamp", "date"),
    ),
    subresources=("status",),
    has_generation=True,
    builtin=True,
    doc="How many pods may be missing while nodes are drained.",
)
