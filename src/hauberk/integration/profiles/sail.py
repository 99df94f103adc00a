"""What the Sail operator's profiles share: Istio, strictness, injection by label. Pure.

Source: openshift-knative/serverless-operator hack/lib/mesh3.bash and mesh_v3_resources 02–07b.
"""

from __future__ import annotations

from collections.abc import Mapping

from hauberk.base.refs import Json, ref_of
from hauberk.integration.model import SERVING, Integration
from hauberk.integration.profiles import steps
from hauberk.integration.profiles.knative import revision_labels
from hauberk.integration.profiles.objects import make
from hauberk.integration.stages import Stage

SAIL = "sailoperator.io/v1"
ISTIO_API = "networking.istio.io/v1"
SECURITY_API = "security.istio.io/v1"
DRAIN = "35s"
CNI_NAMESPACE = "istio-cni"


def make_istio(wanted: Integration, excluded: str) -> Json:
    """The control plane. `excluded` are the ports that callers outside the mesh use."""
    spec = {
        "namespace": wanted.mesh.namespace,
        "version": wanted.istio_version,
        "updateStrategy": {"type": "InPlace", "inactiveRevisionDeletionGracePeriodSeconds": 30},
        "values": {
            "global": {"proxy": {"excludeInboundPorts": excluded}},
            "meshConfig": {"defaultConfig": {"terminationDrainDuration": DRAIN}},
        },
    }
    return make(SAIL, "Istio", wanted.mesh_name, spec=spec)


def make_cni(wanted: Integration) -> Json:
    """The node agent that redirects pods' traffic; there is one for a cluster, always `default`."""
    spec = {"namespace": CNI_NAMESPACE, "version": wanted.istio_version}
    return make(SAIL, "IstioCNI", "default", spec=spec)


def control_plane(objects: tuple[Json, ...], operator: str) -> Stage:
    """Istio."""
    return Stage(
        name="20-control-plane",
        title="Istio",
        why=f"Installed by {operator}. Proxies drain for longer than Serverless, which takes 30 s. The "
        "excluded ports are called by the kubelet (8022, wait-for-drain) and by monitoring, which "
        "are not in the mesh.",
        objects=objects,
        ready=tuple(steps.ready(obj) for obj in objects),
    )


def strictness(wanted: Integration) -> Stage:
    """Strict mTLS, which Istio does not have by itself."""
    strict = make(
        SECURITY_API,
        "PeerAuthentication",
        "mesh-mtls",
        wanted.mesh.namespace,
        spec={"mtls": {"mode": "STRICT"}},
    )
    spec = {"selector": {"matchLabels": {"app": "autoscaler"}}, "mtls": {"mode": "PERMISSIVE"}}
    autoscaler = make(SECURITY_API, "PeerAuthentication", "autoscaler-permissive", SERVING, spec=spec)
    return Stage(
        name="25-strict-mtls",
        title="Strict mTLS in the whole mesh",
        why="A PeerAuthentication in the control plane's namespace holds for all members. The autoscaler "
        "is the one exception that upstream's tests make: activators reach it by its pod's address.",
        objects=(strict, autoscaler) if wanted.serving.enabled else (strict,),
    )


def members(wanted: Integration) -> Stage:
    """Injection by label, for the members with services."""
    label: Mapping[str, str] = revision_labels(wanted) or {"istio-injection": "enabled"}
    objects = tuple(make("v1", "Namespace", name, labels=label) for name in wanted.projects)
    return Stage(
        name="30-members",
        title="Members of the mesh",
        why="There is no member roll: pods of a namespace with this label get a sidecar. Knative's own "
        "namespaces are not labelled, because only their workloads that carry traffic belong in the "
        "mesh.",
        objects=objects,
        shared=frozenset(ref_of(obj) for obj in objects),
    )
