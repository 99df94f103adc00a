"""A VirtualService's rules as Envoy's routes.

Source: istio/istio pilot/pkg/networking/core/route/route.go (TranslateRoute, applyHTTPRouteDestination,
ApplyRedirect), route/retry/retry.go.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta

from envoy.config.route.v3.route_components_pb2 import RedirectAction, RetryPolicy, Route, RouteAction
from envoy.extensions.filters.http.cors.v3.cors_pb2 import CorsPolicy as EnvoyCors
from envoy.extensions.filters.http.fault.v3.fault_pb2 import HTTPFault
from envoy.extensions.retry.host.previous_hosts.v3.previous_hosts_pb2 import PreviousHostsPredicate

from hauberk.kinds.istio_networking.virtual_service_model import (
    GRPC_STATUSES,
    CorsPolicy,
    Destination,
    Fault,
    HeaderOps,
    Headers,
    HTTPMatch,
    HTTPRedirect,
    HTTPRetry,
    HTTPRewrite,
    HTTPRoute,
    HTTPRouteDestination,
    Mirror,
    Percent,
)
from hauberk.xds.translate import matching, names
from hauberk.xds.translate.policy import Effective
from hauberk.xds.translate.types import Message, pack

RETRY_ON = "connect-failure,refused-stream,unavailable,cancelled,retriable-status-codes"
ClusterOf = Callable[[Destination, int], str]
"""From a destination and the listener's port to the cluster that serves it (the black hole if none)."""
FAULT, CORS = "envoy.filters.http.fault", "envoy.filters.http.cors"


@dataclass(frozen=True, slots=True)
class Scope:
    """Where routes are looked at: by which gateway, on which port, from whom."""

    gateway: str
    port: int
    cluster_of: ClusterOf
    namespace: str = ""
    labels: tuple[tuple[str, str], ...] = ()

    def admits(self, match: HTTPMatch, gateways: tuple[str, ...]) -> bool:
        """Whether the condition can hold here at all."""
        have = dict(self.labels)
        return (
            self.gateway in (match.gateways or gateways)
            and match.port in (0, self.port)
            and match.source_namespace in ("", self.namespace)
            and all(have.get(k) == v for k, v in (match.source_labels or {}).items())
        )


def translate(rules: tuple[HTTPRoute, ...], gateways: tuple[str, ...], scope: Scope) -> Iterator[Message]:
    """The routes that apply in the scope, in order. After a rule for everything nothing more can match."""
    for rule in rules:
        matches = rule.match or (HTTPMatch(),)
        for match in matches:
            if scope.admits(match, gateways):
                made = route(rule, scope)
                made.match.CopyFrom(matching.route_match(match))
                yield made
                if made.match == matching.anything():
                    return


def route(rule: HTTPRoute, scope: Scope) -> Message:
    """What happens to requests of one rule; the match is the caller's."""
    made = Route(name=rule.name)
    if rule.redirect is not None:
        made.redirect.CopyFrom(_redirect(rule.redirect))
    elif rule.direct_response is not None:
        body = rule.direct_response.body
        made.direct_response.status = rule.direct_response.status
        if body is not None:
            made.direct_response.body.inline_string = body.string
    else:
        made.route.CopyFrom(_action(rule, scope))
    headers(made, rule.headers)
    if len(rule.route) == 1 and rule.route[0].headers is not None:
        headers(made, rule.route[0].headers)
    if rule.fault is not None:
        made.typed_per_filter_config[FAULT].CopyFrom(pack(fault(rule.fault)))
    if rule.cors_policy is not None:
        made.typed_per_filter_config[CORS].CopyFrom(pack(cors(rule.cors_policy)))
    return made


def to_cluster(cluster: str) -> Message:
    """Every request to one cluster, with Istio's defaults."""
    action = RouteAction(cluster=cluster, retry_policy=retries(None))
    _timeout(action, "")
    return Route(name="default", match=matching.anything(), route=action)


def _timeout(action: Message, text: str) -> None:
    """The rule's timeout, else none. With `max_stream_duration` Envoy would not look at `timeout`."""
    wanted = Effective.seconds(text) if text else timedelta(0)
    action.timeout.FromTimedelta(wanted)
    if wanted:
        return
    action.max_stream_duration.max_stream_duration.FromTimedelta(timedelta(0))
    action.max_stream_duration.grpc_timeout_header_max.FromTimedelta(timedelta(0))


def _action(rule: HTTPRoute, scope: Scope) -> Message:
    action = RouteAction()
    _timeout(action, rule.timeout)
    policy = retries(rule.retries)
    if policy is not None:
        action.retry_policy.CopyFrom(policy)
    shares = [s for s in rule.route if s.destination is not None and (s.weight or len(rule.route) == 1)]
    if len(shares) == 1 and shares[0].destination is not None:
        action.cluster = scope.cluster_of(shares[0].destination, scope.port)
    elif shares:
        for share in shares:
            _weighted(action.weighted_clusters.clusters.add(), share, scope)
    else:
        action.cluster = names.BLACK_HOLE
    for mirror in (*([Mirror(rule.mirror, rule.mirror_percentage)] if rule.mirror else ()), *rule.mirrors):
        if mirror.destination is not None:
            action.request_mirror_policies.add(
                cluster=scope.cluster_of(mirror.destination, scope.port),
                runtime_fraction={"default_value": percent(mirror.percentage, 100.0)},
            )
    if rule.rewrite is not None:
        _rewrite(action, rule.rewrite, rule.match)
    host = _host(rule.headers) or (_host(rule.route[0].headers) if len(rule.route) == 1 else "")
    if host:
        action.host_rewrite_literal = host
    return action


def _weighted(made: Message, share: HTTPRouteDestination, scope: Scope) -> None:
    if share.destination is not None:
        made.name = scope.cluster_of(share.destination, scope.port)
    made.weight.value = share.weight
    headers(made, share.headers)
    host = _host(share.headers)
    if host:
        made.host_rewrite_literal = host


def _rewrite(action: Message, rewrite: HTTPRewrite, matches: tuple[HTTPMatch, ...]) -> None:
    if rewrite.authority:
        action.host_rewrite_literal = rewrite.authority
    if rewrite.uri_regex_rewrite is not None:
        action.regex_rewrite.pattern.regex = rewrite.uri_regex_rewrite.match
        action.regex_rewrite.substitution = rewrite.uri_regex_rewrite.rewrite
    elif rewrite.uri and any(m.uri is not None and m.uri.regex for m in matches):
        action.regex_rewrite.pattern.regex = ".*"
        action.regex_rewrite.substitution = rewrite.uri
    elif rewrite.uri:
        action.prefix_rewrite = rewrite.uri


def _redirect(redirect: HTTPRedirect) -> Message:
    made = RedirectAction(
        host_redirect=redirect.authority, response_code=_redirect_code(redirect.redirect_code)
    )
    if redirect.uri:
        made.path_redirect = redirect.uri
    if redirect.scheme:
        made.scheme_redirect = redirect.scheme
    if redirect.port:
        made.port_redirect = redirect.port
    return made


def _redirect_code(status: int) -> int:
    codes = {
        301: "MOVED_PERMANENTLY", 302: "FOUND", 303: "SEE_OTHER", 307: "TEMPORARY_REDIRECT",
        308: "PERMANENT_REDIRECT",
    }  # fmt: skip
    return int(RedirectAction.RedirectResponseCode.Value(codes.get(status, "MOVED_PERMANENTLY")))


def retries(policy: HTTPRetry | None) -> Message | None:
    """Istio's default of 2 retries when nothing is said; none when the attempts are 0."""
    if policy is not None and policy.attempts <= 0:
        return None
    made = RetryPolicy(
        retry_on=RETRY_ON,
        num_retries={"value": 2 if policy is None else policy.attempts},
        host_selection_retry_max_attempts=5,
        retriable_status_codes=[503],
        retry_host_predicate=[
            {
                "name": "envoy.retry_host_predicates.previous_hosts",
                "typed_config": pack(PreviousHostsPredicate()),
            }
        ],
    )
    if policy is not None and policy.retry_on:
        codes = [int(p) for p in policy.retry_on.split(",") if p.strip().isdigit()]
        words = [p.strip() for p in policy.retry_on.split(",") if not p.strip().isdigit()]
        del made.retriable_status_codes[:]
        made.retriable_status_codes.extend(codes)
        made.retry_on = ",".join([*words, *(["retriable-status-codes"] if codes else [])])
    if policy is not None and policy.per_try_timeout:
        made.per_try_timeout.FromTimedelta(Effective.seconds(policy.per_try_timeout))
    return made


def headers(made: Message, ops: Headers | None) -> None:
    """Header rules of a route or of one share, in both directions."""
    if ops is None:
        return
    for side, rules in (("request", ops.request), ("response", ops.response)):
        if rules is not None:
            _one_side(made, side, rules)


def _one_side(made: Message, side: str, rules: HeaderOps) -> None:
    adding = getattr(made, f"{side}_headers_to_add")
    for pairs, action in ((rules.set, "OVERWRITE_IF_EXISTS_OR_ADD"), (rules.add, "APPEND_IF_EXISTS_OR_ADD")):
        for name, value in sorted((pairs or {}).items()):
            if not _is_host(name):
                adding.add(header={"key": name, "value": value}, append_action=action)
    getattr(made, f"{side}_headers_to_remove").extend(rules.remove)


def _is_host(name: str) -> bool:
    return name.lower() in ("host", ":authority")


def _host(ops: Headers | None) -> str:
    wanted: Mapping[str, str] = (ops.request.set if ops and ops.request else None) or {}
    return next((value for name, value in wanted.items() if _is_host(name)), "")


def percent(wanted: Percent | None, default: float) -> dict[str, object]:
    """Envoy's fraction of a percentage."""
    value = default if wanted is None else wanted.value
    return {"numerator": round(value * 10_000), "denominator": "MILLION"}


def fault(rule: Fault) -> Message:
    """Delays and aborts."""
    made = HTTPFault()
    if rule.delay is not None:
        made.delay.fixed_delay.FromTimedelta(Effective.seconds(rule.delay.fixed_delay))
        share = percent(rule.delay.percentage, float(rule.delay.percent or 100))
        made.delay.percentage.MergeFrom(type(made.delay.percentage)(**share))
    if rule.abort is not None:
        if rule.abort.grpc_status:
            made.abort.grpc_status = GRPC_STATUSES.index(rule.abort.grpc_status)
        else:
            made.abort.http_status = rule.abort.http_status or 500
        share = percent(rule.abort.percentage, 100.0)
        made.abort.percentage.MergeFrom(type(made.abort.percentage)(**share))
    return made


def cors(policy: CorsPolicy) -> Message:
    """Cross-origin rules."""
    made = EnvoyCors(
        allow_origin_string_match=[matching.string(o) for o in policy.allow_origins],
        allow_methods=",".join(policy.allow_methods),
        allow_headers=",".join(policy.allow_headers),
        expose_headers=",".join(policy.expose_headers),
        allow_credentials={"value": policy.allow_credentials},
    )
    if policy.max_age:
        made.max_age = str(int(Effective.seconds(policy.max_age).total_seconds()))
    return made
