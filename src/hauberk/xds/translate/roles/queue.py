"""The queue-proxy of a Revision's pod, as Envoy configuration.

| port       | serves                                                                         |
|------------|--------------------------------------------------------------------------------|
| 8012, 8013 | requests for the user's container: limited, timed, probed                       |
| 8112       | the same over TLS of its own (system-internal TLS)                              |
| 8022       | `/wait-for-drain`: answers after the drain time, for the preStop hook           |
| 9090       | `/metrics` for the autoscaler                                                   |
| 9091       | `/metrics` about user requests                                                  |

`containerConcurrency` N is N upstream connections with one request each and 10 N requests waiting.
Readiness is an active health check of the user's container; `K-Network-Probe: queue` answers by it.

Source: knative/serving cmd/queue/main.go, pkg/queue/{handler,breaker,timeout,health}.go.
Deviation: metrics have Envoy's names (`envoy_cluster_upstream_rq_active{envoy_cluster_name="queue|user"}`).
The sum of request times (`envoy_http_downstream_rq_time_sum{…="queue"}`, ms) is as of the scrape before.
Deviation: `/wait-for-drain` takes a fixed time: requests that come meanwhile are served, but do not prolong
it, and probes are answered by readiness, not with `shutting down`.
Deviation: the time limits begin when the container has the whole request: neither the wait for a place below
`containerConcurrency` nor a slow upload counts.
"""

from __future__ import annotations

from collections.abc import Sequence

from envoy.config.accesslog.v3.accesslog_pb2 import AccessLogFilter
from envoy.config.cluster.v3.cluster_pb2 import Cluster
from envoy.config.core.v3.health_check_pb2 import HealthCheck
from envoy.config.route.v3.route_components_pb2 import FilterConfig, HeaderMatcher, Route, RouteAction
from envoy.extensions.filters.http.fault.v3.fault_pb2 import HTTPFault
from envoy.extensions.filters.http.health_check.v3.health_check_pb2 import HealthCheck as HealthFilter
from envoy.extensions.filters.network.http_connection_manager.v3.http_connection_manager_pb2 import (
    ResponseMapper,
)
from google.protobuf.any_pb2 import Any as PbAny

from hauberk.mesh.roles import Backend, QueueRole, ReadinessProbe
from hauberk.xds.translate.roles import forwarded, http
from hauberk.xds.translate.types import LocalService, Message, RoleParts, pack

CLUSTER = "queue|user"
HTTP1_PORT, H2C_PORT, TLS_PORT, ADMIN_PORT, METRICS_PORT, USER_METRICS_PORT = (
    8012,
    8013,
    8112,
    8022,
    9090,
    9091,
)
SECRET = "queue"
ROUTING_HEADERS = ("Knative-Serving-Namespace", "Knative-Serving-Revision")
_PROBE = "K-Network-Probe"
_READINESS = "envoy.filters.http.health_check"
_PENDING_RATIO = 10  # upstream's queue depth, in multiples of the limit
_EAGER_S, _CALM_S = 0.02, 10.0
_USER_IDLE_S = 1.0  # below the keep-alive of common servers: an idle connection is closed by this side


def queue_parts(role: QueueRole) -> RoleParts:
    """Everything the role needs."""
    serving = http.manager(
        "queue",
        routes=http.route_config("queue", _routes(role)),
        filters=[_readiness_filter(), forwarded.script()],
        replies=_replies(),
        append_client=True,
    )
    services = [LocalService(port, serving) for port in (HTTP1_PORT, H2C_PORT)]
    if role.system_tls:
        services.append(LocalService(TLS_PORT, serving, tls_secret=SECRET))
    services.append(LocalService(ADMIN_PORT, _drain(role.drain_s)))
    services.append(LocalService(METRICS_PORT, metrics("metrics", "^(cluster.queue|http.queue)")))
    services.append(LocalService(USER_METRICS_PORT, metrics("user-metrics", "^cluster.queue")))
    return RoleParts(services=tuple(services), clusters=(user_cluster(role),))


def user_cluster(role: QueueRole) -> Message:
    """The user's container: its limit and its readiness."""
    limit = role.container_concurrency
    # One stream per connection makes HTTP/2 wait for a free connection as HTTP/1 does.
    streams = 1 if limit and role.protocol == "h2c" else 0
    options = http.protocol(role.protocol, streams=streams, idle_s=_USER_IDLE_S)
    made = http.cluster(CLUSTER, role.protocol, options=options)
    made.type = Cluster.STATIC
    if limit:
        made.circuit_breakers.CopyFrom(http.limits(limit, _PENDING_RATIO * limit, http.MANY))
    probe_port = role.readiness.port if role.readiness.port != role.user_port else 0
    backend = Backend("127.0.0.1", role.user_port)
    made.load_assignment.CopyFrom(http.assignment(CLUSTER, [(backend, 1)], health_port=probe_port))
    made.health_checks.append(health_check(role.readiness, role))
    # Readiness decides who is sent here, not whether what was sent is served.
    made.common_lb_config.healthy_panic_threshold.value = 100
    return made


def health_check(probe: ReadinessProbe, role: QueueRole) -> Message:
    """Ask every 20 ms until the container is ready, then every `period_s` (10 s when not given).

    Source: knative/serving pkg/queue/readiness/probe.go (aggressive probing).
    """
    calm = http.seconds(probe.period_s or _CALM_S)
    eager = http.seconds(_EAGER_S)
    made = HealthCheck(
        timeout=http.seconds(probe.timeout_s),
        interval=calm,
        no_traffic_interval=eager,
        no_traffic_healthy_interval=calm,
        unhealthy_interval=eager,
        unhealthy_threshold={"value": 1},
        healthy_threshold={"value": max(probe.success_threshold, 1)},
        reuse_connection={"value": False},
    )
    port = probe.port or role.user_port
    match probe.kind:
        case "tcp":
            made.tcp_health_check.SetInParent()
        case "grpc":
            made.grpc_health_check.service_name = probe.service
        case "http":
            check = made.http_health_check
            check.path = probe.path or "/"
            check.host = f"127.0.0.1:{port}"
            check.codec_client_type = 1 if role.protocol == "h2c" else 0
            check.expected_statuses.add(start=200, end=400)
            headers = {"User-Agent": "kube-probe/hauberk", **dict(probe.headers)}
            check.request_headers_to_add.extend(http.set_header(k, v) for k, v in headers.items())
    return made


def _readiness_filter() -> Message:
    config = HealthFilter(
        pass_through_mode={"value": False},
        cluster_min_healthy_percentages={CLUSTER: {"value": 100}},
        headers=[http.has_header(_PROBE, "queue")],
    )
    made = http.http_filter(_READINESS, config)
    made.disabled = True  # the route of this probe switches it on; no other request pays for it
    return made


def _replies() -> list[Message]:
    """Upstream's words for what Envoy answers itself; the first that fits is taken."""
    return [
        _probe_reply(200, "queue"),
        _probe_reply(503, "queue not ready"),
        http.on_flags(["UO"], 503, "pending request queue full\n"),
        ResponseMapper(filter=_has_status(504), body={"inline_string": "request timeout"}),
        http.on_flags(["UF", "UC", "UR"], 502, "%LOCAL_REPLY_BODY%\n"),
    ]


def _probe_reply(status: int, body: str) -> Message:
    both = [AccessLogFilter(header_filter={"header": http.has_header(_PROBE, "queue")}), _has_status(status)]
    return ResponseMapper(filter=AccessLogFilter(and_filter={"filters": both}), body={"inline_string": body})


def _has_status(status: int) -> Message:
    value = {"default_value": status, "runtime_key": "none"}
    return AccessLogFilter(status_code_filter={"comparison": {"op": "EQ", "value": value}})


def _routes(role: QueueRole) -> list[Message]:
    """Requests first: one look for the probe's header is all that they pay for probes."""
    ready = http.answer(503, "", headers=[http.has_header(_PROBE, "queue")])
    ready.typed_per_filter_config[_READINESS].CopyFrom(pack(FilterConfig(config=PbAny())))
    unexpected = http.answer(400, "unexpected probe header value")
    usual = _user_route(role, forwarded.one_hop())
    usual.request_headers_to_add.append(forwarded.from_address())
    other = forwarded.by_script(_user_route(role))
    return [usual, other, ready, *http.probe_answers(), unexpected]


def _user_route(role: QueueRole, headers: Sequence[Message] = ()) -> Message:
    """All requests with such headers, with the Revision's three time limits.

    | limit                         | is Envoy's                                          |
    |-------------------------------|------------------------------------------------------|
    | `timeoutSeconds`              | `per_try_timeout`: void once a response has begun    |
    | `responseStartTimeoutSeconds` | the same: the shorter one counts                     |
    | `idleTimeoutSeconds`          | `per_try_idle_timeout`: no bytes from the container  |

    So a response that has begun may take as long as it likes, as streams and WebSockets must.
    Source: knative/serving pkg/http/handler/timeout.go, timeoutHandler.
    """
    action = RouteAction(
        cluster=CLUSTER,
        timeout=http.seconds(0),
        retry_policy={
            "retry_on": "connect-failure,refused-stream,reset-before-request",
            "num_retries": {"value": 3},
            "retry_back_off": {
                "base_interval": http.seconds(0.025),
                "max_interval": http.seconds(0.25),
            },
        },
    )
    first_byte = [limit for limit in (role.timeout_s, role.response_start_timeout_s) if limit]
    if first_byte:
        action.retry_policy.per_try_timeout.FromTimedelta(http.seconds(min(first_byte)))
    if role.idle_timeout_s:
        action.retry_policy.per_try_idle_timeout.FromTimedelta(http.seconds(role.idle_timeout_s))
    no_probe = HeaderMatcher(name=_PROBE, present_match=True, invert_match=True)
    return Route(
        match={"prefix": "/", "headers": [no_probe, *headers]},
        route=action,
        request_headers_to_remove=[*ROUTING_HEADERS, "K-Proxy-Request", "x-envoy-external-address"],
    )


def _drain(drain_s: float) -> Message:
    """`/wait-for-drain` answers late.

    Source: knative/serving pkg/queue/sharedmain/handlers.go, adminHandler (drain sleep 30 s).
    """
    fault = HTTPFault(
        delay={"fixed_delay": http.seconds(drain_s), "percentage": {"numerator": 100}},
        headers=[{"name": ":path", "string_match": {"exact": "/wait-for-drain"}}],
    )
    routes = [http.answer(200, "", path="/wait-for-drain"), http.answer(404, "404 page not found\n")]
    filters = [http.http_filter("envoy.filters.http.fault", fault)] if drain_s > 0 else []
    return http.manager("role_drain", routes=http.route_config("drain", routes), filters=filters)


def metrics(name: str, pattern: str) -> Message:
    """`/metrics`: the proxy's own statistics that match the pattern, for Prometheus."""
    shown = Route(
        match={"path": "/metrics"},
        route={
            "cluster": "admin",
            "prefix_rewrite": f"/stats?format=prometheus&filter={pattern}",
            "host_rewrite_literal": "admin",
        },
    )
    routes = [shown, http.answer(404, "404 page not found\n")]
    return http.manager(f"role_{name}", routes=http.route_config(name, routes))
