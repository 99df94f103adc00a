"""v1 Endpoints: the addresses behind a Service, in the shape before EndpointSlice."""

from __future__ import annotations

from typing import Any

from hauberk.base.fields import FieldErrors
from hauberk.base.refs import Json
from hauberk.kinds.meta import Column, Kind, ObjectMeta, Part
from hauberk.kinds.rules import check, port_number, required

_SHOWN = 3


class EndpointAddress(Part, frozen=True):
    """One address."""

    ip: str = ""
    hostname: str = ""
    node_name: str | None = None
    target_ref: dict[str, Any] | None = None


class EndpointPort(Part, frozen=True):
    """One port of all addresses of a subset."""

    port: int = 0
    name: str = ""
    protocol: str = ""
    app_protocol: str | None = None


class EndpointSubset(Part, frozen=True):
    """Addresses that have the same ports."""

    addresses: tuple[EndpointAddress, ...] = ()
    not_ready_addresses: tuple[EndpointAddress, ...] = ()
    ports: tuple[EndpointPort, ...] = ()


class Endpoints(Part, frozen=True):
    """The addresses behind the Service of the same name."""

    metadata: ObjectMeta = ObjectMeta()
    subsets: tuple[EndpointSubset, ...] = ()


def default(raw: dict[str, Any]) -> dict[str, Any]:
    """Ports are TCP."""
    for subset in raw.get("subsets") or ():
        for port in subset.get("ports") or () if isinstance(subset, dict) else ():
            port["protocol"] = port.get("protocol") or "TCP"
    return raw


def validate(endpoints: Endpoints) -> FieldErrors:
    """Source: kubernetes pkg/apis/core/validation/validation.go, ValidateEndpoints."""
    for i, subset in enumerate(endpoints.subsets):
        if not subset.addresses and not subset.not_ready_addresses:
            yield required(f"subsets[{i}]", "must specify `addresses` or `notReadyAddresses`")
        for j, port in enumerate(subset.ports):
            yield from check(f"subsets[{i}].ports[{j}].port", port.port, port_number)
            if not port.name and len(subset.ports) > 1:
                yield required(f"subsets[{i}].ports[{j}].name")


def _endpoints(raw: Json, _now: float) -> str:
    """Source: kubernetes pkg/printers/internalversion/printers.go, formatEndpoints."""
    found = [
        f"{address['ip']}:{port['port']}" if port else str(address["ip"])
        for subset in raw.get("subsets") or ()
        for port in subset.get("ports") or (None,)
        for address in subset.get("addresses") or ()
    ]
    more = f" + {len(found) - _SHOWN} more..." if len(found) > _SHOWN else ""
    return ",".join(found[:_SHOWN]) + more or "<none>"


KIND = Kind(
    group="",
    name="Endpoints",
    plural="endpoints",
    singular="endpoints",
    short_names=("ep",),
    model=Endpoints,
    default=default,
    validate=validate,
    columns=(Column("Endpoints", _endpoints), Column("Age", ".metadata.creationTimestamp", "date")),
    subresources=(),
    has_generation=False,
    builtin=True,
)
