"""AuthorizationPolicies as Envoy's RBAC filters, for requests and for bare connections.

DENY is decided before ALLOW; where an ALLOW policy is, what none of them allows is refused.
Without a JWT filter no request has a request principal, so such conditions never hold.
Source: istio/istio pilot/pkg/security/authz/{builder,model,matcher}.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterator, Sequence

from envoy.config.rbac.v3.rbac_pb2 import RBAC, Permission, Principal
from envoy.config.rbac.v3.rbac_pb2 import Policy as RbacPolicy
from envoy.config.route.v3.route_components_pb2 import HeaderMatcher
from envoy.extensions.filters.http.rbac.v3.rbac_pb2 import RBAC as HTTP_RBAC
from envoy.extensions.filters.network.rbac.v3.rbac_pb2 import RBAC as NETWORK_RBAC
from envoy.type.matcher.v3.string_pb2 import StringMatcher

from hauberk.kinds.istio_security.authorization_policy import Operation, Rule, Source, When
from hauberk.mesh.model import Policy
from hauberk.xds.translate.types import Message, network_filter

_HTTP_FILTER, _NETWORK_FILTER = "envoy.filters.http.rbac", "envoy.filters.network.rbac"
_HEADER = re.compile(r"request\.headers\[(.+)\]")
Make = Callable[[str], Message]


class _NotHere(Exception):
    """The condition is about requests, and this is a bare connection."""


def http_filters(policies: Sequence[Policy]) -> list[tuple[str, Message]]:
    """HTTP filters (name, config) in the order in which they decide."""
    return [(_HTTP_FILTER, HTTP_RBAC(rules=rules)) for rules in _rules(policies, http=True)]


def network_filters(policies: Sequence[Policy]) -> list[Message]:
    """Network filters in the order in which they decide."""
    return [
        network_filter(_NETWORK_FILTER, NETWORK_RBAC(rules=rules, stat_prefix="tcp."))
        for rules in _rules(policies, http=False)
    ]


def _rules(policies: Sequence[Policy], *, http: bool) -> Iterator[Message]:
    for action in ("DENY", "ALLOW"):
        chosen = [p for p in policies if p.action == action]
        if chosen:
            made = RBAC(action=action)
            for policy in chosen:
                _add(made, policy, http=http)
            if made.policies or action == "ALLOW":
                yield made


def _add(made: Message, policy: Policy, *, http: bool) -> None:
    name = f"ns[{policy.ref.namespace}]-policy[{policy.ref.name}]-rule"
    for i, rule in enumerate(policy.rules):
        try:
            translated = _rule(rule, http=http, denies=policy.action == "DENY")
        except _NotHere:
            continue  # an ALLOW rule about requests allows no bare connection
        made.policies[f"{name}[{i}]"].CopyFrom(translated)


def _rule(rule: Rule, *, http: bool, denies: bool) -> Message:
    walk = _Walk(http, denies)
    sources = [walk.source(f.source or Source()) for f in rule.from_]
    operations = [walk.operation(t.operation or Operation()) for t in rule.to]
    principals: list[Message] = []
    permissions: list[Message] = []
    for when in rule.when:
        side, made = walk.when(when)
        (principals if side == "source" else permissions).extend(made)
    return RbacPolicy(
        permissions=[_all(Permission, [*_any_of(Permission, operations), *permissions])],
        principals=[_all(Principal, [*_any_of(Principal, sources), *principals])],
    )


def _all(kind: Callable[..., Message], parts: Sequence[Message]) -> Message:
    if not parts:
        return kind(any=True)
    field, items = ("and_rules", "rules") if kind is Permission else ("and_ids", "ids")
    return parts[0] if len(parts) == 1 else kind(**{field: {items: list(parts)}})


def _any(kind: Callable[..., Message], parts: Sequence[Message]) -> Message:
    field, items = ("or_rules", "rules") if kind is Permission else ("or_ids", "ids")
    return parts[0] if len(parts) == 1 else kind(**{field: {items: list(parts)}})


def _any_of(kind: Callable[..., Message], parts: Sequence[Message]) -> list[Message]:
    return [_any(kind, parts)] if parts else []


def _not(kind: Callable[..., Message], part: Message) -> Message:
    return kind(not_rule=part) if kind is Permission else kind(not_id=part)


class _Walk:
    """Conditions of one rule; what bare connections lack is dropped (DENY) or makes the rule void (ALLOW)."""

    def __init__(self, http: bool, denies: bool) -> None:
        self._http, self._denies = http, denies

    def source(self, source: Source) -> Message:
        rows = [
            (source.principals, source.not_principals, principal, False),
            (source.request_principals, source.not_request_principals, _never, True),
            (source.namespaces, source.not_namespaces, namespace, False),
            (source.ip_blocks, source.not_ip_blocks, _ip("direct_remote_ip"), False),
            (source.remote_ip_blocks, source.not_remote_ip_blocks, _ip("remote_ip"), True),
        ]
        return self._and(Principal, rows)

    def operation(self, operation: Operation) -> Message:
        rows = [
            (operation.hosts, operation.not_hosts, _host, True),
            (operation.methods, operation.not_methods, _header(Permission, ":method"), True),
            (operation.paths, operation.not_paths, _path, True),
            (operation.ports, operation.not_ports, _port, False),
        ]
        return self._and(Permission, rows)

    def when(self, when: When) -> tuple[str, list[Message]]:
        named = _HEADER.fullmatch(when.key)
        kind, make, http = _KEYS.get(when.key, (Principal, _never, True))
        if named:
            kind, make, http = Permission, _header(Permission, named[1]), True
        return ("source" if kind is Principal else "target"), self._field(
            kind, when.values, when.not_values, make, http=http
        )

    def _and(
        self,
        kind: Callable[..., Message],
        rows: Sequence[tuple[Sequence[str], Sequence[str], Make, bool]],
    ) -> Message:
        parts = [p for yes, no, make, http in rows for p in self._field(kind, yes, no, make, http=http)]
        return _all(kind, parts)

    def _field(
        self, kind: Callable[..., Message], yes: Sequence[str], no: Sequence[str], make: Make, *, http: bool
    ) -> list[Message]:
        if (yes or no) and http and not self._http:
            if self._denies:
                return []
            raise _NotHere
        parts = [_any(kind, [make(v) for v in yes])] if yes else []
        return [*parts, *([_not(kind, _any(kind, [make(v) for v in no]))] if no else [])]


def text(value: str, *, before: str = "", fold: bool = False) -> Message:
    """Istio's values: exact, `prefix*`, `*suffix`, or `*` for anything that is there."""
    if value == "*":
        return StringMatcher(safe_regex={"regex": ".+"})
    if value.startswith("*"):
        return StringMatcher(suffix=value[1:], ignore_case=fold)
    if value.endswith("*"):
        return StringMatcher(prefix=before + value[:-1], ignore_case=fold)
    return StringMatcher(exact=before + value, ignore_case=fold)


def principal(value: str) -> Message:
    """A SPIFFE ID without its scheme, as Istio writes principals."""
    return Principal(authenticated={"principal_name": text(value, before="spiffe://")})


def namespace(value: str) -> Message:
    """The namespace within the peer's SPIFFE ID."""
    body = "[^/]*".join(re.escape(part) for part in value.split("*"))
    return Principal(authenticated={"principal_name": {"safe_regex": {"regex": f".*/ns/{body}/.*"}}})


def _never(_: str) -> Message:
    return Principal(not_id={"any": True})


def _cidr(value: str) -> dict[str, object]:
    net = ipaddress.ip_network(value, strict=False)
    return {"address_prefix": str(net.network_address), "prefix_len": {"value": net.prefixlen}}


def _ip(field: str) -> Make:
    return lambda value: Principal(**{field: _cidr(value)})


def _header(kind: Callable[..., Message], name: str) -> Make:
    return lambda value: kind(header=HeaderMatcher(name=name, string_match=text(value)))


def _host(value: str) -> Message:
    body = ".*".join(re.escape(part) for part in value.split("*"))
    regex = f"(?i){body}(:[0-9]+)?"
    return Permission(header=HeaderMatcher(name=":authority", string_match={"safe_regex": {"regex": regex}}))


def _path(value: str) -> Message:
    return Permission(url_path={"path": text(value)})


def _port(value: str) -> Message:
    return Permission(destination_port=int(value))


def _destination_ip(value: str) -> Message:
    return Permission(destination_ip=_cidr(value))


def _sni(value: str) -> Message:
    return Permission(requested_server_name=text(value))


_KEYS: dict[str, tuple[Callable[..., Message], Make, bool]] = {
    "source.ip": (Principal, _ip("direct_remote_ip"), False),
    "remote.ip": (Principal, _ip("remote_ip"), True),
    "source.namespace": (Principal, namespace, False),
    "source.principal": (Principal, principal, False),
    "destination.ip": (Permission, _destination_ip, False),
    "destination.port": (Permission, _port, False),
    "connection.sni": (Permission, _sni, False),
}
