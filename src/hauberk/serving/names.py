"""Well-known names of Knative Serving: labels, annotations, ports, kinds, places."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hauberk.base.refs import Json
from hauberk.engine.plan import Note

SYSTEM = "knative-serving"

SERVICE = "Service.serving.knative.dev"
CONFIGURATION = "Configuration.serving.knative.dev"
REVISION = "Revision.serving.knative.dev"
ROUTE = "Route.serving.knative.dev"
DOMAIN_MAPPING = "DomainMapping.serving.knative.dev"
INGRESS = "Ingress.networking.internal.knative.dev"
SKS = "ServerlessService.networking.internal.knative.dev"
CLAIM = "ClusterDomainClaim.networking.internal.knative.dev"
CERTIFICATE = "Certificate.networking.internal.knative.dev"
AUTOSCALER = "PodAutoscaler.autoscaling.internal.knative.dev"
METRIC = "Metric.autoscaling.internal.knative.dev"
IMAGE = "Image.caching.internal.knative.dev"
DEPLOYMENT = "Deployment.apps"
VIRTUAL_SERVICE = "VirtualService.networking.istio.io"
GATEWAY = "Gateway.networking.istio.io"
DESTINATION_RULE = "DestinationRule.networking.istio.io"

PREFIX = "serving.knative.dev/"
L_SERVICE = "serving.knative.dev/service"
L_SERVICE_UID = "serving.knative.dev/serviceUID"
L_CONFIGURATION = "serving.knative.dev/configuration"
L_CONFIGURATION_UID = "serving.knative.dev/configurationUID"
L_GENERATION = "serving.knative.dev/configurationGeneration"
L_REVISION = "serving.knative.dev/revision"
L_REVISION_UID = "serving.knative.dev/revisionUID"
L_ROUTE = "serving.knative.dev/route"
L_ROUTE_NAMESPACE = "serving.knative.dev/routeNamespace"
L_STATE = "serving.knative.dev/routingState"
L_MAPPING_UID = "serving.knative.dev/domainMappingUID"
L_MAPPING_NAMESPACE = "serving.knative.dev/domainMappingNamespace"
L_VISIBILITY = "networking.knative.dev/visibility"
L_SKS = "networking.internal.knative.dev/serverlessservice"
L_SERVICE_TYPE = "networking.internal.knative.dev/serviceType"
L_INGRESS = "networking.internal.knative.dev/ingress"
L_ORIGIN_NAME = "networking.internal.knative.dev/originSecretName"
L_ORIGIN_NAMESPACE = "networking.internal.knative.dev/originSecretNamespace"
L_CERTIFICATE_UID = "networking.internal.knative.dev/certificate-uid"

A_CREATOR = "serving.knative.dev/creator"
A_MODIFIER = "serving.knative.dev/lastModifier"
A_ROUTES = "serving.knative.dev/routes"
A_STATE_TIME = "serving.knative.dev/routingStateModified"
A_INGRESS_CLASS = "networking.knative.dev/ingress.class"
A_PASSTHROUGH = "serving.knative.openshift.io/enablePassthrough"
A_HTTP_PROTOCOL = ("networking.knative.dev/http-protocol", "networking.knative.dev/httpProtocol")
A_ROLLOUT = "networking.internal.knative.dev/rollout"
A_CLASS = "autoscaling.knative.dev/class"
A_METRIC = "autoscaling.knative.dev/metric"
A_LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
OPENSHIFT_PREFIX = "serving.knative.openshift.io/"

ISTIO_CLASS = "istio.ingress.networking.knative.dev"
KOURIER_CLASS = "kourier.ingress.networking.knative.dev"
KPA_CLASS = "kpa.autoscaling.knative.dev"
HPA_CLASS = "hpa.autoscaling.knative.dev"

QUEUE_HTTP = 8012
QUEUE_H2C = 8013
QUEUE_HTTPS = 8112
ACTIVATOR_LABELS = {"app": "activator"}
AUTOSCALER_LABELS = {"app": "autoscaler"}

SERVING_V1 = "serving.knative.dev/v1"
NETWORKING = "networking.internal.knative.dev/v1alpha1"
AUTOSCALING = "autoscaling.internal.knative.dev/v1alpha1"
CACHING = "caching.internal.knative.dev/v1alpha1"


def without(mapping: Mapping[str, str], *keys: str) -> dict[str, str]:
    """A copy of `mapping` without some keys, and without what kubectl apply remembers."""
    return {k: v for k, v in mapping.items() if k not in (*keys, A_LAST_APPLIED)}


def body(api_version: str, kind: str, meta: Mapping[str, Any], **parts: Any) -> dict[str, Any]:
    """An object; metadata fields that are None or empty are left out."""
    return {
        "apiVersion": api_version,
        "kind": kind,
        "metadata": {k: v for k, v in meta.items() if v not in (None, {}, "")},
        **{k: v for k, v in parts.items() if v is not None},
    }


def created(what: str, name: str) -> Note:
    """The event of a child that was not there.

    Source: knative/serving pkg/reconciler/{service,configuration,route}; net-istio pkg/reconciler.
    """
    return Note("Created", f'Created {what} "{name}"')


def internal_error(message: str) -> Note:
    """The event of a reconcile that ends with an error.

    Source: knative.dev/pkg injection/reconciler (generated Reconcile: `InternalError`, the error's text).
    """
    return Note("InternalError", message, "Warning")


def kept(stored: Json) -> dict[str, Any]:
    """An object as it is, as a child that stays although its wanted form is not known now."""
    meta = stored["metadata"]
    named = {k: meta.get(k) for k in ("name", "namespace", "labels", "annotations")}
    return body(stored["apiVersion"], stored["kind"], named, spec=stored.get("spec"))
