"""KnativeEventing operator.knative.dev/v1beta1: what an admin may say about Knative Eventing.

Source: knative/operator pkg/apis/operator/v1beta1/knativeeventing_types.go.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Literal

from hauberk.base.refs import Json
from hauberk.kinds import placeholders
from hauberk.kinds.eventing import features
from hauberk.kinds.knative_operator.knative_serving import COLUMNS
from hauberk.kinds.knative_operator.overrides import HighAvailability, Overrides, metrics_key, unknown_names
from hauberk.kinds.meta import Kind, ObjectMeta, Part

NAMESPACE = "knative-eventing"
WORKLOADS = (
    "eventing-controller", "eventing-webhook", "imc-controller", "imc-dispatcher", "mt-broker-controller",
    "mt-broker-ingress", "mt-broker-filter", "pingsource-mt-adapter", "job-sink", "eventing-istio-controller",
)  # fmt: skip
CONFIGS = (
    "config-br-default-channel", "config-br-defaults", "config-features", "config-kreference-mapping",
    "config-leader-election", "config-logging", "config-observability", "config-ping-defaults",
    "config-sugar", "config-tracing", "default-ch-webhook",
)  # fmt: skip


_NAMES = {
    "high_availability": "high-availability",
    "sink_binding_selection_mode": "sinkBindingSelectionMode",
}


class EventingSpec(Part, frozen=True, rename=_NAMES):
    """The wanted Knative Eventing."""

    config: dict[str, dict[str, Any]] | None = None
    deployments: Overrides = ()
    workloads: Overrides = ()
    high_availability: HighAvailability | None = None
    sink_binding_selection_mode: Literal["", "exclusion", "inclusion"] = ""

    __inert__ = (
        "version", "manifests", "additionalManifests", "registry", "services", "podDisruptionBudgets",
        "namespace", "source", "defaultBrokerClass", "resources",
    )  # fmt: skip


class KnativeEventing(Part, frozen=True):
    """An installation of Knative Eventing."""

    metadata: ObjectMeta
    spec: EventingSpec = EventingSpec()
    status: dict[str, Any] | None = None


def advice(raw: Json) -> Iterator[str]:
    """Settings that name nothing, or that newer versions ignore."""
    yield from unknown_names(raw, WORKLOADS, CONFIGS)
    yield from metrics_key(raw)
    config = (raw.get("spec") or {}).get("config") or {}
    for name in ("features", "config-features"):
        if isinstance(config.get(name), Mapping):
            yield from features.without_effect(config[name])


KIND = Kind(
    group="operator.knative.dev",
    name="KnativeEventing",
    plural="knativeeventings",
    model=KnativeEventing,
    versions=("v1beta1",),
    advice=advice,
    strict=placeholders.left_in,
    columns=COLUMNS,
)
