"""ValidatingAdmissionPolicy: rules of admission as CEL, without a program of the user's.

Source: apiserver pkg/admission/plugin/policy/validating/{dispatcher,validator}.go; KEP-3488.
Deviation: `authorizer` is not there; expressions are not checked against the types of `object`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from hauberk.apiserver import cel, refuse
from hauberk.apiserver.catalog import Catalog, resource_of
from hauberk.apiserver.crd.definitions import unreadable
from hauberk.apiserver.webhooks import conditions, match
from hauberk.apiserver.webhooks.attempt import Attempt
from hauberk.base.apierrors import ApiError
from hauberk.base.fields import FieldError, FieldErrors
from hauberk.base.refs import Json, Ref
from hauberk.kinds.meta import Kind
from hauberk.kinds.rules import invalid, required
from hauberk.ports_admission import Admission, Outcome, Request
from hauberk.store import Store

POLICY = "ValidatingAdmissionPolicy.admissionregistration.k8s.io"
BINDING = "ValidatingAdmissionPolicyBinding.admissionregistration.k8s.io"
_CODES = {"Forbidden": 403, "Unauthorized": 401, "RequestEntityTooLarge": 413, "Invalid": 422}
_AUDIT = "validation.policy.admission.k8s.io/validation_failure"


class Refused(ApiError):
    """A policy refused the write."""

    def __init__(self, kind: Kind[Any], name: str, why: str, reason: str) -> None:
        text = f'{resource_of(kind)} "{name}" is forbidden: {why}'
        super().__init__(text, ref=Ref(resource_of(kind), "", name), causes=[FieldError("", why, "")])
        self.reason, self.code = reason, _CODES.get(reason, 422)


@dataclass(frozen=True, slots=True)
class Finding:
    """One rule that a write breaks."""

    message: str
    reason: str = "Invalid"
    is_error: bool = False


class Policies:
    """The policies of a cluster with their bindings."""

    def __init__(self, store: Store, catalog: Catalog) -> None:
        self._store, self._catalog = store, catalog
        self._bound: tuple[tuple[Json, Json], ...] = ()
        self.refresh()

    @property
    def any(self) -> bool:
        """Whether there is any."""
        return bool(self._bound)

    def refresh(self) -> None:
        """Take the committed policies."""
        snapshot = self._store.snapshot()
        policies = {p["metadata"]["name"]: p for p in snapshot.list(POLICY)}
        bindings = snapshot.list(BINDING)
        pairs = [(policies.get((b.get("spec") or {}).get("policyName", "")), b) for b in bindings]
        self._bound = tuple((policy, binding) for policy, binding in pairs if policy is not None)

    def admission(self) -> tuple[Admission, ...]:
        """The step that policies themselves pass."""
        return (
            Admission(name="policy-status", kinds=(POLICY,), admit=_observe, mutates=True),
            Admission(name="policy-rules", kinds=(POLICY,), admit=self._check_policy),
        )

    def _check_policy(self, request: Request) -> Outcome:
        policy = request.obj or {}
        try:
            errors = list(_problems(policy.get("spec") or {}))
        except (TypeError, AttributeError, KeyError, ValueError) as error:
            raise unreadable("ValidatingAdmissionPolicy", error) from error
        if errors:
            raise refuse.invalid(self._catalog.by_id[POLICY], policy["metadata"].get("name", ""), errors)
        return Outcome()

    def check(self, attempt: Attempt) -> None:
        """Ask every policy. Refused."""
        for policy, binding in self._bound:
            spec: Json = policy.get("spec") or {}
            bound: Json = binding.get("spec") or {}
            version = _matched(spec, bound, attempt)
            if version is None:
                continue
            names = (policy["metadata"]["name"], binding["metadata"]["name"])
            named = f"ValidatingAdmissionPolicy '{names[0]}' with binding '{names[1]}'"
            findings = list(self._judge(spec, bound, attempt, version))
            _act(findings, bound.get("validationActions") or (), named, attempt)

    def _judge(self, spec: Json, bound: Json, attempt: Attempt, version: str) -> Iterator[Finding]:
        """What a policy says with each of its parameters; errors count as its failure policy says."""
        ignore = spec.get("failurePolicy") == "Ignore"
        try:
            variables = conditions.seen_by(attempt, version)
            variables["namespaceObject"] = self._namespace(attempt)
            for params in self._params(spec, bound, attempt):
                variables["params"] = params
                if conditions.hold(spec.get("matchConditions") or (), variables):
                    found = _run(spec, {**variables, "variables": _variables(spec, variables)}, attempt)
                    yield from (f for f in found if not (f.is_error and ignore))
        except conditions.Broken as error:
            if not ignore:
                yield Finding(str(error), is_error=True)

    def _namespace(self, attempt: Attempt) -> Json | None:
        if not attempt.kind.namespaced:
            return None
        return attempt.snapshot.get(Ref("Namespace", "", attempt.namespace))

    def _params(self, spec: Json, bound: Json, attempt: Attempt) -> Iterator[Json | None]:
        """The parameter objects that a binding names. Broken when there are none."""
        wanted, given = spec.get("paramKind"), bound.get("paramRef")
        if not wanted or not given:
            yield None
            return
        kind = self._catalog.by_type.get((wanted.get("apiVersion", ""), wanted.get("kind", "")))
        if kind is None:
            shown = f"{wanted.get('apiVersion')}, Kind={wanted.get('kind')}"
            raise conditions.Broken(f"failed to find resource referenced by paramKind: '{shown}'")
        found = _named(kind, given, attempt)
        if not found:
            if given.get("parameterNotFoundAction", "Deny") == "Allow":
                return
            raise conditions.Broken("no params found for policy binding with `Deny` parameterNotFoundAction")
        yield from found


def _observe(request: Request) -> Outcome:
    policy = request.obj or {}
    old = request.old or {}
    changed = policy.get("spec") != old.get("spec")
    generation = int(policy["metadata"].get("generation") or 1) + (1 if old and changed else 0)
    status = {**(policy.get("status") or {}), "observedGeneration": generation, "typeChecking": {}}
    return Outcome(obj={**policy, "status": status})


def _named(kind: Kind[Any], given: Json, attempt: Attempt) -> list[Json]:
    namespace = (given.get("namespace") or attempt.namespace) if kind.namespaced else ""
    if given.get("name"):
        one = attempt.snapshot.get(Ref(kind.id, namespace, given["name"]))
        return [] if one is None else [one]
    selector: Json = given.get("selector") or {}
    objects = attempt.snapshot.list(kind.id, namespace or None)
    return [o for o in objects if match.labels_match(selector, o["metadata"].get("labels") or {})]


def _matched(spec: Json, bound: Json, attempt: Attempt) -> str | None:
    version: str | None = None
    for wanted in (spec.get("matchConstraints"), bound.get("matchResources")):
        if wanted is None:
            continue
        if match.matched_version(wanted, wanted.get("excludeResourceRules") or (), attempt) is not None:
            return None
        rules = wanted.get("resourceRules")
        found = match.matched_version(wanted, rules, attempt) if rules else attempt.version
        if found is None or not match.selected(wanted, attempt):
            return None
        version = version or found
    return version


def _variables(spec: Json, variables: Mapping[str, Any]) -> dict[str, Any]:
    """`variables.NAME`, in order; one without a value is left out, so that only its users fail."""
    out: dict[str, Any] = {}
    for row in spec.get("variables") or ():
        try:
            out[row["name"]] = _program(row["expression"])({**variables, "variables": out})
        except (cel.Failed, cel.Refused):
            continue
    return out


def _program(text: str) -> cel.Program:
    return cel.program(text, conditions.VARIABLES)


def _run(spec: Json, variables: Mapping[str, Any], attempt: Attempt) -> Iterator[Finding]:
    for row in spec.get("validations") or ():
        text = row["expression"]
        try:
            fine = _program(text)(variables)
        except (cel.Failed, cel.Refused) as error:
            yield Finding(f"expression '{text}' resulted in error: {error}", is_error=True)
            continue
        if fine is not True:
            yield Finding(_message(row, variables), row.get("reason") or "Invalid")
    for row in spec.get("auditAnnotations") or ():
        try:
            value = _program(row["valueExpression"])(variables)
        except (cel.Failed, cel.Refused) as error:
            yield Finding(f"failed to evaluate auditAnnotation '{row['key']}': {error}", is_error=True)
            continue
        if value is not None:
            attempt.call.annotations[row["key"]] = str(value)


def _message(row: Json, variables: Mapping[str, Any]) -> str:
    if row.get("messageExpression"):
        try:
            said = _program(row["messageExpression"])(variables)
        except (cel.Failed, cel.Refused):
            said = None
        if isinstance(said, str) and said.strip() and "\n" not in said.strip():
            return said.strip()
    return str(row.get("message") or f"failed expression: {row['expression'].strip()}").strip()


def _act(findings: list[Finding], actions: Any, named: str, attempt: Attempt) -> None:
    for finding in findings:
        if "Warn" in actions:
            attempt.call.warn(f"Validation failed for {named}: {finding.message}")
        if "Audit" in actions:
            attempt.call.annotations[_AUDIT] = f"{named}: {finding.message}"
    denied = next((f for f in findings if "Deny" in actions or f.is_error), None)
    if denied is not None:
        why = f"{named} denied request: {denied.message}"
        raise Refused(attempt.kind, attempt.name, why, denied.reason)


def _problems(spec: Json) -> FieldErrors:
    rows, notes = spec.get("validations") or (), spec.get("auditAnnotations") or ()
    if not rows and not notes:
        text = "validations or auditAnnotations must be set"
        yield required("spec.validations", text)
        yield required("spec.auditAnnotations", text)
    if not (spec.get("matchConstraints") or {}).get("resourceRules"):
        yield required("spec.matchConstraints.resourceRules")
    for i, row in enumerate(rows):
        yield from _expression(row, "expression", f"spec.validations[{i}]", ("BOOL", "DYN"), "bool")
        if row.get("messageExpression"):
            yield from _expression(
                row, "messageExpression", f"spec.validations[{i}]", ("STRING", "DYN"), "string"
            )
    for i, row in enumerate(spec.get("variables") or ()):
        yield from _expression(row, "expression", f"spec.variables[{i}]", (), "")
    for i, row in enumerate(spec.get("matchConditions") or ()):
        yield from _expression(row, "expression", f"spec.matchConditions[{i}]", ("BOOL", "DYN"), "bool")
    for i, row in enumerate(notes):
        wanted = ("STRING", "NULL", "DYN")
        yield from _expression(
            row, "valueExpression", f"spec.auditAnnotations[{i}]", wanted, "string or null"
        )


def _expression(row: Json, field: str, path: str, types: tuple[str, ...], word: str) -> FieldErrors:
    text = row.get(field) or ""
    if not text.strip():
        yield required(f"{path}.{field}", f"{field} is not specified")
        return
    try:
        found = _program(text).result
    except cel.Refused as error:
        yield invalid(f"{path}.{field}", text, f"compilation failed: {error}")
        return
    if types and found not in types:
        yield invalid(f"{path}.{field}", text, f"must evaluate to {word}")
