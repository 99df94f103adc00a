"""The Deployment's row in the table of controllers."""

from __future__ import annotations

from collections.abc import Sequence

from hauberk.base.refs import Json, Ref, controller_of
from hauberk.engine.plan import Controller
from hauberk.kinds.apps.deployment import KIND
from hauberk.ports import Snapshot
from hauberk.workloads.deployment.plan import plan
from hauberk.workloads.deployment.world import REPLICASET, observe


def wake(pod: Json, snapshot: Snapshot) -> Sequence[Ref]:
    """From a pod to its Deployment, when that waits for old pods to end (Recreate)."""
    owner = controller_of(pod)
    if owner is None or owner["kind"] != "ReplicaSet":
        return ()
    namespace = pod["metadata"].get("namespace", "")
    above = controller_of(snapshot.get(Ref(REPLICASET, namespace, owner["name"])) or {"metadata": {}})
    if above is None or above["kind"] != "Deployment":
        return ()
    ref = Ref(KIND.id, namespace, above["name"])
    spec = (snapshot.get(ref) or {}).get("spec") or {}
    return (ref,) if (spec.get("strategy") or {}).get("type") == "Recreate" else ()


CONTROLLER = Controller(
    name="deployment", kind=KIND.id, owns=(REPLICASET,), wakes={"Pod": wake}, observe=observe, plan=plan
)
