"""DestinationRule networking.istio.io: subsets of a service, and how to talk to it.

Source: istio/api networking/v1alpha3/destination_rule.proto; istio/istio pkg/config/validation/validation.go,
ValidateDestinationRule, validateTrafficPolicy, validateTLS.
"""

from __future__ import annotations

from msgspec import field

from hauberk.base.fields import FieldError, FieldErrors
from hauberk.kinds.istio_networking.common import (
    CATEGORIES,
    VERSIONS,
    PortSelector,
    check_duration,
    check_host,
    repeated,
    required,
)
from hauberk.kinds.meta import Column, Kind, ObjectMeta, Part

TLS_MODES = ("DISABLE", "SIMPLE", "MUTUAL", "ISTIO_MUTUAL")
SIMPLE_LB = ("UNSPECIFIED", "LEAST_CONN", "RANDOM", "PASSTHROUGH", "ROUND_ROBIN", "LEAST_REQUEST")


class LoadBalancer(Part, frozen=True):
    """How an endpoint is chosen."""

    simple: str = ""

    __inert__ = ("consistentHash", "localityLbSetting", "warmupDurationSecs", "warmup")


class TcpPool(Part, frozen=True):
    """Limits on connections."""

    max_connections: int = 0
    connect_timeout: str = ""

    __inert__ = ("idleTimeout", "tcpKeepalive", "maxConnectionDuration")


class HttpPool(Part, frozen=True):
    """Limits on requests."""

    http1_max_pending_requests: int = 0
    http2_max_requests: int = 0
    max_requests_per_connection: int = 0
    max_retries: int = 0
    idle_timeout: str = ""
    h2_upgrade_policy: str = "DEFAULT"
    use_client_protocol: bool = False
    max_concurrent_streams: int = 0


class ConnectionPool(Part, frozen=True):
    """Limits of the connection pool."""

    tcp: TcpPool | None = None
    http: HttpPool | None = None


class OutlierDetection(Part, frozen=True):
    """When an endpoint is left out for a while."""

    consecutive_5xx_errors: int | None = None
    consecutive_gateway_errors: int | None = None
    consecutive_errors: int | None = None
    interval: str = ""
    base_ejection_time: str = ""
    max_ejection_percent: int = 10
    min_health_percent: int = 0

    __inert__ = ("splitExternalLocalOriginErrors", "consecutiveLocalOriginFailures")


class ClientTLS(Part, frozen=True):
    """How connections to the host are secured."""

    mode: str = "DISABLE"
    credential_name: str = ""
    sni: str = ""
    subject_alt_names: tuple[str, ...] = ()
    insecure_skip_verify: bool | None = None
    client_certificate: str = ""
    private_key: str = ""
    ca_certificates: str = ""

    __inert__ = ("caCrl",)


class PortPolicy(Part, frozen=True):
    """A traffic policy for one port; it replaces the host's, field by field."""

    port: PortSelector | None = None
    load_balancer: LoadBalancer | None = None
    connection_pool: ConnectionPool | None = None
    outlier_detection: OutlierDetection | None = None
    tls: ClientTLS | None = None


class TrafficPolicy(Part, frozen=True):
    """How to talk to a host or subset."""

    load_balancer: LoadBalancer | None = None
    connection_pool: ConnectionPool | None = None
    outlier_detection: OutlierDetection | None = None
    tls: ClientTLS | None = None
    port_level_settings: tuple[PortPolicy, ...] = ()

    __inert__ = ("tunnel", "proxyProtocol", "retryBudget")


class Subset(Part, frozen=True):
    """Endpoints with these labels, under a name."""

    name: str = ""
    labels: dict[str, str] | None = None
    traffic_policy: TrafficPolicy | None = None


class WorkloadSelector(Part, frozen=True):
    """Pods by labels."""

    match_labels: dict[str, str] | None = None


class DestinationRuleSpec(Part, frozen=True):
    """A host, its policy and subsets."""

    host: str = ""
    traffic_policy: TrafficPolicy | None = None
    subsets: tuple[Subset, ...] = ()
    export_to: tuple[str, ...] = ()
    workload_selector: WorkloadSelector | None = None


class DestinationRule(Part, frozen=True):
    """Subsets of a service, and how clients talk to it."""

    metadata: ObjectMeta = ObjectMeta()
    spec: DestinationRuleSpec = field(default_factory=DestinationRuleSpec)
    status: dict[str, object] | None = None


def validate(rule: DestinationRule) -> FieldErrors:
    """Rules of Istio's webhook."""
    yield from check_host("spec.host", rule.spec.host)
    yield from _policy("spec.trafficPolicy", rule.spec.traffic_policy)
    for i, subset in enumerate(rule.spec.subsets):
        path = f"spec.subsets[{i}]"
        if not subset.name:
            yield required(f"{path}.name", "subset name is required")
        yield from _policy(f"{path}.trafficPolicy", subset.traffic_policy)
    for i in repeated(s.name for s in rule.spec.subsets):
        name = rule.spec.subsets[i].name
        yield FieldError(f"spec.subsets[{i}].name", f'duplicate subset name "{name}"', "FieldValueDuplicate")


def _policy(path: str, policy: TrafficPolicy | PortPolicy | None) -> FieldErrors:
    if policy is None:
        return
    if isinstance(policy, TrafficPolicy):
        for i, port in enumerate(policy.port_level_settings):
            if port.port is None:
                yield required(f"{path}.portLevelSettings[{i}].port", "portLevelSettings must have a port")
            yield from _policy(f"{path}.portLevelSettings[{i}]", port)
    yield from _tls(f"{path}.tls", policy.tls)
    if policy.load_balancer is not None and policy.load_balancer.simple not in ("", *SIMPLE_LB):
        simple = policy.load_balancer.simple
        yield FieldError(
            f"{path}.loadBalancer.simple", f"unsupported load balancer: {simple}", "FieldValueNotSupported"
        )
    pool = policy.connection_pool
    if pool is not None and pool.tcp is not None:
        if pool.tcp.max_connections < 0:
            yield FieldError(
                f"{path}.connectionPool.tcp.maxConnections", "max connections must be non-negative"
            )
        yield from check_duration(f"{path}.connectionPool.tcp.connectTimeout", pool.tcp.connect_timeout)
    if policy.outlier_detection is not None:
        outlier = policy.outlier_detection
        yield from check_duration(f"{path}.outlierDetection.interval", outlier.interval)
        yield from check_duration(f"{path}.outlierDetection.baseEjectionTime", outlier.base_ejection_time)
        if not 0 <= outlier.max_ejection_percent <= 100:
            text = f"percentage {outlier.max_ejection_percent} is not in range 0..100"
            yield FieldError(f"{path}.outlierDetection.maxEjectionPercent", text)


def _tls(path: str, tls: ClientTLS | None) -> FieldErrors:
    if tls is None:
        return
    if tls.mode not in TLS_MODES:
        yield FieldError(f"{path}.mode", f"unsupported TLS mode: {tls.mode}", "FieldValueNotSupported")
    if tls.mode == "MUTUAL" and not tls.credential_name:
        if not tls.client_certificate:
            yield required(f"{path}.clientCertificate", "client certificate required for mutual tls")
        if not tls.private_key:
            yield required(f"{path}.privateKey", "private key required for mutual tls")


KIND = Kind(
    group="networking.istio.io",
    name="DestinationRule",
    plural="destinationrules",
    versions=VERSIONS,
    short_names=("dr",),
    categories=CATEGORIES,
    model=DestinationRule,
    validate=validate,
    columns=(
        Column("Host", ".spec.host", description="The service from the service registry."),
        Column("Age", ".metadata.creationTimestamp", "date"),
    ),
)
