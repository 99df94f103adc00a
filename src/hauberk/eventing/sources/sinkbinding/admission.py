"""Binds subjects as they are written: their pods never start without the sink's address.

Source: knative.dev/pkg webhook/psbinding/psbinding.go, Admit.
"""

from __future__ import annotations

from typing import Any

from hauberk.base.refs import Json, Ref
from hauberk.eventing.names import SYSTEM
from hauberk.eventing.sources.sinkbinding.inject import bound, environment, is_selected, with_lists
from hauberk.eventing.sources.sinkbinding.subjects import bindings_of
from hauberk.kinds.eventing.addressable import Address, resolve
from hauberk.kinds.eventing.sink_binding import SUBJECTS
from hauberk.kinds.knative_operator.knative_eventing import KIND as EVENTING
from hauberk.ports import Snapshot
from hauberk.ports_admission import Admission, Outcome, Request


def admit(request: Request) -> Outcome:
    """Give the object's containers the environment of the bindings that are about it."""
    if request.obj is None or request.subresource:
        return Outcome()
    found = list(bindings_of(request.obj, request.namespace, request.snapshot))
    if not found or not _is_selected(request):
        return Outcome()
    obj: dict[str, Any] = dict(request.obj)
    for binding in found:
        sink = resolve((binding.get("spec") or {}).get("sink") or {}, request.namespace, request.snapshot)
        if isinstance(sink, Address):
            lists = bound(obj, environment(binding, sink))
            obj = with_lists(obj, lists) if lists is not None else obj
    return Outcome(obj=obj)


def _is_selected(request: Request) -> bool:
    assert request.obj is not None, "checked by admit"
    namespace = request.snapshot.get(Ref("Namespace", "", request.namespace))
    return is_selected(selection_mode(request.snapshot), namespace, request.obj)


def selection_mode(snapshot: Snapshot) -> str:
    """`sinkBindingSelectionMode` of the KnativeEventing: `exclusion` unless it says `inclusion`."""
    eventings: list[Json] = list(snapshot.list(EVENTING.id, SYSTEM))
    said = (eventings[0].get("spec") or {}).get("sinkBindingSelectionMode") if eventings else ""
    return "inclusion" if said == "inclusion" else "exclusion"


ADMISSION: tuple[Admission, ...] = (Admission(name="sinkbinding", kinds=SUBJECTS, admit=admit, mutates=True),)
