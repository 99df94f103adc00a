"""ServiceEntry networking.istio.io: a service that Kubernetes does not know.

Source: istio/istio pkg/config/validation/validation.go, ValidateServiceEntry.
"""

from __future__ import annotations

from msgspec import field

from hauberk.base.fields import FieldError, FieldErrors
from hauberk.base.refs import Json
from hauberk.kinds import placeholders
from hauberk.kinds.istio_networking.common import (
    CATEGORIES,
    VERSIONS,
    Port,
    check_host,
    check_port,
    check_protocol,
    repeated,
    required,
)
from hauberk.kinds.meta import Column, Kind, ObjectMeta, Part

RESOLUTIONS = ("NONE", "STATIC", "DNS", "DNS_ROUND_ROBIN")
LOCATIONS = ("MESH_EXTERNAL", "MESH_INTERNAL")


class EntryEndpoint(Part, frozen=True):
    """One address of the service."""

    address: str = ""
    ports: dict[str, int] | None = None
    labels: dict[str, str] | None = None
    service_account: str = ""

    __inert__ = ("network", "locality", "weight")


class EntrySelector(Part, frozen=True):
    """Pods by labels."""

    labels: dict[str, str] | None = None


class ServiceEntrySpec(Part, frozen=True):
    """Hosts, addresses, ports and where the endpoints come from."""

    hosts: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()
    ports: tuple[Port, ...] = ()
    location: str = "MESH_EXTERNAL"
    resolution: str = "NONE"
    endpoints: tuple[EntryEndpoint, ...] = ()
    workload_selector: EntrySelector | None = None
    export_to: tuple[str, ...] = ()
    subject_alt_names: tuple[str, ...] = ()


class ServiceEntry(Part, frozen=True):
    """A service that is not in Kubernetes, told to the mesh."""

    metadata: ObjectMeta = ObjectMeta()
    spec: ServiceEntrySpec = field(default_factory=ServiceEntrySpec)
    status: dict[str, object] | None = None


def validate(entry: ServiceEntry) -> FieldErrors:
    """Rules of Istio's webhook that no lenient cluster forgives."""
    spec = entry.spec
    if not spec.hosts:
        yield required("spec.hosts", "service entry must have at least one host")
    for i, host in enumerate(spec.hosts):
        if host == "*":
            yield FieldError(f"spec.hosts[{i}]", "invalid host *")
        else:
            yield from check_host(f"spec.hosts[{i}]", host)
    if spec.resolution not in RESOLUTIONS:
        yield FieldError(
            "spec.resolution", f"unsupported resolution type {spec.resolution}", "FieldValueNotSupported"
        )
    if spec.location not in LOCATIONS:
        yield FieldError("spec.location", f"unsupported location {spec.location}", "FieldValueNotSupported")
    for i, port in enumerate(spec.ports):
        yield from check_port(f"spec.ports[{i}].number", port.number)
        yield from check_protocol(f"spec.ports[{i}].protocol", port.protocol)
        if not port.name:
            yield required(f"spec.ports[{i}].name", "service entry port name is required")
    for i in repeated(p.number for p in spec.ports):
        text = f"service entry port {spec.ports[i].number} already defined"
        yield FieldError(f"spec.ports[{i}].number", text, "FieldValueDuplicate")
    yield from _resolution(entry)


def _resolution(entry: ServiceEntry) -> FieldErrors:
    spec = entry.spec
    if spec.endpoints and spec.workload_selector is not None:
        yield FieldError(
            "spec.endpoints", "only one of WorkloadSelector or Endpoints is allowed in Service Entry"
        )
    if spec.resolution == "NONE" and spec.endpoints:
        yield FieldError("spec.endpoints", "no endpoints should be provided for resolution type none")
    if spec.resolution == "STATIC" and not spec.endpoints and spec.workload_selector is None:
        yield required(
            "spec.endpoints", "endpoints must be provided if service entry resolution mode is static"
        )
    if spec.resolution.startswith("DNS") and not spec.endpoints:
        for i, host in enumerate(spec.hosts):
            if host.startswith("*"):
                text = "hosts must be FQDN if no endpoints are provided for resolution mode DNS"
                yield FieldError(f"spec.hosts[{i}]", text)


def strict(raw: Json) -> FieldErrors:
    """What a real cluster rejects although the document writes it: repeated port names, placeholders."""
    yield from placeholders.left_in(raw)
    ports = (raw.get("spec") or {}).get("ports") or ()
    for i in repeated(p.get("name") or object() for p in ports):
        name, number = ports[i]["name"], ports[i].get("number")
        text = f'service entry port name "{name}" already defined: use "{name}-{number}" (Istio rejects it)'
        yield FieldError(f"spec.ports[{i}].name", text, "FieldValueDuplicate")


KIND = Kind(
    group="networking.istio.io",
    name="ServiceEntry",
    plural="serviceentries",
    versions=VERSIONS,
    short_names=("se",),
    categories=CATEGORIES,
    model=ServiceEntry,
    validate=validate,
    strict=strict,
    columns=(
        Column("Hosts", ".spec.hosts", description="The hosts associated with the ServiceEntry."),
        Column("Location", ".spec.location", description="Whether the service is external to the mesh."),
        Column("Resolution", ".spec.resolution", description="Service resolution mode for the hosts."),
        Column("Age", ".metadata.creationTimestamp", "date"),
    ),
)
