"""The activator, as an Envoy that holds.

A request names its revision by the headers `Knative-Serving-Namespace` and `-Revision`, or by a
Host that means the revision. While the revision has spare capacity the request goes straight to its
pods; otherwise the ext_authz filter asks the control plane, which answers when there is a pod and
names it. Routes and endpoints are separate resources, so a revision that comes or goes disturbs no
connection.

Source: knative/serving pkg/activator/handler/{context_handler,handler}.go, pkg/activator/net/throttler.go.
"""

from __future__ import annotations

import re

from envoy.config.core.v3.grpc_service_pb2 import GrpcService
from envoy.config.route.v3.route_components_pb2 import HeaderMatcher, Route, RouteAction
from envoy.extensions.filters.http.ext_authz.v3.ext_authz_pb2 import ExtAuthz, ExtAuthzPerRoute

from hauberk.mesh.memo import Memo
from hauberk.mesh.roles import ActivatorRole, PeerTls, RevisionRoute
from hauberk.xds.translate.roles import http
from hauberk.xds.translate.roles.queue import METRICS_PORT, ROUTING_HEADERS, metrics
from hauberk.xds.translate.roles.tls import mesh_socket
from hauberk.xds.translate.types import LocalService, Message, RoleParts, pack

_kept = Memo()
HTTP1_PORT, H2C_PORT = 8012, 8013
ROUTES = "activator"
_FILTER = "envoy.filters.http.ext_authz"
_CONTROL_PLANE = "xds-grpc"
_ASK_AGAIN = 12  # doubling from 50 ms: for some minutes


def activator_parts(role: ActivatorRole) -> RoleParts:
    """Everything the role needs."""
    hcm = http.manager("activator", routes=ROUTES, filters=[_hold_filter(role)], append_client=True)
    ports = (HTTP1_PORT, H2C_PORT)
    services = [LocalService(port, hcm) for port in ports]
    services.append(LocalService(METRICS_PORT, metrics("metrics", "^(cluster.activator|http.activator)")))
    # A revision that is held for a moment keeps its cluster, and with it its connections and counts.
    ready = [r for r in role.revisions if r.backends]
    holding = {_hold_cluster(r): r for r in role.revisions}
    return RoleParts(
        services=tuple(services),
        clusters=(
            *(_revision_cluster(r) for r in ready),
            *(_holding_cluster(name, r) for name, r in sorted(holding.items())),
        ),
        endpoints=tuple(http.assignment(cluster_of(r), [(b, 1) for b in r.backends]) for r in ready),
        routes=(_table(role),),
    )


def cluster_of(revision: RevisionRoute) -> str:
    """The name under which the revision's statistics are found."""
    return f"activator|{revision.namespace}/{revision.name}"


def _passes(revision: RevisionRoute) -> bool:
    return revision.spare and bool(revision.backends)


def _secure(cluster: Message, peer: PeerTls | None, *, http2: bool) -> Message:
    if peer is not None:
        cluster.transport_socket.CopyFrom(mesh_socket(peer, http2=http2))
    return cluster


def _revision_cluster(revision: RevisionRoute) -> Message:
    made = http.eds_cluster(cluster_of(revision), revision.protocol)
    return _secure(made, revision.peer, http2=revision.protocol == "h2c")


def _hold_cluster(revision: RevisionRoute) -> str:
    """Revisions that are reached alike share a cluster: it only knows how, the answer says where."""
    if revision.peer is None:
        return f"activator|held|{revision.protocol}"
    who = "+".join(revision.peer.identities) or revision.peer.trust_domain
    return f"activator|held|{revision.protocol}|{who}"


def _holding_cluster(name: str, revision: RevisionRoute) -> Message:
    made = http.original_dst_cluster(name, revision.protocol)
    return _secure(made, revision.peer, http2=revision.protocol == "h2c")


def _hold_filter(role: ActivatorRole) -> Message:
    service = GrpcService(
        envoy_grpc={"cluster_name": _CONTROL_PLANE},
        timeout=http.seconds(role.hold_timeout_s),
        # A control plane that restarts is asked again: who is held stays held.
        retry_policy={
            "retry_on": "connect-failure,refused-stream,reset,unavailable",
            "num_retries": {"value": _ASK_AGAIN},
            # Envoy takes `max_interval` for the time limit of one try here, so it is the hold's.
            "retry_back_off": {
                "base_interval": http.seconds(0.05),
                "max_interval": http.seconds(role.hold_timeout_s),
            },
        },
    )
    names = [{"exact": name.lower()} for name in (*ROUTING_HEADERS, "user-agent", "x-request-id")]
    config = ExtAuthz(
        grpc_service=service,
        transport_api_version="V3",
        failure_mode_allow=False,
        status_on_error={"code": 503},
        allowed_headers={"patterns": names},
        stat_prefix="hold",
    )
    return http.http_filter(_FILTER, config)


def _table(role: ActivatorRole) -> Message:
    pairs = [_kept.get(_routes_of, role.pod_uid, revision) for revision in role.revisions]
    routes = [_unheld(answer) for answer in _own_answers()]
    routes += [first for first, _ in pairs]
    routes += [second for _, second in pairs if second is not None]
    routes.append(_unheld(_unknown()))
    return http.route_config(ROUTES, routes)


def _routes_of(pod_uid: str, revision: RevisionRoute) -> tuple[Message, Message | None]:
    """The revision's routes: by the headers that name it, and by its hosts."""
    by_host = _route(pod_uid, revision, [_by_host(revision.hosts)]) if revision.hosts else None
    return _route(pod_uid, revision, _by_headers(revision)), by_host


def _own_answers() -> list[Message]:
    """Probes of the activator itself.

    Source: knative/serving pkg/activator/handler/{healthz_handler,probe_handler}.go.
    """
    probe = "K-Network-Probe"
    return [
        *http.probe_answers(),
        http.answer(200, "activator", headers=[http.has_header(probe, "activator")]),
        http.answer(400, "unexpected probe header value", headers=[http.has_header(probe)]),
        http.answer(200, "", headers=[http.has_header("K-Kubelet-Probe", "activator")]),
    ]


def _by_headers(revision: RevisionRoute) -> list[Message]:
    values = (revision.namespace, revision.name)
    return [http.has_header(name, value) for name, value in zip(ROUTING_HEADERS, values, strict=True)]


def _by_host(hosts: tuple[str, ...]) -> Message:
    names = "|".join(re.escape(host) for host in hosts)
    return HeaderMatcher(
        name=":authority", string_match={"safe_regex": {"regex": f"(?:{names})(?::[0-9]+)?"}}
    )


def _route(pod_uid: str, revision: RevisionRoute, headers: list[Message]) -> Message:
    passes = _passes(revision)
    action = RouteAction(
        cluster=cluster_of(revision) if passes else _hold_cluster(revision),
        timeout=http.seconds(0),
        retry_policy={
            "retry_on": "connect-failure,refused-stream,reset-before-request",
            "num_retries": {"value": 5},
            "retry_back_off": {"base_interval": http.seconds(0.025), "max_interval": http.seconds(0.5)},
        },
    )
    made = Route(
        match={"prefix": "/", "headers": headers},
        route=action,
        request_headers_to_add=[http.set_header("K-Proxy-Request", "activator")],
        request_headers_to_remove=list(ROUTING_HEADERS),
    )
    if not passes:
        known = {"namespace": revision.namespace, "revision": revision.name, "pod_uid": pod_uid}
        held = ExtAuthzPerRoute(check_settings={"context_extensions": known})
        made.typed_per_filter_config[_FILTER].CopyFrom(pack(held))
        return made
    return _unheld(made)


def _unheld(route: Message) -> Message:
    route.typed_per_filter_config[_FILTER].CopyFrom(pack(ExtAuthzPerRoute(disabled=True)))
    return route


def _unknown() -> Message:
    words = (
        "Error getting active endpoint: revision.serving.knative.dev "
        '"%REQ(Knative-Serving-Revision)%" not found\n'
    )
    return Route(
        match={"prefix": "/"},
        direct_response={
            "status": 404,
            "body_format": {"text_format_source": {"inline_string": words}},
        },
    )
