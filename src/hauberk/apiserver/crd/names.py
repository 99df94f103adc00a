"""Which names of a definition are free, and what its conditions say about it. Pure.

Source: apiextensions-apiserver pkg/controller/status/naming_controller.go (calculateNamesAndConditions),
pkg/controller/establish, pkg/controller/apiapproval.
Deviation: a definition is established in the write that makes it, so its first state says so already.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from hauberk.base.conditions import with_times
from hauberk.base.refs import Json
from hauberk.kinds.meta import Kind

APPROVED = "api-approved.kubernetes.io"


@dataclass(slots=True)
class Taken:
    """Names in use within one group."""

    resources: set[str] = field(default_factory=set)  # plural, singular, short
    kinds: set[str] = field(default_factory=set)  # kind and list kind

    def add(self, names: Json) -> None:
        """Take the names of an accepted definition."""
        self.resources.update(n for n in (names.get("plural"), names.get("singular")) if n)
        self.resources.update(names.get("shortNames") or ())
        self.kinds.update(n for n in (names.get("kind"), names.get("listKind")) if n)


def taken_by(own: Iterable[Kind[Any]], others: Iterable[Json], group: str) -> Taken:
    """What the product's kinds and accepted definitions of a group use."""
    taken = Taken()
    for kind in own:
        if kind.group == group:
            singular = kind.singular or kind.name.lower()
            short = list(kind.short_names)
            taken.add({"plural": kind.plural, "singular": singular, "kind": kind.name, "shortNames": short})
    for crd in others:
        if (crd.get("spec") or {}).get("group") == group:
            taken.add((crd.get("status") or {}).get("acceptedNames") or {})
    return taken


def status_of(crd: Json, taken: Taken, now: str) -> dict[str, Any]:
    """The status of a definition, given what others of its group use."""
    spec: Json = crd.get("spec") or {}
    wanted: Json = spec.get("names") or {}
    before: Json = crd.get("status") or {}
    accepted, conflict = _accepted(wanted, before.get("acceptedNames") or {}, taken)
    rows = [_names_condition(conflict), _established(before, conflict), *_approval(crd, spec)]
    kept = [c for c in before.get("conditions") or () if c["type"] not in {r["type"] for r in rows}]
    stored = list(before.get("storedVersions") or ())
    storage = next((v.get("name") for v in spec.get("versions") or () if v.get("storage")), None)
    if storage and storage not in stored:
        stored.append(storage)
    conditions = with_times([*rows, *kept], before.get("conditions") or (), now)
    return {"conditions": conditions, "acceptedNames": accepted, "storedVersions": stored}


def _accepted(wanted: Json, before: Json, taken: Taken) -> tuple[dict[str, Any], tuple[str, str] | None]:
    """The names it may use, and the last conflict as a reason and a message."""
    out = dict(before)
    conflict: tuple[str, str] | None = None
    rows = (
        ("plural", "PluralConflict", taken.resources),
        ("singular", "SingularConflict", taken.resources),
        ("shortNames", "ShortNamesConflict", taken.resources),
        ("kind", "KindConflict", taken.kinds),
        ("listKind", "ListKindConflict", taken.kinds),
    )
    for name, reason, used in rows:
        value = wanted.get(name)
        clashes = [v for v in (value if isinstance(value, list) else [value]) if v in used]
        if clashes:
            conflict = (reason, ", ".join(f'"{v}" is already in use' for v in clashes))
        elif value:
            out[name] = value
        else:
            out.pop(name, None)
    if wanted.get("categories"):
        out["categories"] = wanted["categories"]
    else:
        out.pop("categories", None)
    return out, conflict


def _names_condition(conflict: tuple[str, str] | None) -> dict[str, Any]:
    if conflict is None:
        return _condition("NamesAccepted", "True", "NoConflicts", "no conflicts found")
    return _condition("NamesAccepted", "False", *conflict)


def _established(before: Json, conflict: tuple[str, str] | None) -> dict[str, Any]:
    was = any(c["type"] == "Established" and c["status"] == "True" for c in before.get("conditions") or ())
    if conflict is None or was:
        return _condition(
            "Established", "True", "InitialNamesAccepted", "the initial names have been accepted"
        )
    return _condition("Established", "False", "NotAccepted", "not all names are accepted")


def _approval(crd: Json, spec: Json) -> list[dict[str, Any]]:
    group = str(spec.get("group", ""))
    said: Mapping[str, str] = crd["metadata"].get("annotations") or {}
    if not group.endswith((".k8s.io", ".kubernetes.io")) or APPROVED not in said:
        return []
    if said[APPROVED].startswith("unapproved"):
        text = f'not approved: "{said[APPROVED]}"'
        return [_condition("KubernetesAPIApprovalPolicyConformant", "False", "UnapprovedAnnotation", text)]
    text = f"approved in {said[APPROVED]}"
    return [_condition("KubernetesAPIApprovalPolicyConformant", "True", "ApprovedAnnotation", text)]


def _condition(type_: str, status: str, reason: str, message: str) -> dict[str, Any]:
    return {"type": type_, "status": status, "reason": reason, "message": message}


def is_established(crd: Json) -> bool:
    """Whether the definition's kind is served."""
    conditions = (crd.get("status") or {}).get("conditions") or ()
    return any(c["type"] == "Established" and c["status"] == "True" for c in conditions)


TERMINATING = {
    "pending": (
        "InstanceDeletionPending",
        "CustomResourceDefinition marked for deletion; CustomResource deletion will begin soon",
    ),
    "begun": ("InstanceDeletionInProgress", "CustomResource deletion is in progress"),
}


def with_terminating(crd: Json, stage: str, now: str) -> dict[str, Any]:
    """The status of a definition that is being deleted."""
    reason, message = TERMINATING[stage]
    status: Json = crd.get("status") or {}
    before = status.get("conditions") or ()
    others = [c for c in before if c["type"] != "Terminating"]
    row = _condition("Terminating", "True", reason, message)
    return {**status, "conditions": with_times([*others, row], before, now)}
