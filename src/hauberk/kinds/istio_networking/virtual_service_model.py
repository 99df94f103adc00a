"""The shape of a VirtualService.

Source: istio/api networking/v1alpha3/virtual_service.proto.
"""

from __future__ import annotations

from msgspec import field

from hauberk.kinds.istio_networking.common import PortSelector, StringMatch
from hauberk.kinds.meta import ObjectMeta, Part

GRPC_STATUSES = (
    "OK", "CANCELLED", "UNKNOWN", "INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "NOT_FOUND", "ALREADY_EXISTS",
    "PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION", "ABORTED", "OUT_OF_RANGE",
    "UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS", "UNAUTHENTICATED",
)  # fmt: skip
"""By their numbers."""


class Destination(Part, frozen=True):
    """A service of the registry, maybe a subset of it."""

    host: str = ""
    subset: str = ""
    port: PortSelector | None = None


class HeaderOps(Part, frozen=True):
    """Headers to overwrite, append and take away."""

    set: dict[str, str] | None = None
    add: dict[str, str] | None = None
    remove: tuple[str, ...] = ()


class Headers(Part, frozen=True):
    """Header rules for both directions."""

    request: HeaderOps | None = None
    response: HeaderOps | None = None


class HTTPRouteDestination(Part, frozen=True):
    """One share of a route."""

    destination: Destination | None = None
    weight: int = 0
    headers: Headers | None = None


class HTTPMatch(Part, frozen=True):
    """A request matches when everything that is set matches."""

    name: str = ""
    uri: StringMatch | None = None
    scheme: StringMatch | None = None
    method: StringMatch | None = None
    authority: StringMatch | None = None
    headers: dict[str, StringMatch] | None = None
    without_headers: dict[str, StringMatch] | None = None
    query_params: dict[str, StringMatch] | None = None
    port: int = 0
    source_labels: dict[str, str] | None = None
    source_namespace: str = ""
    gateways: tuple[str, ...] = ()
    ignore_uri_case: bool = False

    __inert__ = ("statPrefix",)


class RegexRewrite(Part, frozen=True):
    """A rewrite of the path by an RE2 expression."""

    match: str = ""
    rewrite: str = ""


class HTTPRewrite(Part, frozen=True):
    """What the request's path and authority become."""

    uri: str = ""
    authority: str = ""
    uri_regex_rewrite: RegexRewrite | None = None


class HTTPRedirect(Part, frozen=True):
    """An answer that sends the client elsewhere."""

    uri: str = ""
    authority: str = ""
    port: int = 0
    scheme: str = ""
    redirect_code: int = 301

    __inert__ = ("derivePort",)


class Body(Part, frozen=True):
    """The body of a direct answer."""

    string: str = ""

    __inert__ = ("bytes",)


class DirectResponse(Part, frozen=True):
    """An answer without a backend."""

    status: int = 0
    body: Body | None = None


class HTTPRetry(Part, frozen=True):
    """Retries; 0 attempts turn them off."""

    attempts: int = 0
    per_try_timeout: str = ""
    retry_on: str = ""

    __inert__ = ("retryRemoteLocalities", "retryIgnorePreviousHosts", "backoff")


class Percent(Part, frozen=True):
    """0 … 100, with fractions."""

    value: float = 0.0


class Delay(Part, frozen=True):
    """A wait before the request goes on."""

    fixed_delay: str = ""
    percentage: Percent | None = None
    percent: int = 0


class Abort(Part, frozen=True):
    """An error in place of the answer."""

    http_status: int = 0
    grpc_status: str = ""
    percentage: Percent | None = None


class Fault(Part, frozen=True):
    """Faults to inject."""

    delay: Delay | None = None
    abort: Abort | None = None


class Delegate(Part, frozen=True):
    """Another VirtualService that continues this route."""

    name: str = ""
    namespace: str = ""


class CorsPolicy(Part, frozen=True):
    """Cross-origin rules."""

    allow_origins: tuple[StringMatch, ...] = ()
    allow_methods: tuple[str, ...] = ()
    allow_headers: tuple[str, ...] = ()
    expose_headers: tuple[str, ...] = ()
    max_age: str = ""
    allow_credentials: bool = False

    __inert__ = ("allowOrigin", "unmatchedPreflights")


class Mirror(Part, frozen=True):
    """A second destination whose answers are dropped."""

    destination: Destination | None = None
    percentage: Percent | None = None


class HTTPRoute(Part, frozen=True):
    """One rule for requests; the first that matches counts."""

    name: str = ""
    match: tuple[HTTPMatch, ...] = ()
    route: tuple[HTTPRouteDestination, ...] = ()
    redirect: HTTPRedirect | None = None
    direct_response: DirectResponse | None = None
    delegate: Delegate | None = None
    rewrite: HTTPRewrite | None = None
    timeout: str = ""
    retries: HTTPRetry | None = None
    fault: Fault | None = None
    mirror: Destination | None = None
    mirrors: tuple[Mirror, ...] = ()
    mirror_percentage: Percent | None = None
    cors_policy: CorsPolicy | None = None
    headers: Headers | None = None

    __inert__ = ("mirrorPercent",)


class RouteDestination(Part, frozen=True):
    """One share of connections."""

    destination: Destination | None = None
    weight: int = 0


class L4Match(Part, frozen=True):
    """A connection matches when everything that is set matches."""

    port: int = 0
    gateways: tuple[str, ...] = ()
    sni_hosts: tuple[str, ...] = ()

    __inert__ = ("destinationSubnets", "sourceLabels", "sourceNamespace", "sourceSubnet")


class TCPRoute(Part, frozen=True):
    """One rule for connections."""

    match: tuple[L4Match, ...] = ()
    route: tuple[RouteDestination, ...] = ()


class VirtualServiceSpec(Part, frozen=True):
    """Hosts, the gateways they are seen at, and rules."""

    hosts: tuple[str, ...] = ()
    gateways: tuple[str, ...] = ()
    http: tuple[HTTPRoute, ...] = ()
    tls: tuple[TCPRoute, ...] = ()
    tcp: tuple[TCPRoute, ...] = ()
    export_to: tuple[str, ...] = ()


class VirtualService(Part, frozen=True):
    """Rules that say which requests to a host go where."""

    metadata: ObjectMeta = ObjectMeta()
    spec: VirtualServiceSpec = field(default_factory=VirtualServiceSpec)
    status: dict[str, object] | None = None
