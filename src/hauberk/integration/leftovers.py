"""What operators and controllers leave behind when their resources are deleted, and how it is recognised.

A row matches by name, label or owner, in namespaces of the integration only; nothing else is looked at.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from hauberk.base.refs import Json, Ref, labels_of

Where = Literal["mesh", "gateway", "knative", "any"]
MESHES = ("ServiceMeshControlPlane.maistra.io", "Istio.sailoperator.io")
KNATIVE = ("KnativeServing.operator.knative.dev", "KnativeEventing.operator.knative.dev")
KAFKA = ("KnativeKafka.operator.serverless.openshift.io",)
SERVING = ("KnativeServing.operator.knative.dev",)
ROUTE_LABEL = "serving.knative.openshift.io/ingressName"


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """The namespaces of an integration."""

    mesh: str
    gateway: str
    knative: tuple[str, ...]
    members: tuple[str, ...]

    def of(self, where: Where) -> tuple[str, ...]:
        """The namespaces that a row looks in."""
        rows: Mapping[Where, tuple[str, ...]] = {
            "mesh": (self.mesh,),
            "gateway": (self.gateway,),
            "knative": self.knative,
            "any": (self.mesh, self.gateway, *self.knative, *self.members),
        }
        return tuple(dict.fromkeys(rows[where]))


@dataclass(frozen=True, slots=True, kw_only=True)
class Leftover:
    """One thing that stays behind: objects of `kind` in `where` that `matches`.

    They are none while an object of the kinds in `maker` is in the cluster.
    """

    kind: str
    where: Where
    maker: tuple[str, ...]
    matches: Callable[[Json], bool]
    why: str


def _named(pattern: str) -> Callable[[Json], bool]:
    compiled = re.compile(pattern)
    return lambda obj: compiled.fullmatch(obj["metadata"]["name"]) is not None


def _labelled(key: str) -> Callable[[Json], bool]:
    return lambda obj: key in labels_of(obj)


LEFTOVERS: tuple[Leftover, ...] = (
    Leftover(
        kind="Route.route.openshift.io",
        where="gateway",
        maker=SERVING,
        matches=_labelled(ROUTE_LABEL),
        why="the ingress controller that made it is gone",
    ),
    Leftover(
        kind="ConfigMap",
        where="any",
        maker=MESHES,
        matches=_named(r"istio-ca-root-cert|istio-ca-crl"),
        why="istiod writes its root into every namespace and never takes it away",
    ),
    Leftover(
        kind="Secret",
        where="mesh",
        maker=MESHES,
        matches=_named(r"istio-ca-secret"),
        why="the key of istiod's own CA",
    ),
    Leftover(
        kind="ConfigMap",
        where="mesh",
        maker=MESHES,
        matches=_named(r"istio-(leader|gateway-status-leader|.*-election|.*-leader)"),
        why="istiod's leader election",
    ),
    Leftover(
        kind="Lease.coordination.k8s.io",
        where="mesh",
        maker=MESHES,
        matches=_named(r"istio-.*(leader|election).*"),
        why="istiod's leader election",
    ),
    Leftover(
        kind="Lease.coordination.k8s.io",
        where="knative",
        maker=KNATIVE,
        matches=_named(r"[a-z0-9-]*(controller|webhook|autoscaler|dispatcher|kafka|pingsource)[a-z0-9.-]*"),
        why="leader election of Knative's controllers",
    ),
    Leftover(
        kind="Secret",
        where="knative",
        maker=KNATIVE,
        matches=_named(r"(knative-serving|knative-eventing|routing-serving|serving)-certs(-ctrl-ca)?"),
        why="certificates that Knative's controllers made",
    ),
    Leftover(
        kind="ConfigMap",
        where="knative",
        maker=KAFKA,
        matches=_named(
            r"kafka-(broker|channel|sink|source)[a-z-]*-(brokers|channels|sinks|sources|triggers)"
        ),
        why="contracts of Kafka's data plane, written at run time",
    ),
)
"""Source: istio/istio pilot/pkg/serviceregistry/kube/controller/namespacecontroller.go and leaderelection.go;
knative/serving and knative-extensions/eventing-kafka-broker, the names that their controllers write."""

WEBHOOKS = ("ValidatingWebhookConfiguration", "MutatingWebhookConfiguration")


def webhook_services(configuration: Json) -> tuple[Ref, ...]:
    """The Services that the webhooks of a configuration call."""
    services = [
        (hook.get("clientConfig") or {}).get("service") for hook in configuration.get("webhooks") or ()
    ]
    return tuple(dict.fromkeys(Ref("Service", s["namespace"], s["name"]) for s in services if s))


def is_orphan(configuration: Json, places: Places, services: Iterable[Ref]) -> bool:
    """Whether all its webhooks call Services of our namespaces, none of which is there any more.

    Such a configuration refuses every write of its kinds ("no endpoints available for service").
    Source: OpenShift Serverless 1.37 release notes, known issues.
    """
    called, there = webhook_services(configuration), set(services)
    ours = {places.mesh, places.gateway, *places.knative}
    return bool(called) and all(s.namespace in ours and s not in there for s in called)


AMBIENT: tuple[tuple[str, str], ...] = (
    ("ServiceAccount", r"default|builder|deployer|pipeline"),
    ("ConfigMap", r"kube-root-ca\.crt|openshift-service-ca\.crt"),
    ("Secret", r"(default|builder|deployer|pipeline)-(token|dockercfg)-[a-z0-9]+"),
    ("RoleBinding.rbac.authorization.k8s.io", r"system:.*|openshift-pipelines-edit|pipelines-.*"),
    ("Event", r".*"),
    ("Event.events.k8s.io", r".*"),
    ("PodMetrics.metrics.k8s.io", r".*"),
    ("PackageManifest.packages.operators.coreos.com", r".*"),
    ("ClusterServiceVersion.operators.coreos.com", r".*"),  # copies that OLM keeps in every namespace
)
"""What every namespace has: no sign that somebody uses it."""


def is_ambient(kind: str, obj: Json) -> bool:
    """Whether a namespace has such an object of its own accord, or it goes with its owner."""
    if obj["metadata"].get("ownerReferences"):
        return True
    name = obj["metadata"]["name"]
    return any(kind == k and re.fullmatch(pattern, name) for k, pattern in AMBIENT)
