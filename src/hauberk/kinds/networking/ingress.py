"""networking.k8s.io/v1 Ingress: HTTP from outside by host and path, through OpenShift Routes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from hauberk.base.fields import FieldErrors
from hauberk.base.refs import Json
from hauberk.kinds.meta import Column, Kind, ObjectMeta, Part
from hauberk.kinds.rules import check, check_name, dns_subdomain, invalid, required, unsupported

TYPES = ("Exact", "ImplementationSpecific", "Prefix")


class BackendPort(Part, frozen=True):
    """A port of the Service, by name or number."""

    name: str = ""
    number: int = 0


class BackendService(Part, frozen=True):
    """A Service of the same namespace."""

    name: str = ""
    port: BackendPort = BackendPort()


class Backend(Part, frozen=True):
    """Where requests go."""

    service: BackendService | None = None
    resource: dict[str, Any] | None = None


class HttpPath(Part, frozen=True):
    """Requests below a path."""

    path: str = ""
    path_type: str | None = None
    backend: Backend = Backend()


class HttpRule(Part, frozen=True):
    """The paths of a host."""

    paths: tuple[HttpPath, ...] = ()


class Rule(Part, frozen=True):
    """One host."""

    host: str = ""
    http: HttpRule | None = None


class Tls(Part, frozen=True):
    """A certificate for hosts."""

    hosts: tuple[str, ...] = ()
    secret_name: str = ""


class IngressSpec(Part, frozen=True):
    """Hosts, paths and certificates."""

    ingress_class_name: str | None = None
    default_backend: Backend | None = None
    rules: tuple[Rule, ...] = ()
    tls: tuple[Tls, ...] = ()


class Ingress(Part, frozen=True):
    """HTTP from outside by host and path."""

    metadata: ObjectMeta = ObjectMeta()
    spec: IngressSpec = IngressSpec()
    status: dict[str, Any] | None = None


def validate(ingress: Ingress) -> FieldErrors:
    """Source: kubernetes pkg/apis/networking/validation/validation.go, ValidateIngressSpec."""
    yield from check_name(ingress.metadata.name, dns_subdomain)
    spec = ingress.spec
    if not spec.rules and spec.default_backend is None:
        yield invalid("spec", "", "either `defaultBackend` or `rules` must be specified")
    if spec.default_backend is not None:
        yield from _check_backend("spec.defaultBackend", spec.default_backend)
    for i, rule in enumerate(spec.rules):
        if rule.host:
            yield from check(f"spec.rules[{i}].host", rule.host.removeprefix("*."), dns_subdomain)
        for j, path in enumerate(rule.http.paths if rule.http else ()):
            yield from _check_path(f"spec.rules[{i}].http.paths[{j}]", path)


def _check_path(at: str, path: HttpPath) -> FieldErrors:
    if path.path_type is None:
        yield required(f"{at}.pathType", "pathType must be specified")
    elif path.path_type not in TYPES:
        yield unsupported(f"{at}.pathType", path.path_type, TYPES)
    elif path.path_type != "ImplementationSpecific" and not path.path.startswith("/"):
        yield invalid(f"{at}.path", path.path, "must be an absolute path")
    yield from _check_backend(f"{at}.backend", path.backend)


def _check_backend(at: str, backend: Backend) -> FieldErrors:
    if backend.resource is not None and backend.service is not None:
        yield invalid(at, "", "cannot set both resource and service backends")
    elif backend.service is not None:
        port = backend.service.port
        if not backend.service.name:
            yield required(f"{at}.service.name")
        if not (port.name or port.number):
            yield required(f"{at}.service.port", "port name or number is required")
        elif port.name and port.number:
            yield invalid(f"{at}.service.port", "", "cannot set both port name & port number")
    elif backend.resource is None:
        yield required(at, "resource or service backend is required")


def advice(raw: Json) -> Iterator[str]:
    """What OpenShift's controller does not carry out either."""
    spec = raw.get("spec") or {}
    if spec.get("defaultBackend"):
        yield "spec.defaultBackend: does not act: no Route is made for it, as on OpenShift"
    for i, rule in enumerate(spec.get("rules") or ()):
        if not rule.get("host"):
            yield f"spec.rules[{i}]: no Route is made for a rule without host, as on OpenShift"
        if str(rule.get("host", "")).startswith("*."):
            yield f"spec.rules[{i}].host: the router does not admit wildcards, as on OpenShift by default"
        for j, path in enumerate((rule.get("http") or {}).get("paths") or ()):
            if path.get("pathType") == "Exact":
                at = f"spec.rules[{i}].http.paths[{j}].pathType"
                yield f"{at}: no Route is made for Exact, as on OpenShift; use Prefix"


def _hosts(ingress: Json, _now: float) -> str:
    rules = (ingress.get("spec") or {}).get("rules") or ()
    return ",".join(r.get("host") or "*" for r in rules) or "*"


def _class(ingress: Json, _now: float) -> str:
    return (ingress.get("spec") or {}).get("ingressClassName") or "<none>"


def _address(ingress: Json, _now: float) -> str:
    rows = ((ingress.get("status") or {}).get("loadBalancer") or {}).get("ingress") or ()
    return ",".join(r.get("hostname") or r.get("ip") or "" for r in rows)


def _ports(ingress: Json, _now: float) -> str:
    return "80, 443" if (ingress.get("spec") or {}).get("tls") else "80"


KIND = Kind(
    group="networking.k8s.io",
    name="Ingress",
    plural="ingresses",
    singular="ingress",
    short_names=("ing",),
    model=Ingress,
    validate=validate,
    advice=advice,
    columns=(
        Column("Class", _class),
        Column("Hosts", _hosts),
        Column("Address", _address),
        Column("Ports", _ports),
        Column("Age", ".metadata.creationTimestamp", "date"),
    ),
    builtin=True,
)
