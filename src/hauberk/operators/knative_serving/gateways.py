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
LOCAL_GATEWAY = "knative-local-gateway"


def gateway_problem(snapshot: Snapshot) -> str:
    """Why no gateway serves Knative, or an empty text.

    Looks at the default Gateways only; `config-istio` may name others.
    """
    if not snapshot.list(CONTROL_PLANE):
        return "no ServiceMeshControlPlane exists: no gateway can serve Knative, and ksvcs stay unready"
    gateways = {
        name: snapshot.get(Ref(GATEWAY, NAMESPACE, name)) for name in (INGRESS_GATEWAY, LOCAL_GATEWAY)
    }
    for name, found in gateways.items():
        if found is None:
            return f"Gateway {NAMESPACE}/{name} does not exist: an admin creates it"
    gateway = gateways[INGRESS_GATEWAY] or {}
    selector = (gateway.get("spec") or {}).get("selector") or {}
    if not any(True for _ in snapshot.list("Service", None, selector)):
        shown = ",".join(f"{k}={v}" for k, v in sorted(selector.items()))
        return (
            f"no Service has the labels {shown} of Gateway {NAMESPACE}/{INGRESS_GATEWAY}: set them in the "
            "control plane's gateways.ingress.service.metadata.labels"
        )
    return ""
