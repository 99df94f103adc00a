"""Which resource decides whether a pod's port insists on mTLS. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from hauberk.base.refs import Ref, ref_of
from hauberk.explain.seen import Seen
from hauberk.kinds.istio_security import peer_authentication
from hauberk.kinds.istio_security.peer_authentication import PeerAuthentication
from hauberk.mesh.model import Mode, Proxy
from hauberk.mesh.policies import peer_levels
from hauberk.mesh.settings import CONTROL_PLANE
from hauberk.mesh.workloads import Workload, workload_of

LEVELS = ("for the mesh", "for the namespace", "for the workload")


@dataclass(frozen=True, slots=True)
class Insists:
    """The mode of a port, and what decides it."""

    mode: Mode
    decides: str


def workload_named(seen: Seen, namespace: str, name: str) -> Workload | None:
    """The pod as the mesh sees it."""
    raw = seen.snapshot.get(Ref("Pod", namespace, name))
    return workload_of(raw) if raw is not None else None


def insists(seen: Seen, pod: Workload, proxy: Proxy, port: int) -> Insists:
    """What a port of a pod with a sidecar demands, and why."""
    if port in pod.excluded_inbound:
        return Insists(Mode.DISABLE, f"annotation excludeInboundPorts of Pod {pod.namespace}/{pod.name}")
    mode = next((i.mode for i in proxy.inbound if i.port == port), proxy.mode)
    rules = [peer_authentication.KIND.parse(raw) for raw in seen.snapshot.list(peer_authentication.KIND.id)]
    return Insists(mode, _decider(seen, pod, rules, proxy.domain, port))


def _decider(seen: Seen, pod: Workload, rules: list[PeerAuthentication], root: str, port: int) -> str:
    levels = peer_levels(pod, rules, root)
    own = levels[2]
    if own is not None and port in {int(p) for p in own.spec.port_level_mtls or ()}:
        return f"PeerAuthentication {own.metadata.namespace}/{own.metadata.name}, for the port"
    for level in (2, 1, 0):
        found = levels[level]
        if found is not None and found.spec.mtls is not None and found.spec.mtls.mode not in ("", "UNSET"):
            name = f"{found.metadata.namespace}/{found.metadata.name}"
            return f"PeerAuthentication {name}, {LEVELS[level]}"
    plane = next(iter(seen.snapshot.list(CONTROL_PLANE, root)), None)
    return f"the control plane's default, {ref_of(plane)}" if plane else "the mesh's default"
