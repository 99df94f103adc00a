"""The StatefulSet's row in the table of controllers."""

from __future__ import annotations

from collections.abc import Sequence

from hauberk.base.refs import Json, Ref, controller_of, ref_of
from hauberk.engine.plan import Controller
from hauberk.kinds.apps.statefulset import KIND
from hauberk.ports import Snapshot
from hauberk.workloads.revisions import REVISION_KIND
from hauberk.workloads.statefulset import make
from hauberk.workloads.statefulset.plan import plan
from hauberk.workloads.statefulset.world import observe


def wake(pod: Json, snapshot: Snapshot) -> Sequence[Ref]:
    """From a pod to its StatefulSet, or, when nobody controls it, to those that select it."""
    owner, namespace = controller_of(pod), pod["metadata"].get("namespace", "")
    if owner is not None:
        return (Ref(KIND.id, namespace, owner["name"]),) if owner["kind"] == KIND.name else ()
    return [ref_of(raw) for raw in snapshot.list(KIND.id, namespace) if make.ordinal_of(raw, pod) >= 0]


CONTROLLER = Controller(
    name="statefulset", kind=KIND.id, owns=(REVISION_KIND,), wakes={"Pod": wake}, observe=observe, plan=plan
)
"""The pods, claims and revisions of a StatefulSet."""
