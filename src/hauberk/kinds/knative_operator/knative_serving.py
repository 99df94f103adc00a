"""KnativeServing operator.knative.dev/v1beta1: what an admin may say about Knative Serving.

Source: knative/operator pkg/apis/operator/v1beta1/knativeserving_types.go.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from hauberk.base.refs import Json
from hauberk.kinds import placeholders
from hauberk.kinds.knative_operator.overrides import HighAvailability, Overrides, metrics_key, unknown_names
from hauberk.kinds.knative_operator.settings import of_resource
from hauberk.kinds.meta import Column, Kind, ObjectMeta, Part

NAMESPACE = "knative-serving"
WORKLOADS = (
    "activator", "autoscaler", "autoscaler-hpa", "controller", "webhook", "net-istio-controller",
    "net-istio-webhook", "net-kourier-controller", "3scale-kourier-gateway",
)  # fmt: skip
CONFIGS = (
    "config-autoscaler", "config-certmanager", "config-defaults", "config-deployment", "config-domain",
    "config-features", "config-gc", "config-istio", "config-kourier", "config-leader-election",
    "config-logging", "config-network", "config-observability", "config-tracing",
)  # fmt: skip


class IstioIngress(Part, frozen=True):
    """The mesh as the ingress."""

    enabled: bool = False

    __inert__ = ("knative-ingress-gateway", "knative-local-gateway")


class KourierIngress(Part, frozen=True, rename="kebab"):
    """Kourier, a gateway without the mesh, as the ingress."""

    enabled: bool = False
    service_type: str = ""

    __inert__ = ("service-load-balancer-ip", "bootstrap-configmap", "http-port", "https-port")


class Ingresses(Part, frozen=True):
    """Which ingress carries requests from outside. Kourier wins when several are enabled."""

    istio: IstioIngress = IstioIngress()
    kourier: KourierIngress = KourierIngress()

    __inert__ = ("contour",)


class ServingSpec(
    Part,
    frozen=True,
    rename={"high_availability": "high-availability"},
):
    """The wanted Knative Serving."""

    ingress: Ingresses = Ingresses()
    config: dict[str, dict[str, Any]] | None = None
    deployments: Overrides = ()
    workloads: Overrides = ()
    high_availability: HighAvailability | None = None

    __inert__ = (
        "version", "manifests", "additionalManifests", "registry", "services", "podDisruptionBudgets",
        "controller-custom-certs", "namespace", "security", "resources",
    )  # fmt: skip


class KnativeServing(Part, frozen=True):
    """An installation of Knative Serving."""

    metadata: ObjectMeta
    spec: ServingSpec = ServingSpec()
    status: dict[str, Any] | None = None


def advice(raw: Json) -> Iterator[str]:
    """Settings that name nothing, or that newer versions ignore."""
    yield from unknown_names(raw, WORKLOADS, CONFIGS)
    yield from metrics_key(raw)
    config = (raw.get("spec") or {}).get("config")
    yield from of_resource(config if isinstance(config, dict) else {})
    ingress = (raw.get("spec") or {}).get("ingress") or {}
    if (ingress.get("istio") or {}).get("enabled") and (ingress.get("kourier") or {}).get("enabled"):
        yield "spec.ingress: istio and kourier are both enabled: kourier takes precedence"


COLUMNS = (
    Column("Version", ".status.version"),
    Column("Ready", '.status.conditions[?(@.type=="Ready")].status'),
    Column("Reason", '.status.conditions[?(@.type=="Ready")].reason'),
)

KIND = Kind(
    group="operator.knative.dev",
    name="KnativeServing",
    plural="knativeservings",
    model=KnativeServing,
    versions=("v1beta1",),
    advice=advice,
    strict=placeholders.left_in,
    columns=COLUMNS,
)
