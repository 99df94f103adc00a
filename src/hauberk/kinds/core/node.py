"""v1 Node: the machine."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

from msgspec import field

from hauberk.base.conditions import condition
from hauberk.base.refs import Json, labels_of
from hauberk.kinds.meta import Column, Kind, ObjectMeta, Part, merge_by

_ROLE = "node-role.kubernetes.io/"


class NodeSpec(Part, frozen=True):
    """What the control plane wants of the node."""

    __inert__: ClassVar[tuple[str, ...]] = ("configSource", "externalID", "taints", "unschedulable")

    pod_cidr: str = field(default="", name="podCIDR")
    pod_cidrs: tuple[str, ...] = field(default=(), name="podCIDRs")
    provider_id: str = field(default="", name="providerID")


class NodeStatus(Part, frozen=True):
    """What the node reports of itself."""

    capacity: dict[str, Any] | None = None
    allocatable: dict[str, Any] | None = None
    conditions: Annotated[tuple[dict[str, Any], ...], merge_by("type")] = ()
    addresses: Annotated[tuple[dict[str, Any], ...], merge_by("type")] = ()
    node_info: dict[str, Any] | None = None
    images: tuple[dict[str, Any], ...] = ()
    daemon_endpoints: dict[str, Any] | None = None


class Node(Part, frozen=True):
    """The machine that runs the pods."""

    metadata: ObjectMeta = ObjectMeta()
    spec: NodeSpec = NodeSpec()
    status: NodeStatus = NodeStatus()


def _status(node: Json, _now: float) -> str:
    ready = (condition(node, "Ready") or {}).get("status", "Unknown")
    shown = {"True": "Ready", "False": "NotReady"}.get(ready, "Unknown")
    return shown + (",SchedulingDisabled" if (node.get("spec") or {}).get("unschedulable") else "")


def _roles(node: Json, _now: float) -> str:
    return ",".join(sorted(k.removeprefix(_ROLE) for k in labels_of(node) if k.startswith(_ROLE))) or "<none>"


def _address(kind: str) -> Any:
    def read(node: Json, _now: float) -> str:
        for row in (node.get("status") or {}).get("addresses") or ():
            if row.get("type") == kind:
                return str(row["address"])
        return "<none>"

    return read


KIND = Kind(
    group="",
    name="Node",
    plural="nodes",
    singular="node",
    short_names=("no",),
    model=Node,
    namespaced=False,
    columns=(
        Column("Status", _status),
        Column("Roles", _roles),
        Column("Age", ".metadata.creationTimestamp", "date"),
        Column("Version", ".status.nodeInfo.kubeletVersion"),
        Column("Internal-IP", _address("InternalIP"), wide=True),
        Column("External-IP", _address("ExternalIP"), wide=True),
        Column("OS-Image", ".status.nodeInfo.osImage", wide=True),
        Column("Kernel-Version", ".status.nodeInfo.kernelVersion", wide=True),
        Column("Container-Runtime", ".status.nodeInfo.containerRuntimeVersion", wide=True),
    ),
    has_generation=False,
    builtin=True,
)
