"""Whether the mesh can take requests for Knative from outside, as net-istio would find out.

net-istio looks for Services whose labels match the Gateway's selector; without one the ksvcs' ingress never
becomes ready, though the operator itself reports Ready.
Source: knative-extensions/net-istio pkg/reconciler/ingress/lister.go.
"""

from __future__ import annotations

from hauberk.base.refs import Ref
from hauberk.kinds.knative_operator.knative_serving import NAMESPACE
from hauberk.operators.names import CONTROL_PLANE, GATEWAY
from hauberk.ports import Snapshot

INGRESS_GATEWAY = "knative-ingress-gateway"


def gateway_problem(snapshot: Snapshot) -> str:
    """Why no gateway serves Knative, or an empty text.

    Looks at the default Gateway only; `config-istio` may name others.
    """
    if not snapshot.list(CONTROL_PLANE):
        return "no ServiceMeshControlPlane exists: no gateway can serve Knative, and ksvcs stay unready"
    gateway = snapshot.get(Ref(GATEWAY, NAMESPACE, INGRESS_GATEWAY))
    if gateway is None:
        return f"Gateway {NAMESPACE}/{INGRESS_GATEWAY} does not exist: an admin creates it"
    selector = (gateway.get("spec") or {}).get("selector") or {}
    if not any(True for _ in snapshot.list("Service", None, selector)):
        shown = ",".join(f"{k}={v}" for k, v in sorted(selector.items()))
        return (
            f"no Service has the labels {shown} of Gateway {NAMESPACE}/{INGRESS_GATEWAY}: set them in the "
            "control plane's gateways.ingress.service.metadata.labels"
        )
    return ""
