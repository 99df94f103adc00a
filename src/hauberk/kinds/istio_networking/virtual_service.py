"""VirtualService networking.istio.io: which requests go where. Its shape is in `virtual_service_model`.

Source: istio/istio pkg/config/validation/virtualservice.go and validation.go, ValidateVirtualService.
"""

from __future__ import annotations

from collections.abc import Iterator

from hauberk.base.fields import FieldError, FieldErrors
from hauberk.base.refs import Json
from hauberk.kinds.istio_networking.common import (
    CATEGORIES,
    VERSIONS,
    StringMatch,
    check_duration,
    check_host,
    required,
)
from hauberk.kinds.istio_networking.regex import problem_of
from hauberk.kinds.istio_networking.virtual_service_model import (
    GRPC_STATUSES,
    Destination,
    Fault,
    HTTPMatch,
    HTTPRoute,
    TCPRoute,
    VirtualService,
)
from hauberk.kinds.meta import Column, Kind


def validate(service: VirtualService) -> FieldErrors:
    """Rules of Istio's webhook."""
    spec = service.spec
    delegate = not spec.hosts
    if delegate and spec.gateways:
        yield required("spec.hosts", "virtual service must have at least one host")
    for i, host in enumerate(spec.hosts):
        yield from check_host(f"spec.hosts[{i}]", host)
        if host == "*" and "mesh" in (spec.gateways or ("mesh",)):
            yield FieldError(
                f"spec.hosts[{i}]",
                "wildcard host * is not allowed for virtual services bound to the mesh gateway",
            )
    if not (spec.http or spec.tls or spec.tcp):
        yield required("spec", "http, tcp or tls must be provided in virtual service")
    for i, route in enumerate(spec.http):
        for error in _http_route(route):
            yield error.under(f"spec.http[{i}]")
    for kind, rules in (("tls", spec.tls), ("tcp", spec.tcp)):
        for i, rule in enumerate(rules):
            for error in _l4_route(rule, tls=kind == "tls"):
                yield error.under(f"spec.{kind}[{i}]")


def _http_route(route: HTTPRoute) -> FieldErrors:
    yield from _answer(route)
    yield from check_duration("timeout", route.timeout)
    for i, match in enumerate(route.match):
        for error in _match(match):
            yield error.under(f"match[{i}]")
    if route.retries is not None:
        if route.retries.attempts < 0:
            yield FieldError("retries.attempts", "attempts cannot be negative")
        yield from check_duration("retries.perTryTimeout", route.retries.per_try_timeout)
    if route.fault is not None:
        yield from _fault(route.fault)
    if route.mirror is not None:
        yield from _destination("mirror", route.mirror)
    if route.rewrite is not None and route.rewrite.uri_regex_rewrite is not None:
        expression = route.rewrite.uri_regex_rewrite.match
        if problem := problem_of(expression):
            yield FieldError("rewrite.uriRegexRewrite.match", f"invalid regex {expression}: {problem}")
    for i, share in enumerate(route.route):
        yield from _destination(f"route[{i}].destination", share.destination)
    yield from _weights([share.weight for share in route.route])


def _answer(route: HTTPRoute) -> FieldErrors:
    answers = [bool(route.route), route.redirect is not None, route.direct_response is not None]
    if sum(answers) > 1:
        yield FieldError("", "HTTP route cannot contain both route and redirect or direct_response")
    if not any(answers) and route.delegate is None:
        yield required("route", "HTTP route, redirect or direct_response is required")
    if route.redirect is not None and route.rewrite is not None:
        yield FieldError("redirect", "HTTP route rule cannot contain both rewrite and redirect")
    if route.direct_response is not None and not 200 <= route.direct_response.status < 600:
        text = f"HTTP status {route.direct_response.status} is not in range 200..599"
        yield FieldError("directResponse.status", text)


def _match(match: HTTPMatch) -> FieldErrors:
    for name in ("uri", "scheme", "method", "authority"):
        value: StringMatch | None = getattr(match, name)
        if value is not None and not (value.exact or value.prefix or value.regex):
            yield FieldError(name, f"{name} match must have exact, prefix or regex set")
    yield from _expressions(match)
    for header in match.headers or {}:
        if not header or " " in header:
            yield FieldError("headers", f'header name "{header}" is not a valid header name')


def _expressions(match: HTTPMatch) -> FieldErrors:
    rows: dict[str, StringMatch | None] = {
        name: getattr(match, name) for name in ("uri", "scheme", "method", "authority")
    }
    for field in ("headers", "without_headers", "query_params"):
        shown = {"without_headers": "withoutHeaders", "query_params": "queryParams"}.get(field, field)
        rows |= {f"{shown}[{name}]": value for name, value in (getattr(match, field) or {}).items()}
    for path, value in rows.items():
        if value is not None and value.regex and (problem := problem_of(value.regex)):
            yield FieldError(f"{path}.regex", f"invalid regex {value.regex}: {problem}")


def _fault(fault: Fault) -> FieldErrors:
    if fault.delay is not None:
        yield from check_duration("fault.delay.fixedDelay", fault.delay.fixed_delay)
        if not fault.delay.fixed_delay:
            yield required("fault.delay.fixedDelay", "fixed delay must be set")
    if fault.abort is not None and not fault.abort.grpc_status and not 200 <= fault.abort.http_status <= 599:
        yield FieldError(
            "fault.abort.httpStatus", f"HTTP status {fault.abort.http_status} is not in range 200..599"
        )
    if fault.abort is not None and fault.abort.grpc_status not in ("", *GRPC_STATUSES):
        text = f"gRPC status {fault.abort.grpc_status} is not supported"
        yield FieldError("fault.abort.grpcStatus", text, "FieldValueNotSupported")
    for name in ("delay", "abort"):
        part = getattr(fault, name)
        if part is not None and part.percentage is not None and not 0 <= part.percentage.value <= 100:
            yield FieldError(
                f"fault.{name}.percentage", f"percentage {part.percentage.value} is not in range 0..100"
            )


def _l4_route(rule: TCPRoute, *, tls: bool) -> FieldErrors:
    if not rule.route:
        yield required("route", "TCP route must have at least one destination")
    if tls and not rule.match:
        yield required("match", "TLS route must have at least one match condition")
    for i, match in enumerate(rule.match):
        if tls and not match.sni_hosts:
            yield required(f"match[{i}].sniHosts", "TLS match must have at least one SNI host")
    for i, share in enumerate(rule.route):
        yield from _destination(f"route[{i}].destination", share.destination)
    yield from _weights([share.weight for share in rule.route])


def _destination(path: str, destination: Destination | None) -> FieldErrors:
    if destination is None:
        yield required(path, "destination is required")
        return
    if not destination.host:
        yield required(f"{path}.host", "destination host is required")
    elif destination.host == "*":
        yield FieldError(f"{path}.host", "invalid destination host *")
    else:
        yield from check_host(f"{path}.host", destination.host, wildcard=False)
    if destination.port is not None and not 1 <= destination.port.number <= 65535:
        yield FieldError(
            f"{path}.port.number", f"port number {destination.port.number} must be in the range 1..65535"
        )


def _weights(weights: list[int]) -> FieldErrors:
    for i, weight in enumerate(weights):
        if weight < 0:
            yield FieldError(f"route[{i}].weight", f"weight {weight} < 0")
    if len(weights) > 1 and sum(weights) == 0:
        yield FieldError("route", "total destination weight = 0")


def advice(raw: Json) -> Iterator[str]:
    """Weights that do not add up to 100 are shares all the same; say so."""
    for i, route in enumerate((raw.get("spec") or {}).get("http") or ()):
        weights = [share.get("weight", 0) for share in route.get("route") or ()]
        if len(weights) > 1 and sum(weights) not in (0, 100):
            yield f"spec.http[{i}].route: weights add up to {sum(weights)}, not 100: they are taken as shares"


KIND = Kind(
    group="networking.istio.io",
    name="VirtualService",
    plural="virtualservices",
    versions=VERSIONS,
    short_names=("vs",),
    categories=CATEGORIES,
    model=VirtualService,
    validate=validate,
    advice=advice,
    columns=(
        Column("Gateways", ".spec.gateways", description="Gateways and sidecars that apply these routes."),
        Column("Hosts", ".spec.hosts", description="Hosts that the routes are for."),
        Column("Age", ".metadata.creationTimestamp", "date"),
    ),
)
