"""Names that the parts of this room share."""

from __future__ import annotations

ROUTE = "Route.route.openshift.io"
INTERNAL_INGRESS = "Ingress.networking.internal.knative.dev"
CLUSTER_INGRESS = "Ingress.config.openshift.io"

ROUTER_NAMESPACE = "openshift-ingress"
ROUTER = "router-default"
ROUTER_IMAGE = "hauberk.local/router"
ROUTER_NAME = "default"

INGRESS_CLASS = "networking.knative.dev/ingress.class"
CLASSES = ("istio.ingress.networking.knative.dev", "kourier.ingress.networking.knative.dev")
INGRESS_NAME = "serving.knative.openshift.io/ingressName"
INGRESS_NAMESPACE = "serving.knative.openshift.io/ingressNamespace"
INTERNAL_INGRESS_LABEL = "networking.internal.knative.dev/ingress"
DISABLE_ROUTE = "serving.knative.openshift.io/disableRoute"
PASSTHROUGH = "serving.knative.openshift.io/enablePassthrough"
SET_TIMEOUT = "serving.knative.openshift.io/setRouteTimeout"
TIMEOUT = "haproxy.router.openshift.io/timeout"
HOST_GENERATED = "openshift.io/host.generated"
