"""admissionregistration.k8s.io/v1: webhooks that admission calls, and policies that it asks.

Source: kubernetes pkg/apis/admissionregistration/{v1/defaults.go,validation/validation.go}.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any
from urllib.parse import urlsplit

from hauberk.base.fields import FieldErrors
from hauberk.base.refs import Json
from hauberk.kinds.meta import Column, Kind, ObjectMeta, Part, merge_by
from hauberk.kinds.rules import dns_subdomain, duplicate, invalid, required, unsupported

GROUP = "admissionregistration.k8s.io"
_OPERATIONS = ("*", "CREATE", "UPDATE", "DELETE", "CONNECT")
_EFFECTS = ("None", "NoneOnDryRun")
_ACTIONS = ("Audit", "Deny", "Warn")
_MOST_S = 30
_SEGMENTS = 3  # of a webhook's name


class Rule(Part, frozen=True):
    """Which writes: operations upon resources."""

    api_groups: tuple[str, ...] = ()
    api_versions: tuple[str, ...] = ()
    resources: tuple[str, ...] = ()
    operations: tuple[str, ...] = ()
    scope: str = ""
    resource_names: tuple[str, ...] = ()


class ServiceReference(Part, frozen=True):
    """A Service of the cluster."""

    namespace: str = ""
    name: str = ""
    path: str = ""
    port: int = 443


class ClientConfig(Part, frozen=True):
    """Where the webhook is, and whose certificate it has."""

    url: str = ""
    service: ServiceReference | None = None
    ca_bundle: str = ""


class MatchCondition(Part, frozen=True):
    """A CEL expression that must hold."""

    name: str = ""
    expression: str = ""


class Requirement(Part, frozen=True):
    """One expression of a label selector."""

    key: str = ""
    operator: str = ""
    values: tuple[str, ...] = ()


class Selector(Part, frozen=True):
    """Which labels."""

    match_labels: dict[str, str] | None = None
    match_expressions: tuple[Requirement, ...] = ()


class Webhook(Part, frozen=True):
    """One program that is asked about writes."""

    name: str = ""
    client_config: ClientConfig = ClientConfig()
    rules: tuple[Rule, ...] = ()
    failure_policy: str | None = None
    match_policy: str | None = None
    namespace_selector: Selector | None = None
    object_selector: Selector | None = None
    side_effects: str | None = None
    timeout_seconds: int | None = None
    admission_review_versions: tuple[str, ...] = ()
    reinvocation_policy: str | None = None
    match_conditions: Annotated[tuple[MatchCondition, ...], merge_by("name")] = ()


class WebhookConfiguration(Part, frozen=True):
    """Webhooks that admission calls."""

    metadata: ObjectMeta = ObjectMeta()
    webhooks: Annotated[tuple[Webhook, ...], merge_by("name")] = ()


class MatchResources(Part, frozen=True):
    """Which writes a policy or a binding is about."""

    resource_rules: tuple[Rule, ...] = ()
    exclude_resource_rules: tuple[Rule, ...] = ()
    namespace_selector: Selector | None = None
    object_selector: Selector | None = None
    match_policy: str | None = None


class ParamKind(Part, frozen=True):
    """The kind of a policy's parameters."""

    api_version: str = ""
    kind: str = ""


class Check(Part, frozen=True):
    """One rule of a policy."""

    expression: str = ""
    message: str = ""
    message_expression: str = ""
    reason: str | None = None


class Variable(Part, frozen=True):
    """A named expression, for the others."""

    name: str = ""
    expression: str = ""


class AuditAnnotation(Part, frozen=True):
    """What a policy tells the audit log."""

    key: str = ""
    value_expression: str = ""


class PolicySpec(Part, frozen=True):
    """What a policy demands."""

    param_kind: ParamKind | None = None
    match_constraints: MatchResources | None = None
    validations: tuple[Check, ...] = ()
    variables: Annotated[tuple[Variable, ...], merge_by("name")] = ()
    match_conditions: Annotated[tuple[MatchCondition, ...], merge_by("name")] = ()
    audit_annotations: tuple[AuditAnnotation, ...] = ()
    failure_policy: str | None = None


class Policy(Part, frozen=True):
    """A rule of admission, in CEL."""

    metadata: ObjectMeta = ObjectMeta()
    spec: PolicySpec | None = None
    status: dict[str, Any] | None = None


class ParamRef(Part, frozen=True):
    """The objects that parametrise a policy."""

    name: str = ""
    namespace: str = ""
    selector: Selector | None = None
    parameter_not_found_action: str | None = None


class BindingSpec(Part, frozen=True):
    """Where a policy holds, and what a breach does."""

    policy_name: str = ""
    param_ref: ParamRef | None = None
    match_resources: MatchResources | None = None
    validation_actions: tuple[str, ...] = ()


class Binding(Part, frozen=True):
    """Puts a policy into force."""

    metadata: ObjectMeta = ObjectMeta()
    spec: BindingSpec | None = None


def default_webhooks(raw: dict[str, Any]) -> dict[str, Any]:
    """What upstream fills in."""
    for hook in raw.get("webhooks") or ():
        if not isinstance(hook, dict):
            continue
        for field, value in (
            ("failurePolicy", "Fail"),
            ("matchPolicy", "Equivalent"),
            ("timeoutSeconds", 10),
        ):
            hook.setdefault(field, value)
        hook.setdefault("namespaceSelector", {})
        hook.setdefault("objectSelector", {})
        if raw.get("kind") == "MutatingWebhookConfiguration":
            hook.setdefault("reinvocationPolicy", "Never")
        service = (hook.get("clientConfig") or {}).get("service")
        if isinstance(service, dict):
            service.setdefault("port", 443)
        for rule in hook.get("rules") or ():
            rule.setdefault("scope", "*")
    return raw


def default_policy(raw: dict[str, Any]) -> dict[str, Any]:
    """What upstream fills in."""
    spec = raw.get("spec")
    if not isinstance(spec, dict):
        return raw
    if raw.get("kind") == "ValidatingAdmissionPolicy":
        spec.setdefault("failurePolicy", "Fail")
    for field in ("matchConstraints", "matchResources"):
        if isinstance(found := spec.get(field), dict):
            found.setdefault("matchPolicy", "Equivalent")
            found.setdefault("namespaceSelector", {})
            found.setdefault("objectSelector", {})
            for rule in (*(found.get("resourceRules") or ()), *(found.get("excludeResourceRules") or ())):
                rule.setdefault("scope", "*")
    return raw


def check_webhooks(config: WebhookConfiguration) -> FieldErrors:
    """The rules of each webhook."""
    seen: set[str] = set()
    for i, hook in enumerate(config.webhooks):
        path = f"webhooks[{i}]"
        if not hook.name:
            yield required(f"{path}.name")
        elif hook.name in seen:
            yield duplicate(f"{path}.name", hook.name)
        elif list(dns_subdomain(hook.name)) or hook.name.count(".") < _SEGMENTS - 1:
            text = "should be a domain with at least three segments separated by dots"
            yield invalid(f"{path}.name", hook.name, text)
        seen.add(hook.name)
        yield from _webhook(hook, path)


def _webhook(hook: Webhook, path: str) -> FieldErrors:
    for j, rule in enumerate(hook.rules):
        yield from _rule(rule, f"{path}.rules[{j}]")
    rows = (
        ("failurePolicy", hook.failure_policy, ("Fail", "Ignore")),
        ("matchPolicy", hook.match_policy, ("Equivalent", "Exact")),
        ("reinvocationPolicy", hook.reinvocation_policy, ("IfNeeded", "Never")),
    )
    for field, value, known in rows:
        if value is not None and value not in known:
            yield unsupported(f"{path}.{field}", value, known)
    if hook.side_effects is None:
        yield required(f"{path}.sideEffects", f"must specify one of {', '.join(_EFFECTS)}")
    elif hook.side_effects not in _EFFECTS:
        yield unsupported(f"{path}.sideEffects", hook.side_effects, _EFFECTS)
    if hook.timeout_seconds is not None and not 1 <= hook.timeout_seconds <= _MOST_S:
        text = "the timeout value must be between 1 and 30 seconds"
        yield invalid(f"{path}.timeoutSeconds", hook.timeout_seconds, text)
    yield from _versions(hook.admission_review_versions, f"{path}.admissionReviewVersions")
    yield from _client(hook.client_config, f"{path}.clientConfig")


def _versions(found: tuple[str, ...], path: str) -> FieldErrors:
    if not found:
        yield required(path, "must specify one of v1, v1beta1")
    elif not {"v1", "v1beta1"} & set(found):
        yield invalid(path, list(found), "must include at least one of v1, v1beta1")


def _client(config: ClientConfig, path: str) -> FieldErrors:
    if bool(config.url) == (config.service is not None):
        yield required(path, "exactly one of url or service is required")
    elif config.url and urlsplit(config.url).scheme != "https":
        text = "'https' is the only allowed URL scheme; desired format: https://host[/path]"
        yield invalid(f"{path}.url", urlsplit(config.url).scheme, text)
    elif config.service is not None:
        for field, value in (("name", config.service.name), ("namespace", config.service.namespace)):
            if not value:
                yield required(f"{path}.service.{field}", f"service {field} is required")


def _rule(rule: Rule, path: str) -> FieldErrors:
    rows = (
        ("apiGroups", rule.api_groups),
        ("apiVersions", rule.api_versions),
        ("resources", rule.resources),
        ("operations", rule.operations),
    )
    for field, values in rows:
        if not values:
            yield required(f"{path}.{field}")
        elif "*" in values and len(values) > 1:
            text = f"if '*' is present, must not specify other {_SAID[field]}"
            yield invalid(f"{path}.{field}", list(values), text)
    for k, operation in enumerate(rule.operations):
        if operation not in _OPERATIONS:
            yield unsupported(f"{path}.operations[{k}]", operation, _OPERATIONS)


_SAID = {
    "apiGroups": "API groups",
    "apiVersions": "API versions",
    "resources": "resources",
    "operations": "operations",
}


def check_binding(binding: Binding) -> FieldErrors:
    """A binding names its policy and says what a breach does."""
    spec = binding.spec or BindingSpec()
    if not spec.policy_name:
        yield required("spec.policyName")
    actions = spec.validation_actions
    if not actions:
        yield required("spec.validationActions", "at least one validation action is required")
    for i, action in enumerate(actions):
        if action not in _ACTIONS:
            yield unsupported(f"spec.validationActions[{i}]", action, _ACTIONS)
    if "Deny" in actions and "Warn" in actions:
        text = (
            "must not contain both Deny and Warn (repeating the same validation failure information "
            "in the API response and headers serves no purpose)"
        )
        yield invalid("spec.validationActions", list(actions), text)


def connects(raw: Json) -> Iterator[str]:
    """Operations that are never told."""
    rows = [r for hook in raw.get("webhooks") or () for r in hook.get("rules") or ()]
    if any("CONNECT" in (row.get("operations") or ()) for row in rows):
        yield "operation CONNECT: webhooks are not called for exec, attach, port-forward or proxy yet"


def _count(obj: Json, _now: float) -> int:
    return len(obj.get("webhooks") or ())


def _length(field: str) -> Any:
    return lambda obj, _now: len((obj.get("spec") or {}).get(field) or ())


_AGE = Column("Age", ".metadata.creationTimestamp", "date")


def _kind(
    name: str, model: type[Part], columns: tuple[Column, ...], status: tuple[str, ...] = (), **more: Any
) -> Kind[Any]:
    plural = f"{name.lower()[:-1]}ies" if name.endswith("y") else f"{name.lower()}s"
    return Kind(
        group=GROUP,
        name=name,
        plural=plural,
        singular=name.lower(),
        model=model,
        columns=(*columns, _AGE),
        namespaced=False,
        subresources=status,
        builtin=True,
        **more,
    )


MUTATING, VALIDATING = (
    _kind(
        name,
        WebhookConfiguration,
        (Column("Webhooks", _count, "integer"),),
        default=default_webhooks,
        validate=check_webhooks,
        advice=connects,
    )
    for name in ("MutatingWebhookConfiguration", "ValidatingWebhookConfiguration")
)
POLICY = _kind(
    "ValidatingAdmissionPolicy",
    Policy,
    (Column("Validations", _length("validations"), "integer"), Column("ParamKind", ".spec.paramKind")),
    ("status",),
    default=default_policy,
)
BINDING = _kind(
    "ValidatingAdmissionPolicyBinding",
    Binding,
    (Column("PolicyName", ".spec.policyName"), Column("ParamRef", ".spec.paramRef.name")),
    default=default_policy,
    validate=check_binding,
)
