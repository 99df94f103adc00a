"""From one KnativeEventing to everything it installs, and its status. Pure.

Source: knative/operator pkg/reconciler/knativeeventing; openshift-knative/serverless-operator
openshift-knative-operator/pkg/eventing/extension.go and pkg/istio/eventingistio/istio.go.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from hauberk.base.conditions import Condition
from hauberk.base.refs import Json, annotations_of
from hauberk.engine.plan import Plan
from hauberk.kinds.knative_operator.knative_eventing import CONFIGS, KIND, NAMESPACE, EventingSpec
from hauberk.operators.config_maps import make_config_maps, unless_set, wanted_of
from hauberk.operators.install_status import make_refusal, make_status
from hauberk.operators.knative_eventing.rbac import make_roles
from hauberk.operators.knative_eventing.table import ISTIO_CONTROLLER, PART_OF, WORKLOADS
from hauberk.operators.knative_serving.policies import MONITORING, make_policy
from hauberk.operators.knative_serving.settings import NO_POLICIES
from hauberk.operators.objects import make_service_account
from hauberk.operators.overrides import overridden
from hauberk.operators.workload import Workload, app_labels, make_deployment, make_fronts

PLACEHOLDERS = "run, are injected and configured, but do nothing yet on the embedded cluster"
BROKER_CLASS = "MTChannelBasedBroker"
PING_ADAPTER = "pingsource-mt-adapter"
BROKER_DEFAULTS = f"""\
clusterDefault:
  brokerClass: {BROKER_CLASS}
  apiVersion: v1
  kind: ConfigMap
  name: config-br-default-channel
  namespace: {NAMESPACE}
  delivery:
    retry: 10
    backoffPolicy: exponential
    backoffDelay: PT0.2S
"""
CHANNEL_DEFAULTS = """\
clusterDefault:
  apiVersion: messaging.knative.dev/v1
  kind: InMemoryChannel
"""
CHANNEL_TEMPLATE = """\
apiVersion: messaging.knative.dev/v1
kind: InMemoryChannel
"""
DEFAULTS = (
    ("config-br-defaults", "default-br-config", BROKER_DEFAULTS),
    ("config-br-default-channel", "channel-template-spec", CHANNEL_TEMPLATE),
    ("default-ch-webhook", "default-ch-config", CHANNEL_DEFAULTS),
    ("config-features", "istio", "disabled"),
)
POLICIES: tuple[tuple[str, Mapping[str, str]], ...] = (
    ("allow-eventing-webhook", {"app": "eventing-webhook"}),
    (
        "allow-imc-webhook",
        {"messaging.knative.dev/channel": "in-memory-channel", "messaging.knative.dev/role": "controller"},
    ),
    ("allow-kafka-webhook-eventing", {"app": "kafka-webhook-eventing"}),
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """All that a decision about one KnativeEventing may depend on."""

    eventing: Json
    deployments: Mapping[tuple[str, str], Json]  # by namespace and name
    has_pings: bool = False  # there are PingSources, so that their adapter is needed


def plan(world: World, now: float) -> Plan:  # noqa: ARG001
    """Decide what Knative Eventing consists of and how far it is."""
    if world.eventing["metadata"]["namespace"] != NAMESPACE:
        text = f'Knative Eventing must be installed into the namespace "{NAMESPACE}"'
        return Plan(status=make_refusal(text))
    spec = KIND.parse(world.eventing).spec
    config = config_of(spec)
    with_istio = config["config-features"]["istio"] == "enabled"
    rows = (*_workloads(world), replace(ISTIO_CONTROLLER, replicas=1 if with_istio else 0))
    deployments = _deployments(rows, spec)
    policies = with_istio and annotations_of(world.eventing).get(NO_POLICIES) != "true"
    accounts = sorted({row.account for row in rows})
    children = (
        *(make_service_account(a, NAMESPACE, app_labels(PART_OF, a)) for a in accounts),
        *make_config_maps(CONFIGS, NAMESPACE, {n: app_labels(PART_OF, n) for n in CONFIGS}, config),
        *deployments,
        *(front for row in rows for front in make_fronts(row, PART_OF, NAMESPACE)),
        *(_policies() if policies else ()),
    )
    status = make_status(deployments, world.deployments, [_active(rows)])
    roles = tuple(make_roles(NAMESPACE, app_labels(PART_OF, "job-sink")))
    return Plan(children=children, others=roles, status=status)


def _workloads(world: World) -> tuple[Workload, ...]:
    """The components; the PingSources' adapter runs only when there are any.

    Source: knative/eventing pkg/reconciler/pingsource/pingsource.go, reconcileMTReceiveAdapter.
    """
    return tuple(
        replace(row, replicas=1) if row.name == PING_ADAPTER and world.has_pings else row for row in WORKLOADS
    )


def _active(rows: tuple[Workload, ...]) -> Condition:
    """Whether every component does its work. It does not count for Ready."""
    waiting = ", ".join(row.name for row in rows if row.placeholder)
    if not waiting:
        return Condition("ComponentsActive", "True", severity="Info")
    return Condition("ComponentsActive", "False", "Placeholders", f"{waiting}: {PLACEHOLDERS}", "Info")


def config_of(spec: EventingSpec) -> dict[str, dict[str, str]]:
    """The data of every ConfigMap: the admin's, with defaults where the admin is silent.

    `features.istio: enabled` also turns the default metrics backend off.
    """
    wanted = wanted_of(spec.config)
    for name, key, value in DEFAULTS:
        unless_set(wanted, name, key, value)
    if wanted["config-features"]["istio"] == "enabled":
        unless_set(wanted, "config-observability", "metrics.backend-destination", "none", "metrics-protocol")
    return wanted


def _deployments(rows: tuple[Workload, ...], spec: EventingSpec) -> list[Json]:
    replicas = spec.high_availability.replicas if spec.high_availability else 1
    overrides = (*spec.deployments, *spec.workloads)
    return [overridden(make_deployment(row, PART_OF, NAMESPACE, replicas), overrides) for row in rows]


def _policies() -> Iterator[Json]:
    peer = {"namespaceSelector": {"matchLabels": MONITORING}}
    yield make_policy("allow-from-openshift-monitoring", NAMESPACE, {}, {}, [{"from": [peer]}])
    for name, labels in POLICIES:
        yield make_policy(name, NAMESPACE, {}, {"matchLabels": dict(labels)}, [{}])
