"""discovery.k8s.io/v1 EndpointSlice: the addresses behind a Service."""

from __future__ import annotations

from typing import Any

from hauberk.base.fields import FieldErrors
from hauberk.base.refs import Json
from hauberk.kinds.meta import Column, Kind, ObjectMeta, Part
from hauberk.kinds.rules import check as check_rule
from hauberk.kinds.rules import dns_label, port_number, required, unsupported

SERVICE_LABEL = "kubernetes.io/service-name"
MANAGED_BY_LABEL = "endpointslice.kubernetes.io/managed-by"
ADDRESS_TYPES = ("FQDN", "IPv4", "IPv6")
_SHOWN = 3


class EndpointConditions(Part, frozen=True):
    """Whether an endpoint takes requests. Unset means unknown, to be read as ready."""

    ready: bool | None = None
    serving: bool | None = None
    terminating: bool | None = None


class Endpoint(Part, frozen=True):
    """One pod, or one address from elsewhere."""

    addresses: tuple[str, ...] = ()
    conditions: EndpointConditions = EndpointConditions()
    hostname: str | None = None
    node_name: str | None = None
    target_ref: dict[str, Any] | None = None
    zone: str | None = None
    hints: dict[str, Any] | None = None


class EndpointPort(Part, frozen=True):
    """One port of all endpoints of the slice."""

    name: str | None = None
    port: int | None = None
    protocol: str | None = None
    app_protocol: str | None = None


class EndpointSlice(Part, frozen=True):
    """Addresses behind the Service that the label `kubernetes.io/service-name` names."""

    metadata: ObjectMeta = ObjectMeta()
    address_type: str = ""
    endpoints: tuple[Endpoint, ...] | None = None
    ports: tuple[EndpointPort, ...] | None = None


def default(raw: dict[str, Any]) -> dict[str, Any]:
    """Ports are TCP and have a name, if only the empty one."""
    for port in raw.get("ports") or ():
        if isinstance(port, dict):
            port.setdefault("name", "")
            port["protocol"] = port.get("protocol") or "TCP"
    return raw


def validate(part: EndpointSlice) -> FieldErrors:
    """Source: kubernetes pkg/apis/discovery/validation/validation.go, ValidateEndpointSlice."""
    if not part.address_type:
        yield required("addressType")
    elif part.address_type not in ADDRESS_TYPES:
        yield unsupported("addressType", part.address_type, ADDRESS_TYPES)
    for i, endpoint in enumerate(part.endpoints or ()):
        if not endpoint.addresses:
            yield required(f"endpoints[{i}].addresses", "must contain at least 1 address")
        if endpoint.hostname is not None:
            yield from check_rule(f"endpoints[{i}].hostname", endpoint.hostname, dns_label)
    for i, port in enumerate(part.ports or ()):
        if port.port is not None:
            yield from check_rule(f"ports[{i}].port", port.port, port_number)


def _ports(raw: Json, _now: float) -> str:
    ports = [str(p.get("port", "*")) for p in raw.get("ports") or ()]
    return _some(ports) if ports else "<unset>"


def _addresses(raw: Json, _now: float) -> str:
    found = [a for e in raw.get("endpoints") or () for a in e.get("addresses") or ()]
    return _some(found) if found else "<unset>"


def _some(items: list[str]) -> str:
    more = f" + {len(items) - _SHOWN} more..." if len(items) > _SHOWN else ""
    return ",".join(items[:_SHOWN]) + more


KIND = Kind(
    group="discovery.k8s.io",
    name="EndpointSlice",
    plural="endpointslices",
    singular="endpointslice",
    model=EndpointSlice,
    default=default,
    validate=validate,
    columns=(
        Column("AddressType", ".addressType"),
        Column("Ports", _ports),
        Column("Endpoints", _addresses),
        Column("Age", ".metadata.creationTimestamp", "date"),
    ),
    subresources=(),
    builtin=True,
)
