"""AuthorizationPolicies that keep tenants apart: everything is denied, then allowed one by one. Pure.

Source: openshift-knative/serverless-operator hack/lib/mesh_resources/authorization-policies (setup, helm) and
mesh_v3_resources/authorization-policies; the chart redhat-knative-istio-authz.
Deviation: one policy for each receiver names every namespace of a tenant, where the chart is run once more
for each further tenant only.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from hauberk.base.refs import Json
from hauberk.integration.model import EVENTING, SERVING, Integration, Tenant
from hauberk.integration.profiles.objects import make

COMPONENT = "app.kubernetes.io/component"
WAIT_FOR_DRAIN = "8022"
RECEIVERS = {
    "imc": "imc-dispatcher",
    "ekb": "kafka-broker-receiver",
    "ekc": "kafka-channel-receiver",
    "eks": "kafka-sink-receiver",
    "broker-ingress": "broker-ingress",
    "job-sink": "job-sink",
}
SENDERS = (
    "pingsource-mt-adapter",
    "imc-dispatcher",
    "mt-broker-filter",
    "knative-kafka-source-data-plane",
    "knative-kafka-broker-data-plane",
    "knative-kafka-channel-data-plane",
)
"""ServiceAccounts of Eventing that deliver on behalf of a tenant, which the header Kn-Namespace names."""

_DELIVERIES = (
    ("allow-mt-channel-based-broker-ingress-to-imc-dispatcher", "imc-dispatcher", "mt-broker-ingress"),
    ("allow-mt-channel-based-broker-ingress-to-kafka-channel", "kafka-channel-receiver", "mt-broker-ingress"),
    (
        "allow-kafka-channel-to-mt-channel-based-broker-filter",
        "broker-filter",
        "knative-kafka-channel-data-plane",
    ),
    ("allow-imc-to-mt-channel-based-broker-filter", "broker-filter", "imc-dispatcher"),
)
_PROBED = ("kafka-broker-receiver", "kafka-sink-receiver", "kafka-channel-receiver")


def make_policies(wanted: Integration) -> tuple[Json, ...]:
    """The whole set; empty without tenants. Denials come last: until then nothing is closed by half."""
    if not wanted.tenants:
        return ()
    api = "security.istio.io/v1beta1" if wanted.profile == "sm2" else "security.istio.io/v1"
    policies = [
        *_setup(wanted),
        *(p for tenant in wanted.tenants for p in _tenant(wanted, tenant)),
        *_deny(wanted),
    ]
    return tuple({**policy, "apiVersion": api} for policy in policies)


def _policy(name: str, namespace: str, rules: Sequence[Json], selector: Json | None = None) -> Json:
    spec: dict[str, Any] = {"action": "ALLOW"}
    if selector:
        spec["selector"] = {"matchLabels": selector}
    return make("", "AuthorizationPolicy", name, namespace, spec={**spec, "rules": list(rules)})


def _deny(wanted: Integration) -> Iterator[Json]:
    for namespace in _systems(wanted):
        yield make("", "AuthorizationPolicy", "deny-all-by-default", namespace, spec={})


def _systems(wanted: Integration) -> tuple[str, ...]:
    return (SERVING, EVENTING) if wanted.eventing.enabled else (SERVING,)


def _gateways(wanted: Integration) -> list[str]:
    """Namespaces whose requests come from outside, on behalf of anybody."""
    return list(dict.fromkeys((SERVING, wanted.gateway_namespace, wanted.mesh.namespace)))


def _principals(*accounts: str) -> Json:
    return {
        "namespaces": [EVENTING],
        "principals": [f"cluster.local/ns/{EVENTING}/sa/{account}" for account in accounts],
    }


def _setup(wanted: Integration) -> Iterator[Json]:
    to_activator = [{"from": [{"source": {"namespaces": _gateways(wanted)}}]}]
    to_autoscaler = [{"from": [{"source": {"namespaces": [SERVING]}}]}]
    yield _policy("allow-traffic-to-activator", SERVING, to_activator, {"app": "activator"})
    yield _policy("allow-traffic-to-autoscaler", SERVING, to_autoscaler, {"app": "autoscaler"})
    if wanted.profile == "sm3":
        yield _gateway_policy(wanted)
    if wanted.eventing.enabled:
        yield from _eventing_setup(wanted)


def _gateway_policy(wanted: Integration) -> Json:
    rules = [
        {"from": [{"source": {"namespaces": [SERVING, wanted.gateway_namespace]}}]},
        {"to": [{"operation": {"ports": ["8080", "8081", "8443", "8444"]}}]},
    ]
    return _policy(
        "allow-traffic-to-ingress-gateway",
        wanted.gateway_namespace,
        rules,
        {"knative": wanted.gateways.label},
    )


def _eventing_setup(wanted: Integration) -> Iterator[Json]:
    for name, receiver, sender in _DELIVERIES:
        if wanted.kafka.enabled or "kafka" not in name:
            yield _between(name, receiver, sender, "POST")
    if wanted.kafka.enabled:
        for receiver in _PROBED:
            yield _between(f"allow-probe-{receiver}", receiver, "kafka-controller", "GET")


def _between(name: str, receiver: str, sender: str, method: str) -> Json:
    rule = {"from": [{"source": _principals(sender)}], "to": [{"operation": {"methods": [method]}}]}
    return _policy(name, EVENTING, [rule], {COMPONENT: receiver})


def _tenant(wanted: Integration, tenant: Tenant) -> Iterator[Json]:
    own, name = list(tenant.namespaces), tenant.name
    for namespace in own:
        yield _own_policy(wanted, tenant, namespace)
        yield _policy(
            "allow-wait-for-drain", namespace, [{"to": [{"operation": {"ports": [WAIT_FOR_DRAIN]}}]}]
        )
    rules: list[Json] = [{"from": [{"source": {"namespaces": own}}], "to": [_hosts(own)]}]
    if wanted.eventing.enabled:
        rules.append(_delivery(own, _hosts(own), SENDERS))
    yield _policy(f"allow-{name}-to-activator", SERVING, rules, {COMPONENT: "activator"})
    if wanted.eventing.enabled:
        yield from _eventing_policies(wanted, tenant)


def _own_policy(wanted: Integration, tenant: Tenant, namespace: str) -> Json:
    own = list(tenant.namespaces)
    rules: list[Json] = [{"from": [{"source": {"namespaces": [*own, *_gateways(wanted)]}}]}]
    if wanted.eventing.enabled:
        rules.append({"from": [{"source": {"namespaces": [EVENTING]}}], "when": [_on_behalf_of(own)]})
    return _policy("allow-from-knative-and-istio", namespace, rules)


def _eventing_policies(wanted: Integration, tenant: Tenant) -> Iterator[Json]:
    own, name = list(tenant.namespaces), tenant.name
    rules = [
        {"from": [{"source": {"namespaces": own}}], "to": [_paths(own), _hosts(own)]},
        _delivery(own, _hosts(own), SENDERS),
        _delivery(own, _paths(own), SENDERS),
    ]
    for short, receiver in RECEIVERS.items():
        if wanted.kafka.enabled or not receiver.startswith("kafka-"):
            yield _policy(f"allow-{name}-to-{short}", EVENTING, rules, {COMPONENT: receiver})
    if wanted.kafka.enabled:
        reply = [_delivery(own, _paths(own), ("knative-kafka-broker-data-plane",))]
        selector = {COMPONENT: "kafka-broker-receiver"}
        yield _policy(f"allow-{name}-kafka-broker-reply", EVENTING, reply, selector)
    senders = ("imc-dispatcher", "mt-broker-filter", "knative-kafka-channel-data-plane")
    reply = [_delivery(own, _paths(own), senders)]
    selector = {COMPONENT: "broker-ingress"}
    yield _policy(f"allow-{name}-mt-channel-based-broker-reply", EVENTING, reply, selector)


def _delivery(own: Sequence[str], to: Json, senders: Sequence[str]) -> Json:
    return {"from": [{"source": _principals(*senders)}], "to": [to], "when": [_on_behalf_of(own)]}


def _on_behalf_of(own: Sequence[str]) -> Json:
    return {"key": "request.headers[Kn-Namespace]", "values": list(own)}


def _hosts(own: Sequence[str]) -> Json:
    ends = ("", ".svc", ".svc.cluster.local")
    return {"operation": {"hosts": [f"*.{namespace}{end}" for namespace in own for end in ends]}}


def _paths(own: Sequence[str]) -> Json:
    return {"operation": {"paths": [f"/{namespace}/*" for namespace in own]}}
