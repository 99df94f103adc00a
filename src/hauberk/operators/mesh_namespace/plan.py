"""From one Namespace to its mesh labels and its copy of the mesh's root certificate. Pure.

Source: maistra/istio-operator pkg/controller/servicemesh/member/namespace_reconciler.go;
istio pilot/pkg/serviceregistry/kube/controller/namespacecontroller.go (istio-ca-root-cert).
Deviation: upstream makes a ServiceMeshMember per member of a roll and works from that.
"""

from __future__ import annotations

from dataclasses import dataclass

from hauberk.base.refs import Json, Ref, labels_of
from hauberk.engine.plan import Plan
from hauberk.operators.names import KIALI_MEMBER_OF, MEMBER_OF, ROOT_CERT
from hauberk.operators.objects import make


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """All that a decision about one namespace may depend on."""

    namespace: Json
    mesh: str  # the namespace of the mesh that has a control plane and this member; "" for none
    mesh_roots: str


def plan(world: World, now: float) -> Plan:  # noqa: ARG001
    """Label members and give them the root certificate.

    | member of a mesh | label now | labels            | istio-ca-root-cert |
    |------------------|-----------|-------------------|--------------------|
    | yes              | any       | set               | there              |
    | no               | set       | taken off         | gone               |
    | no               | none      | left alone        | gone               |

    The namespace of a control plane counts as a member of its own mesh.
    """
    name = world.namespace["metadata"]["name"]
    if not world.mesh:
        labelled = MEMBER_OF in labels_of(world.namespace)
        others = (make("v1", "Namespace", name),) if labelled else ()
        return Plan(others=others, gone=(Ref("ConfigMap", name, ROOT_CERT),))
    labels = {MEMBER_OF: world.mesh, KIALI_MEMBER_OF: world.mesh}
    root = make(
        "v1",
        "ConfigMap",
        ROOT_CERT,
        name,
        labels={"istio.io/config": "true"},
        data={"root-cert.pem": world.mesh_roots},
    )
    return Plan(others=(root, make("v1", "Namespace", name, labels=labels)))
