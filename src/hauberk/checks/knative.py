"""What a world says of Knative: operator objects, overrides, settings, Knative services. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from hauberk.checks.mesh import yaml_in
from hauberk.checks.model import Path
from hauberk.checks.world import Item, World

SERVING = "KnativeServing.operator.knative.dev"
EVENTING = "KnativeEventing.operator.knative.dev"
KAFKA = "KnativeKafka.operator.serverless.openshift.io"
KSVC = "Service.serving.knative.dev"
INJECT = "sidecar.istio.io/inject"
REWRITE = "sidecar.istio.io/rewriteAppHTTPProbers"
PASSTHROUGH = "serving.knative.openshift.io/enablePassthrough"
NO_POLICIES = "serverless.openshift.io/disable-istio-net-policies-generation"
VISIBILITY = "networking.knative.dev/visibility"
OVERRIDES = ("workloads", "deployments")  # `deployments` is the older name

SERVING_WORKLOADS = ("activator", "autoscaler")
EVENTING_WORKLOADS = ("pingsource-mt-adapter", "imc-dispatcher", "mt-broker-ingress", "mt-broker-filter")
# Which part of KnativeKafka makes which workload.
KAFKA_WORKLOADS: Mapping[str, tuple[str, ...]] = {
    "kafka-controller": ("broker", "channel", "source", "sink"),
    "kafka-broker-receiver": ("broker",),
    "kafka-broker-dispatcher": ("broker",),
    "kafka-channel-receiver": ("channel",),
    "kafka-channel-dispatcher": ("channel",),
    "kafka-source-dispatcher": ("source",),
    "kafka-sink-receiver": ("sink",),
}


@dataclass(frozen=True, slots=True)
class Override:
    """What an operator's object says of one workload: labels and annotations of all its rows."""

    name: str
    path: Path  # of the first row that names it
    labels: Mapping[str, Any]
    annotations: Mapping[str, Any]


def overrides(item: Item) -> Mapping[str, Override]:
    """The overrides of an operator's object by workload."""
    found: dict[str, Override] = {}
    for key in OVERRIDES:
        for path, row in item.rows("spec", key):
            name = str(row.get("name"))
            old = found.get(name)
            found[name] = Override(
                name,
                old.path if old else path,
                {**(old.labels if old else {}), **_map(row.get("labels"))},
                {**(old.annotations if old else {}), **_map(row.get("annotations"))},
            )
    return found


def injected(labels: Mapping[str, Any], annotations: Mapping[str, Any]) -> bool:
    """Whether pods with this metadata ask for a sidecar; the label wins over the annotation."""
    return str(labels.get(INJECT, annotations.get(INJECT, ""))).lower() == "true"


def rewrites(labels: Mapping[str, Any], annotations: Mapping[str, Any]) -> bool:
    """Whether probes go through the sidecar's agent. Istio reads the annotation only."""
    del labels
    return str(annotations.get(REWRITE, "")).lower() == "true"


def kafka_on(item: Item, part: str) -> bool:
    """Whether KnativeKafka has the part on."""
    return item.get("spec", part, "enabled") is True


def kafka_workloads(item: Item) -> tuple[str, ...]:
    """The workloads that a KnativeKafka makes."""
    return tuple(w for w, parts in KAFKA_WORKLOADS.items() if any(kafka_on(item, p) for p in parts))


def setting(item: Item, config_map: str, key: str) -> tuple[Path, Any]:
    """(path, value) of a key of `spec.config`; the map's prefix `config-` may be there or not."""
    for name in (config_map, f"config-{config_map}"):
        found = item.get("spec", "config", name, key)
        if found is not None:
            return ("spec", "config", name, key), found
    return ("spec", "config", config_map, key), None


def template(ksvc: Item) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """(labels, annotations) of a Knative service's pods."""
    meta = ("spec", "template", "metadata")
    return _map(ksvc.get(*meta, "labels")), _map(ksvc.get(*meta, "annotations"))


def is_local(ksvc: Item) -> bool:
    """Whether the service has no external URL."""
    return ksvc.labels.get(VISIBILITY) == "cluster-local"


@dataclass(frozen=True, slots=True)
class GatewayRow:
    """One Gateway that net-istio uses, and the Service in front of its pods."""

    namespace: str
    name: str
    service: str
    path: Path  # of the setting; empty for the default


DEFAULT_GATEWAY = GatewayRow(
    "knative-serving", "knative-ingress-gateway", "istio-ingressgateway.istio-system.svc.cluster.local", ()
)
DEFAULT_LOCAL = GatewayRow(
    "knative-serving", "knative-local-gateway", "knative-local-gateway.istio-system.svc.cluster.local", ()
)


def gateways(serving: Item | None) -> tuple[GatewayRow, ...]:
    """The Gateways for external hosts.

    Source: knative-extensions/net-istio pkg/reconciler/ingress/config/istio.go.
    """
    return tuple(_gateways(serving, "gateway.", "external-gateways")) or (DEFAULT_GATEWAY,)


def local_gateways(serving: Item | None) -> tuple[GatewayRow, ...]:
    """The Gateways for cluster-local hosts."""
    return tuple(_gateways(serving, "local-gateway.", "local-gateways")) or (DEFAULT_LOCAL,)


def _gateways(serving: Item | None, prefix: str, key: str) -> Iterator[GatewayRow]:
    if serving is None:
        return
    path, text = setting(serving, "istio", key)
    listed = yaml_in(text)
    if isinstance(listed, list):
        for row in listed:
            if isinstance(row, Mapping) and {"namespace", "name", "service"} <= set(row):
                yield GatewayRow(str(row["namespace"]), str(row["name"]), str(row["service"]), path)
        return
    for name, value, place in istio_settings(serving):
        if name.startswith(prefix):
            namespace, dot, gateway = name.removeprefix(prefix).partition(".")
            if not dot:
                namespace, gateway = "knative-serving", namespace
            yield GatewayRow(namespace, gateway, str(value), place)


def istio_settings(serving: Item) -> Iterator[tuple[str, Any, Path]]:
    """(key, value, path) of every setting of config-istio."""
    for name in ("istio", "config-istio"):
        for key, value in _map(serving.get("spec", "config", name)).items():
            yield str(key), value, ("spec", "config", name, str(key))


def serving_of(world: World) -> Item | None:
    """The KnativeServing, or None."""
    return next(iter(world.all(SERVING)), None)


def host_parts(host: str) -> tuple[str, str]:
    """(name, namespace) of a Service's host name."""
    name, _, rest = host.rstrip(".").partition(".")
    return name, rest.partition(".")[0]


def _map(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
