"""metrics.k8s.io: what pods and nodes use. Measured when asked for, never stored."""

from __future__ import annotations

from typing import Any

from hauberk.kinds.meta import Kind, ObjectMeta, Part

GROUP = "metrics.k8s.io"


class ContainerUsage(Part, frozen=True):
    """What one container uses."""

    name: str = ""
    usage: dict[str, str] | None = None


class PodMetrics(Part, frozen=True):
    """What the containers of a pod use."""

    metadata: ObjectMeta = ObjectMeta()
    timestamp: str = ""
    window: str = ""
    containers: tuple[ContainerUsage, ...] = ()


class NodeMetrics(Part, frozen=True):
    """What a node uses."""

    metadata: ObjectMeta = ObjectMeta()
    timestamp: str = ""
    window: str = ""
    usage: dict[str, str] | None = None


def _row(model: type[Part], plural: str, *, namespaced: bool) -> Kind[Any]:
    return Kind(
        group=GROUP,
        name=model.__name__,
        plural=plural,
        singular="",
        model=model,
        versions=("v1beta1",),
        namespaced=namespaced,
        subresources=(),
        has_generation=False,
        builtin=True,
        verbs=("get", "list"),
        extra={"virtual": True},
    )


PODS = _row(PodMetrics, "pods", namespaced=True)
NODES = _row(NodeMetrics, "nodes", namespaced=False)
KINDS: tuple[Kind[Any], ...] = (NODES, PODS)
