"""What OpenShift's operator fills in around an admin's KnativeServing. Pure.

Source: openshift-knative/serverless-operator openshift-knative-operator/pkg/serving/{extension,ingress}.go.
Deviation: one replica of everything by default, OpenShift has two; `config-network` gets upstream's
kebab-case keys, OpenShift's older releases the camel-case ones, and either spelling by the admin is kept.
"""

from __future__ import annotations

from dataclasses import dataclass

from hauberk.kinds.knative_operator.knative_serving import CONFIGS, IstioIngress, ServingSpec
from hauberk.kinds.knative_operator.knative_serving import Ingresses as IngressSpec
from hauberk.operators.config_maps import unless_set, wanted_of

ISTIO_CLASS = "istio.ingress.networking.knative.dev"
KOURIER_CLASS = "kourier.ingress.networking.knative.dev"
DOMAIN_TEMPLATE = "{{.Name}}-{{.Namespace}}.{{.Domain}}"
QUEUE_IMAGE = "hauberk.local/queue"
NO_POLICIES = "serverless.openshift.io/disable-istio-net-policies-generation"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ingresses:
    """Which ingress implementations are installed."""

    istio: bool
    kourier: bool

    @property
    def default_class(self) -> str:
        """The class of ksvcs that name none: Kourier whenever it is there."""
        return KOURIER_CLASS if self.kourier or not self.istio else ISTIO_CLASS


def ingresses_of(spec: ServingSpec) -> Ingresses:
    """Choose the ingress.

    | istio | kourier | installed | ingress class |
    |-------|---------|-----------|---------------|
    | no    | no      | kourier   | kourier       |
    | no    | yes     | kourier   | kourier       |
    | yes   | no      | istio     | istio         |
    | yes   | yes     | both      | kourier       |
    """
    istio, kourier = spec.ingress.istio.enabled, spec.ingress.kourier.enabled
    return Ingresses(istio=istio, kourier=kourier or not istio)


def names_of(spec: ServingSpec) -> list[str]:
    """The ConfigMaps of an installation: config-istio and config-kourier only with their ingress."""
    ingresses = ingresses_of(spec)
    absent = {"config-istio": not ingresses.istio, "config-kourier": not ingresses.kourier}
    return [name for name in CONFIGS if not absent.get(name)]


def config_maps(domain: str, *, istio: bool) -> dict[str, dict[str, str]]:
    """ConfigMap name → data of an installation by an admin who set nothing but the ingress."""
    spec = ServingSpec(ingress=IngressSpec(istio=IstioIngress(enabled=istio)))
    data = config_of(spec, domain)
    return {name: data.get(name, {}) for name in names_of(spec)}


def config_of(spec: ServingSpec, domain: str) -> dict[str, dict[str, str]]:
    """The data of every ConfigMap: the admin's, with OpenShift's defaults where the admin is silent."""
    ingresses = ingresses_of(spec)
    wanted = wanted_of(spec.config)
    if domain:
        wanted.setdefault("config-domain", {})[domain] = ""
    network = (
        ("ingress-class", ingresses.default_class, "ingress.class"),
        ("domain-template", DOMAIN_TEMPLATE, "domainTemplate"),
        ("default-external-scheme", "https", "defaultExternalScheme"),
        ("autocreate-cluster-domain-claims", "true", "autocreateClusterDomainClaims"),
    )
    for key, value, alias in network:
        unless_set(wanted, "config-network", key, value, alias)
    unless_set(wanted, "config-deployment", "queue-sidecar-image", QUEUE_IMAGE, "queueSidecarImage")
    if spec.ingress.istio.enabled:
        unless_set(wanted, "config-observability", "metrics.backend-destination", "none", "metrics-protocol")
    return wanted
