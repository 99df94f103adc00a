"""AuthorizationPolicy security.istio.io: who may call what.

Source: istio/istio pkg/config/validation/validation.go, ValidateAuthorizationPolicy;
pkg/config/security/security.go, ValidateAttribute.
"""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import field

from hauberk.base.fields import FieldError, FieldErrors
from hauberk.base.refs import Json
from hauberk.kinds.istio_networking.common import check_selector, required
from hauberk.kinds.istio_networking.destination_rule import WorkloadSelector
from hauberk.kinds.istio_security.peer_authentication import CATEGORIES
from hauberk.kinds.meta import Column, Kind, ObjectMeta, Part

ACTIONS = ("ALLOW", "DENY", "AUDIT", "CUSTOM")
KEYS = (
    "source.ip", "remote.ip", "source.namespace", "source.principal", "request.auth.principal",
    "request.auth.audiences", "request.auth.presenter", "destination.ip", "destination.port",
    "connection.sni",
)  # fmt: skip
KEY_PREFIXES = ("request.headers[", "request.auth.claims[", "experimental.envoy.filters.")


class Source(Part, frozen=True):
    """Who calls: every field that is set must match."""

    principals: tuple[str, ...] = ()
    not_principals: tuple[str, ...] = ()
    request_principals: tuple[str, ...] = ()
    not_request_principals: tuple[str, ...] = ()
    namespaces: tuple[str, ...] = ()
    not_namespaces: tuple[str, ...] = ()
    ip_blocks: tuple[str, ...] = ()
    not_ip_blocks: tuple[str, ...] = ()
    remote_ip_blocks: tuple[str, ...] = ()
    not_remote_ip_blocks: tuple[str, ...] = ()

    __inert__ = ("serviceAccounts", "notServiceAccounts")


class From(Part, frozen=True):
    """One alternative of `from`."""

    source: Source | None = None


class Operation(Part, frozen=True):
    """What is called: every field that is set must match."""

    hosts: tuple[str, ...] = ()
    not_hosts: tuple[str, ...] = ()
    ports: tuple[str, ...] = ()
    not_ports: tuple[str, ...] = ()
    methods: tuple[str, ...] = ()
    not_methods: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()
    not_paths: tuple[str, ...] = ()


class To(Part, frozen=True):
    """One alternative of `to`."""

    operation: Operation | None = None


class When(Part, frozen=True):
    """A condition on an attribute."""

    key: str = ""
    values: tuple[str, ...] = ()
    not_values: tuple[str, ...] = ()


class Rule(Part, frozen=True):
    """Matches when `from`, `to` and `when` all match; what is absent matches."""

    from_: tuple[From, ...] = field(default=(), name="from")
    to: tuple[To, ...] = ()
    when: tuple[When, ...] = ()


class Provider(Part, frozen=True):
    """An external authorizer."""

    name: str = ""


class AuthorizationPolicySpec(Part, frozen=True):
    """An action, its rules and the pods they are for."""

    selector: WorkloadSelector | None = None
    action: str = "ALLOW"
    rules: tuple[Rule, ...] = ()
    provider: Provider | None = None

    __inert__ = ("targetRef", "targetRefs")


class AuthorizationPolicy(Part, frozen=True):
    """Who may call what. No ALLOW policy: everybody; one without rules: nobody."""

    metadata: ObjectMeta = ObjectMeta()
    spec: AuthorizationPolicySpec = field(default_factory=AuthorizationPolicySpec)
    status: dict[str, object] | None = None


def validate(policy: AuthorizationPolicy) -> FieldErrors:
    """Rules of Istio's webhook."""
    spec = policy.spec
    yield from check_selector(
        "spec.selector.matchLabels", spec.selector.match_labels if spec.selector else None
    )
    if spec.action not in ACTIONS:
        yield FieldError("spec.action", f"unsupported action: {spec.action}", "FieldValueNotSupported")
    if spec.action == "CUSTOM" and (spec.provider is None or not spec.provider.name):
        yield required("spec.provider", "`provider.name` must not be empty")
    if spec.action != "CUSTOM" and spec.provider is not None:
        yield FieldError("spec.provider", "`provider` must not be with non CUSTOM action")
    if spec.action == "DENY" and not spec.rules:
        yield required(
            "spec.rules", "a DENY policy without `rules` is meaningless and has no effect, found 0 rules"
        )
    for i, rule in enumerate(spec.rules):
        for error in _rule(rule):
            yield error.under(f"spec.rules[{i}]")


def _rule(rule: Rule) -> FieldErrors:
    for i, origin in enumerate(rule.from_):
        if origin.source is None or origin.source == Source():
            yield required(f"from[{i}].source", "`from.source` must not be empty")
    for i, target in enumerate(rule.to):
        if target.operation is None or target.operation == Operation():
            yield required(f"to[{i}].operation", "`to.operation` must not be empty")
            continue
        for port in (*target.operation.ports, *target.operation.not_ports):
            if not port.isdigit():
                yield FieldError(f"to[{i}].operation.ports", f"invalid port: {port}")
    for i, when in enumerate(rule.when):
        for error in _when(when):
            yield error.under(f"when[{i}]")


def _when(when: When) -> FieldErrors:
    if not when.key:
        yield required("key", "`key` cannot be empty")
    elif when.key not in KEYS and not when.key.startswith(KEY_PREFIXES):
        yield FieldError("key", f"unknown attribute: {when.key}")
    if not when.values and not when.not_values:
        yield required("", "at least one of `values` and `notValues` must be set")


def advice(raw: Json) -> Iterator[str]:
    """Conditions that never hold and actions that do nothing here."""
    spec = raw.get("spec") or {}
    if spec.get("action") in ("AUDIT", "CUSTOM"):
        yield f"spec.action: {spec['action']} does not act here; the policy is left out"
    for i, rule in enumerate(spec.get("rules") or ()):
        for j, origin in enumerate(rule.get("from") or ()):
            for name in ("requestPrincipals", "notRequestPrincipals"):
                if (origin.get("source") or {}).get(name):
                    yield f"spec.rules[{i}].from[{j}].source.{name}: {_NO_TOKENS}"
        for j, when in enumerate(rule.get("when") or ()):
            key = str(when.get("key") or "")
            if key.startswith("request.auth."):
                yield f"spec.rules[{i}].when[{j}].key {key}: {_NO_TOKENS}"
            elif key.startswith("experimental."):
                yield f"spec.rules[{i}].when[{j}].key {key}: not looked at, so the condition never holds"


_NO_TOKENS = "tokens are not looked at, so no request has a request principal or claims"

KIND = Kind(
    group="security.istio.io",
    name="AuthorizationPolicy",
    plural="authorizationpolicies",
    versions=("v1", "v1beta1"),
    short_names=("ap",),
    categories=CATEGORIES,
    model=AuthorizationPolicy,
    validate=validate,
    advice=advice,
    columns=(
        Column("Action", ".spec.action", description="The operation to take."),
        Column("Age", ".metadata.creationTimestamp", "date"),
    ),
)
