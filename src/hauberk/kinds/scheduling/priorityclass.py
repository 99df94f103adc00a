"""scheduling.k8s.io/v1 PriorityClass: which pods go first; data on one node, where all are placed."""

from __future__ import annotations

from hauberk.kinds.meta import Column, Kind
from hauberk.kinds.stored import Stored, does_not_act


class PriorityClass(Stored, frozen=True):
    """Which pods go first when there is not room for all."""

    value: int = 0
    global_default: bool = False
    description: str = ""
    preemption_policy: str = ""


KIND = Kind(
    group="scheduling.k8s.io",
    name="PriorityClass",
    plural="priorityclasses",
    singular="priorityclass",
    versions=("v1",),
    short_names=("pc",),
    categories=(),
    model=PriorityClass,
    advice=does_not_act("PriorityClass", "all pods are placed"),
    namespaced=False,
    columns=(
        Column("Value", ".value", "integer"),
        Column("Global-Default", ".globalDefault", "boolean"),
        Column("PreemptionPolicy", ".preemptionPolicy"),
        Column("Age", ".metadata.creationTimestamp", "date"),
    ),
    subresources=(),
    has_generation=True,
    builtin=True,
    doc="Which pods go first when there is not room for all.",
)
