"""Fields of the pod and resources of its containers as text: `fieldRef`, `resourceFieldRef`. Pure.

Source: kubernetes pkg/fieldpath/fieldpath.go; pkg/api/v1/resource/helpers.go, ExtractContainerResourceValue.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal

from hauberk.base.quantities import parse_quantity
from hauberk.kinds.core.container import Container
from hauberk.kinds.core.volume import FieldSelector, ResourceFieldSelector

from .spec import Pod

_SUBSCRIPT = re.compile(r"metadata\.(labels|annotations)\['([^']+)'\]")


class ConfigError(Exception):
    """A reference that leads nowhere, in the kubelet's words; the container cannot be created yet."""


@dataclass(frozen=True, slots=True)
class NodeFacts:
    """What a pod may learn about where it runs."""

    host_ip: str
    cpu: str = "1"  # allocatable: stands in for a limit that is not set
    memory: str = "1Gi"


def field_value(pod: Pod, selector: FieldSelector, ip: str, node: NodeFacts) -> str:
    """The text of one field. Raises ConfigError for a path that is not supported."""
    path = selector.field_path
    match = _SUBSCRIPT.fullmatch(path)
    if match is not None:
        table: Mapping[str, str] = getattr(pod, match[1])
        return str(table.get(match[2], ""))
    simple = {
        "metadata.name": pod.name,
        "metadata.namespace": pod.namespace,
        "metadata.uid": pod.uid,
        "metadata.labels": _lines(pod.labels),
        "metadata.annotations": _lines(pod.annotations),
        "spec.nodeName": pod.spec.node_name,
        "spec.serviceAccountName": pod.service_account,
        "status.podIP": ip,
        "status.podIPs": ip,
        "status.hostIP": node.host_ip,
        "status.hostIPs": node.host_ip,
    }
    if path not in simple:
        raise ConfigError(f"unsupported fieldPath: {path}")
    return simple[path]


def _lines(table: Mapping[str, str]) -> str:
    quoted = {k: v.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") for k, v in table.items()}
    return "\n".join(f'{key}="{quoted[key]}"' for key in sorted(quoted))


def resource_value(pod: Pod, own: Container, selector: ResourceFieldSelector, node: NodeFacts) -> str:
    """A request or limit in units of the divisor, rounded up; a missing limit is the node's allocatable."""
    container = pod.container(selector.container_name) if selector.container_name else own
    if container is None:
        raise ConfigError(f"container {selector.container_name} not found")
    what, _, resource = selector.resource.partition(".")
    if what not in ("limits", "requests") or not resource:
        raise ConfigError(f"unsupported container resource: {selector.resource}")
    limits = (container.resources.limits if container.resources else None) or {}
    requests = (container.resources.requests if container.resources else None) or {}
    fallback = {"cpu": node.cpu, "memory": node.memory}.get(resource, "0") if what == "limits" else "0"
    asked = limits.get(resource) if what == "limits" else requests.get(resource, limits.get(resource))
    value = parse_quantity(fallback if asked is None else asked)
    divisor = parse_quantity(selector.divisor or "1") or Decimal(1)
    return str((value / divisor).to_integral_value(rounding=ROUND_CEILING))
