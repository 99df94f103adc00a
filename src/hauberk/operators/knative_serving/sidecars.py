"""Whether activator and autoscaler take part in a strict mesh, as the document's label overrides make them.

Upstream is silent: the gateway's requests to an activator outside the mesh end in 503, and an autoscaler
outside it scrapes nothing, so nothing shrinks.
Source: the document, step 4 (`spec.deployments` with the label `sidecar.istio.io/inject`).
"""

from __future__ import annotations

from hauberk.base.refs import is_deleting
from hauberk.kinds.knative_operator.knative_serving import NAMESPACE
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
    bare = [f"{name} ({why})" for name, why in NEEDED.items() if _runs_bare(snapshot, name)]
    if not bare:
        return ""
    return (
        f"mTLS is strict, and without a sidecar run: {'; '.join(bare)}. Set the label "
        'sidecar.istio.io/inject: "true" for them in spec.deployments'
    )


def _runs_bare(snapshot: Snapshot, name: str) -> bool:
    for pod in snapshot.list("Pod", NAMESPACE, {"app": name}):
        containers = (pod.get("spec") or {}).get("containers") or ()
        if not is_deleting(pod) and not any(c.get("name") == _PROXY for c in containers):
            return True
    return False
