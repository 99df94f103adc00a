"""Which AuthorizationPolicy decides about one request. Pure.

DENY before ALLOW. Without an ALLOW policy all else passes; with one, what none allows is refused.
Source: istio/istio pilot/pkg/security/authz/{builder,model,matcher}.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from hauberk.base.refs import Ref
from hauberk.kinds.istio_security.authorization_policy import Operation, Rule, Source, When
from hauberk.mesh.model import Policy


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A request as the destination's proxy sees it. `identity` is empty for a client without mTLS."""

    identity: str = ""  # SPIFFE ID
    host: str = ""
    path: str = "/"
    method: str = "GET"
    port: int = 0
    headers: tuple[tuple[str, str], ...] = field(default=())

    @property
    def principal(self) -> str:
        """`cluster.local/ns/NAMESPACE/sa/NAME`."""
        return self.identity.removeprefix("spiffe://")

    @property
    def namespace(self) -> str:
        """The client's namespace, proven by its certificate; else empty."""
        parts = self.principal.split("/")
        return parts[2] if len(parts) == 5 and parts[1] == "ns" else ""


@dataclass(frozen=True, slots=True)
class Decision:
    """What becomes of the request, which policy says so, and in words. `sure` False: it depends on more."""

    allowed: bool
    decides: Ref | None
    words: str
    sure: bool = True


def decide(policies: Sequence[Policy], request: Request) -> Decision:
    """The verdict of all policies that select the destination.

    | a DENY rule matches | there are ALLOW policies | an ALLOW rule matches | verdict |
    |---------------------|--------------------------|-----------------------|---------|
    | yes                 | -                        | -                     | denied  |
    | no                  | no                       | -                     | allowed |
    | no                  | yes                      | yes                   | allowed |
    | no                  | yes                      | no                    | denied  |
    """
    for policy in policies:
        hit = _first(policy, request) if policy.action == "DENY" else None
        if hit is not None:
            return Decision(False, policy.ref, f"its rule {hit[0]} denies it", hit[1])
    allowing = [p for p in policies if p.action == "ALLOW"]
    if not allowing:
        return Decision(True, None, "no ALLOW policy selects the destination")
    unsure: Decision | None = None
    for policy in allowing:
        hit = _first(policy, request)
        if hit is not None and hit[1]:
            return Decision(True, policy.ref, f"its rule {hit[0]} allows it")
        if hit is not None and unsure is None:
            unsure = Decision(
                True, policy.ref, f"its rule {hit[0]} allows it, if its other conditions hold", False
            )
    if unsure is not None:
        return unsure
    names = ", ".join(str(p.ref) for p in allowing)
    return Decision(False, allowing[0].ref, f"no rule allows it of: {names}")


def _first(policy: Policy, request: Request) -> tuple[int, bool] | None:
    """The first rule that matches (its index), and whether that is sure."""
    for index, rule in enumerate(policy.rules):
        found = _rule(rule, request)
        if found is not False:
            return index, found is True
    return None


def _rule(rule: Rule, request: Request) -> bool | None:
    """True, False, or None where it depends on what is not known here."""
    parts = [_any(_source(f.source or Source(), request) for f in rule.from_)] if rule.from_ else []
    parts += [_any(_operation(t.operation or Operation(), request) for t in rule.to)] if rule.to else []
    parts += [_when(when, request) for when in rule.when]
    return _all(parts)


def _any(parts: Iterable[bool | None]) -> bool | None:
    found = list(parts)
    return True if True in found else None if None in found else False


def _all(parts: Iterable[bool | None]) -> bool | None:
    found = list(parts)
    return False if False in found else None if None in found else True


def _source(source: Source, request: Request) -> bool | None:
    parts: list[bool | None] = [
        _listed(source.principals, source.not_principals, request.principal),
        _listed(source.namespaces, source.not_namespaces, request.namespace),
    ]
    if source.request_principals:
        parts.append(False)  # no request carries a token that a proxy has checked
    if source.ip_blocks or source.not_ip_blocks or source.remote_ip_blocks or source.not_remote_ip_blocks:
        parts.append(None)
    return _all(parts)


def _operation(operation: Operation, request: Request) -> bool | None:
    return _all(
        (
            _listed(operation.hosts, operation.not_hosts, request.host.lower()),
            _listed(operation.ports, operation.not_ports, str(request.port)),
            _listed(operation.methods, operation.not_methods, request.method),
            _listed(operation.paths, operation.not_paths, request.path),
        )
    )


def _when(when: When, request: Request) -> bool | None:
    name = when.key.removeprefix("request.headers[").removesuffix("]").lower()
    known = {"source.namespace": request.namespace, "source.principal": request.principal}
    if when.key.startswith("request.headers["):
        value = dict(request.headers).get(name)
        return _listed(when.values, when.not_values, value or "") if value is not None else not when.values
    if when.key in known:
        return _listed(when.values, when.not_values, known[when.key])
    if when.key == "destination.port":
        return _listed(when.values, when.not_values, str(request.port))
    return False if when.key.startswith("request.auth.") else None


def _listed(wanted: Sequence[str], unwanted: Sequence[str], value: str) -> bool:
    if wanted and not any(matches(pattern, value) for pattern in wanted):
        return False
    return not any(matches(pattern, value) for pattern in unwanted)


def matches(pattern: str, value: str) -> bool:
    """Istio's four forms: a text, `begin*`, `*end`, and `*` for anything that is there."""
    if pattern == "*":
        return bool(value)
    if pattern.startswith("*"):
        return value.endswith(pattern[1:])
    if pattern.endswith("*"):
        return value.startswith(pattern[:-1])
    return value == pattern
