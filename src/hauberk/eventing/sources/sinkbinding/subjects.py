"""Which objects a SinkBinding is about, and which SinkBindings are about an object. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from hauberk.base.refs import Json, Ref, kind_of, labels_of
from hauberk.kinds import BY_ID
from hauberk.kinds.apps.selector import LabelSelector, matches
from hauberk.kinds.eventing.parts import kind_named
from hauberk.kinds.eventing.sink_binding import KIND
from hauberk.ports import Snapshot


def subjects_of(binding: Json, snapshot: Snapshot) -> tuple[Sequence[Json], str]:
    """The subjects, and what is wrong when one that is named is not there, in upstream's words."""
    said = (binding.get("spec") or {}).get("subject") or {}
    home, kind = binding["metadata"]["namespace"], kind_named(said)
    known = BY_ID.get(kind)
    if known is None:
        return (), f"the kind of the subject is not known here: {kind}"
    if not said.get("name"):
        return [o for o in snapshot.list(kind, home) if is_about(binding, o)], ""
    found = snapshot.get(Ref(kind, home, said["name"]))
    if found is None:
        plural = f"{known.plural}.{known.group}".rstrip(".")
        return (), f'{plural} "{said["name"]}" not found'
    return (found,), ""


def is_about(binding: Json, obj: Json) -> bool:
    """Whether an object of the binding's namespace is its subject."""
    said = (binding.get("spec") or {}).get("subject") or {}
    if kind_named(said) != kind_of(obj):
        return False
    if said.get("name"):
        return bool(said["name"] == obj["metadata"].get("name"))
    selector = said.get("selector")
    if selector is None:
        return False
    try:
        return matches(msgspec.convert(selector, LabelSelector), labels_of(obj))
    except (msgspec.ValidationError, KeyError):
        return False


def bindings_of(obj: Json, namespace: str, snapshot: Snapshot) -> Iterator[Json]:
    """The bindings, not being deleted, whose subject the object is."""
    for binding in snapshot.list(KIND.id, namespace):
        if not binding["metadata"].get("deletionTimestamp") and is_about(binding, obj):
            yield binding
