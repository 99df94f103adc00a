"""node.k8s.io/v1 RuntimeClass: another way to run containers. Data: this node has one way."""

from __future__ import annotations

from typing import Any

from hauberk.kinds.meta import Column, Kind
from hauberk.kinds.stored import Stored, does_not_act


class RuntimeClass(Stored, frozen=True):
    """Another way to run containers."""

    handler: str = ""
    overhead: dict[str, Any] | None = None
    scheduling: dict[str, Any] | None = None


KIND = Kind(
    group="node.k8s.io",
    name="RuntimeClass",
    plural="runtimeclasses",
    singular="runtimeclass",
    model=RuntimeClass,
    advice=does_not_act("RuntimeClass", "every pod runs in the node's one way"),
    namespaced=False,
    columns=(
        Column("Handler", ".handler"),
        Column("Age", ".metadata.creationTimestamp", "date"),
    ),
    subresources=(),
    has_generation=False,
    builtin=True,
)
