"""eventing.knative.dev EventPolicy: who may send which events to a broker, channel or sink.

Source: knative/eventing pkg/apis/eventing/v1alpha1/eventpolicy_{types,defaults,validation}.go.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

from msgspec import Meta

from hauberk.base.fields import FieldError, FieldErrors
from hauberk.base.refs import Json
from hauberk.kinds.eventing.features import NOT_BUILT, OIDC
from hauberk.kinds.eventing.parts import Reference
from hauberk.kinds.eventing.stored import AGE, READY
from hauberk.kinds.eventing.trigger import check_filter
from hauberk.kinds.meta import Kind, ObjectMeta, Part
from hauberk.kinds.serving.rules import missing, one_of_both, one_of_neither


class To(Part, frozen=True):
    """One target, or all with some labels."""

    ref: Reference | None = None
    selector: dict[str, Any] | None = None


class From(Part, frozen=True):
    """A source, or an OIDC subject (a `*` at its end matches any rest)."""

    ref: Reference | None = None
    sub: str | None = None


class EventPolicySpec(Part, frozen=True, rename={"from_": "from"}):
    """Whom the policy protects, and whom it lets in."""

    to: Annotated[tuple[To, ...], Meta(description="None: everything in the namespace.")] = ()
    from_: tuple[From, ...] = ()
    filters: Annotated[tuple[dict[str, Any], ...], Meta(description="Which events may be sent.")] = ()


class EventPolicy(Part, frozen=True):
    """An EventPolicy lets some senders send events to some targets."""

    metadata: ObjectMeta = ObjectMeta()
    spec: EventPolicySpec = EventPolicySpec()
    status: dict[str, Any] | None = None


def default(raw: dict[str, Any]) -> dict[str, Any]:
    """Sources are looked for in the policy's namespace."""
    namespace = raw.get("metadata", {}).get("namespace")
    for row in raw.setdefault("spec", {}).get("from") or ():
        ref = row.get("ref") if isinstance(row, dict) else None
        if isinstance(ref, dict) and not ref.get("namespace") and namespace:
            ref["namespace"] = namespace
    return raw


def validate(policy: EventPolicy) -> FieldErrors:
    """Rules that span fields."""
    for i, sender in enumerate(policy.spec.from_):
        yield from (e.under(f"spec.from[{i}]") for e in _check_from(sender))
    for i, target in enumerate(policy.spec.to):
        yield from (e.under(f"spec.to[{i}]") for e in _check_to(target))
    for i, item in enumerate(policy.spec.filters):
        yield from (e.under(f"spec.filters[{i}]") for e in check_filter(item))


def _check_from(sender: From) -> FieldErrors:
    if sender.ref is None and not sender.sub:
        yield from one_of_neither("ref", "sub")
    if sender.ref is not None and sender.sub is not None:
        yield from one_of_both("ref", "sub")
    yield from _check_ref(sender.ref)
    if sender.sub and "*" in sender.sub[:-1]:
        yield FieldError("sub\n'*' is only allowed as suffix", f"invalid value: {sender.sub}")


def _check_to(target: To) -> FieldErrors:
    if target.ref is None and target.selector is None:
        yield from one_of_neither("ref", "selector")
    if target.ref is not None and target.selector is not None:
        yield from one_of_both("ref", "selector")
    yield from _check_ref(target.ref)


def _check_ref(ref: Reference | None) -> FieldErrors:
    if ref is None:
        return
    for name, value in (("kind", ref.kind), ("apiVersion", ref.api_version), ("name", ref.name)):
        if not value:
            yield missing(f"ref.{name}")


def advice(raw: Json) -> Iterator[str]:
    """What does not act."""
    name = raw.get("metadata", {}).get("name", "")
    yield f"EventPolicy {name!r} is not enforced here: {NOT_BUILT[OIDC]}"


KIND = Kind(
    group="eventing.knative.dev",
    name="EventPolicy",
    plural="eventpolicies",
    versions=("v1alpha1",),
    categories=("all", "knative", "eventing"),
    model=EventPolicy,
    validate=validate,
    default=default,
    advice=advice,
    columns=(AGE, *READY),
)
