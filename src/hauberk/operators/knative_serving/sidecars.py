"""Whether activator and autoscaler take part in a strict mesh, as the document's label overrides make them.

Upstream is silent: the gateway's requests to an activator outside the mesh end in 503, and an autoscaler
outside it scrapes nothing, so nothing shrinks.
Source: the document, step 4 (`spec.deployments` with the label `sidecar.istio.io/inject`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from hauberk.base.refs import Json, is_deleting, labels_of
from hauberk.kinds.knative_operator.knative_serving import NAMESPACE
from hauberk.operators.injection.decide import INJECT
from hauberk.operators.membership import control_plane_in, mesh_of
from hauberk.ports import Snapshot

NEEDED = {
    "activator": "requests that pass it fail with 503",
    "autoscaler": "it cannot scrape the pods, so nothing scales down",
}
_PROXY = "istio-proxy"


def sidecar_problem(snapshot: Snapshot) -> str:
    """Why Serving's own pods cannot speak to injected services, or an empty text."""
    mesh = mesh_of(snapshot, NAMESPACE)
    if mesh is None:
        return (
            f"namespace {NAMESPACE} belongs to no mesh: add it to spec.members of the mesh's "
            "ServiceMeshMemberRoll"
        )
    plane = control_plane_in(snapshot, mesh)
    security = ((plane or {}).get("spec") or {}).get("security") or {}
    if not (security.get("dataPlane") or {}).get("mtls"):
        return ""
    found = {name: _bare(snapshot, name) for name in NEEDED}
    bare = {name: pods for name, pods in found.items() if pods}
    if not bare:
        return ""
    shown = "; ".join(f"{name} ({NEEDED[name]})" for name in bare)
    return f"mTLS is strict, and without a sidecar run: {shown}. {_fix(bare)}"


def _fix(bare: Mapping[str, Sequence[Json]]) -> str:
    if all(labels_of(pod).get(INJECT) == "true" for pods in bare.values() for pod in pods):
        restart = " ".join(f"deployment/{name}" for name in bare)
        return f"They started before the mesh did: kubectl rollout restart -n {NAMESPACE} {restart}"
    return f'Set the label {INJECT}: "true" for them in spec.deployments'


def _bare(snapshot: Snapshot, name: str) -> list[Json]:
    return [
        pod
        for pod in snapshot.list("Pod", NAMESPACE, {"app": name})
        if not is_deleting(pod)
        and not any(c.get("name") == _PROXY for c in (pod.get("spec") or {}).get("containers") or ())
    ]
