"""Route route.openshift.io/v1: a host name of the cluster's edge, carried to a Service.

Source: openshift/api route/v1/types.go; openshift/library-go pkg/route/validation/validation.go (rules),
openshift/oc pkg/cli/... printers (columns as `oc get route` shows them).
"""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import Meta

from hauberk.base.fields import FieldErrors
from hauberk.base.refs import Json
from hauberk.kinds.meta import Column, Kind, ObjectMeta, Part
from hauberk.kinds.rules import check, dns_subdomain, forbidden, required, unsupported

TERMINATIONS = ("edge", "passthrough", "reencrypt")
POLICIES = ("Allow", "None", "Redirect")
ADMITTED = "Admitted"


class RouteTarget(Part, frozen=True):
    """The Service that receives the traffic."""

    name: str = ""
    kind: str = "Service"
    weight: Annotated[int, Meta(ge=0, le=256)] | None = None


class RoutePort(Part, frozen=True):
    """A port of the Service, by name or number of its `targetPort`."""

    target_port: int | str


class RouteTLS(
    Part,
    frozen=True,
    rename={
        "insecure_edge_termination_policy": "insecureEdgeTerminationPolicy",
        "ca_certificate": "caCertificate",
        "destination_ca_certificate": "destinationCACertificate",
    },
):
    """Where TLS ends."""

    termination: str = ""
    insecure_edge_termination_policy: str = ""
    certificate: str = ""
    key: str = ""
    ca_certificate: str = ""
    destination_ca_certificate: str = ""

    __inert__ = ("externalCertificate",)


class RouteSpec(Part, frozen=True):
    """The host and its target."""

    host: str = ""
    path: str = ""
    to: RouteTarget = RouteTarget()
    port: RoutePort | None = None
    tls: RouteTLS | None = None
    wildcard_policy: str = "None"

    __inert__ = ("subdomain", "alternateBackends", "httpHeaders")


class Route(Part, frozen=True):
    """A host name of the cluster's edge, carried to a Service."""

    metadata: ObjectMeta
    spec: RouteSpec = RouteSpec()
    status: dict[str, Any] | None = None


def validate(route: Route) -> FieldErrors:
    """Rules of the API server and of the router's admission."""
    spec = route.spec
    if spec.host:
        yield from check("spec.host", spec.host.removeprefix("*."), dns_subdomain)
    if not spec.to.name:
        yield required("spec.to.name")
    if spec.to.kind != "Service":
        yield unsupported("spec.to.kind", spec.to.kind, ("Service",))
    if spec.wildcard_policy not in ("", "None", "Subdomain"):
        yield unsupported("spec.wildcardPolicy", spec.wildcard_policy, ("None", "Subdomain"))
    if spec.path and not spec.path.startswith("/"):
        yield from check("spec.path", spec.path, _path)
    if spec.tls is not None:
        yield from _check_tls(spec, spec.tls)


def _path(_: str) -> Any:
    yield "path must begin with /"


def _check_tls(spec: RouteSpec, tls: RouteTLS) -> FieldErrors:
    """Check what each termination may carry.

    | termination | certificate, key, CAs        | insecure policies     | path |
    |-------------|------------------------------|-----------------------|------|
    | edge        | no destinationCACertificate  | Allow, Redirect, None | yes  |
    | reencrypt   | all                          | Allow, Redirect, None | yes  |
    | passthrough | none                         | Redirect, None        | no   |
    """
    if tls.termination not in TERMINATIONS:
        yield unsupported("spec.tls.termination", tls.termination, TERMINATIONS)
        return
    policy = tls.insecure_edge_termination_policy
    policies = POLICIES if tls.termination != "passthrough" else ("None", "Redirect")
    if policy and policy not in policies:
        yield unsupported("spec.tls.insecureEdgeTerminationPolicy", policy, policies)
    given = {
        "certificate": tls.certificate,
        "key": tls.key,
        "caCertificate": tls.ca_certificate,
        "destinationCACertificate": tls.destination_ca_certificate,
    }
    refused: tuple[str, ...] = ()
    if tls.termination == "passthrough":
        refused = tuple(given)
        if spec.path:
            yield forbidden("spec.path", "passthrough termination does not support paths")
    elif tls.termination == "edge":
        refused = ("destinationCACertificate",)
    for name in refused:
        if given[name]:
            yield forbidden(
                f"spec.tls.{name}", f"{tls.termination} termination does not support certificates"
            )


def default(raw: dict[str, Any]) -> dict[str, Any]:
    """Fill in weight and wildcard policy as upstream; the host is `hauberk.openshift.admission`'s."""
    spec = raw.setdefault("spec", {})
    if isinstance(spec, dict):
        spec.setdefault("wildcardPolicy", "None")
        to = spec.setdefault("to", {})
        if isinstance(to, dict):
            to.setdefault("kind", "Service")
            to.setdefault("weight", 100)
    return raw


def admitted(route: Json) -> bool:
    """Whether some router serves this Route."""
    for ingress in (route.get("status") or {}).get("ingress") or ():
        for row in ingress.get("conditions") or ():
            if row.get("type") == ADMITTED and row.get("status") == "True":
                return True
    return False


def _host(route: Json, _: float) -> object:
    rows = (route.get("status") or {}).get("ingress") or ()
    for row in rows:
        for condition in row.get("conditions") or ():
            if condition.get("type") == ADMITTED and condition.get("status") == "False":
                return str(condition.get("reason", "Rejected"))
    return rows[0].get("host", "") if rows else route["spec"].get("host", "")


def _termination(route: Json, _: float) -> object:
    tls = route["spec"].get("tls") or {}
    policy = tls.get("insecureEdgeTerminationPolicy")
    return "/".join(part for part in (tls.get("termination"), policy) if part)


def _port(route: Json, _: float) -> object:
    port = (route["spec"].get("port") or {}).get("targetPort")
    return "<all>" if port is None else str(port)


KIND = Kind(
    group="route.openshift.io",
    name="Route",
    plural="routes",
    model=Route,
    validate=validate,
    default=default,
    categories=("all",),
    has_generation=True,
    columns=(
        Column("Host/Port", _host),
        Column("Path", ".spec.path"),
        Column("Services", ".spec.to.name"),
        Column("Port", _port),
        Column("Termination", _termination),
        Column("Wildcard", ".spec.wildcardPolicy"),
    ),
)
