"""From one KnativeKafka to everything it installs, and its status. Pure.

Source: openshift-knative/serverless-operator knative-operator/pkg/controller/knativekafka/
knativekafka_controller.go.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from hauberk.base.conditions import Condition
from hauberk.base.refs import Json
from hauberk.engine.plan import Plan
from hauberk.kinds.knative_operator.knative_kafka import KIND, NAMESPACE, KafkaSpec, has_sink
from hauberk.operators.config_maps import make_config_maps, unless_set, wanted_of
from hauberk.operators.install_status import make_refusal, make_status
from hauberk.operators.knative_kafka.table import CONTROLLER, PART_OF, PARTS
from hauberk.operators.objects import make_service_account
from hauberk.operators.overrides import overridden
from hauberk.operators.workload import Workload, app_labels, make_deployment, make_fronts

FEATURES = (
    ("brokers.topic.template", "knative-broker-{{ .Namespace }}-{{ .Name }}"),
    ("channels.topic.template", "knative-messaging-kafka.{{ .Namespace }}.{{ .Name }}"),
    ("triggers.consumergroup.template", "knative-trigger-{{ .Namespace }}-{{ .Name }}"),
)
NO_EVENTING = "Knative Eventing is not installed: create a KnativeEventing in knative-eventing first"


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """All that a decision about one KnativeKafka may depend on."""

    kafka: Json
    deployments: Mapping[tuple[str, str], Json]  # by namespace and name
    eventing: bool  # whether there is a KnativeEventing


def plan(world: World, now: float) -> Plan:  # noqa: ARG001
    """Decide what Kafka for Knative consists of and how far it is."""
    if world.kafka["metadata"]["namespace"] != NAMESPACE:
        text = f'Knative Kafka must be installed into the namespace "{NAMESPACE}"'
        return Plan(status=make_refusal(text))
    spec = KIND.parse(world.kafka).spec
    rows = workloads_of(spec)
    config = config_of(spec)
    replicas = spec.high_availability.replicas if spec.high_availability else 1
    deployments = [
        overridden(make_deployment(row, PART_OF, NAMESPACE, replicas), spec.workloads) for row in rows
    ]
    accounts = sorted({row.account for row in rows})
    children = (
        *(make_service_account(a, NAMESPACE, app_labels(PART_OF, a)) for a in accounts),
        *make_config_maps(config, NAMESPACE, {n: app_labels(PART_OF, n) for n in config}, config),
        *deployments,
        *(front for row in rows for front in make_fronts(row, PART_OF, NAMESPACE)),
    )
    notes = (
        () if world.eventing else (Condition("EventingInstalled", "False", "NoKnativeEventing", NO_EVENTING),)
    )
    return Plan(children=children, status=make_status(deployments, world.deployments, notes))


def workloads_of(spec: KafkaSpec) -> tuple[Workload, ...]:
    """The workloads of the parts that are on; kafka-controller with the first."""
    on = {
        "broker": spec.broker.enabled,
        "channel": spec.channel.enabled,
        "source": spec.source.enabled,
        "sink": has_sink(spec),
    }
    rows = [row for part, enabled in on.items() if enabled for row in PARTS[part]]
    return (CONTROLLER, *rows) if rows else ()


def config_of(spec: KafkaSpec) -> dict[str, dict[str, str]]:
    """The ConfigMaps of the parts that are on: the admin's keys, and what the parts' fields say."""
    wanted = wanted_of(spec.config)
    for key, value in FEATURES:
        unless_set(wanted, "config-kafka-features", key, value)
    if spec.broker.enabled:
        defaults = spec.broker.default_config
        rows = {
            "bootstrap.servers": defaults.bootstrap_servers,
            "default.topic.partitions": str(defaults.num_partitions),
            "default.topic.replication.factor": str(defaults.replication_factor),
            "auth.secret.ref.name": defaults.auth_secret_name,
        }
        for key, value in rows.items():
            if value:
                unless_set(wanted, "kafka-broker-config", key, value)
    if spec.channel.enabled:
        channel = spec.channel
        rows = {
            "bootstrap.servers": channel.bootstrap_servers,
            "auth.secret.ref.namespace": channel.auth_secret_namespace,
            "auth.secret.ref.name": channel.auth_secret_name,
        }
        for key, value in rows.items():
            if value:
                unless_set(wanted, "kafka-channel-config", key, value)
    return wanted
