"""A component of Serverless as a row, and what is made from it. Pure.

Source: the release manifests of knative/serving, knative/eventing and net-istio (names, labels, ports).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from hauberk.base.refs import Json
from hauberk.operators.names import COMPONENT_IMAGE, KNATIVE_VERSION, PLACEHOLDER, WORK
from hauberk.operators.objects import make, make_port


@dataclass(frozen=True, slots=True)
class Front:
    """The Service of a component."""

    name: str
    ports: tuple[tuple[str, int, int], ...]  # name, port, target port
    labels: Mapping[str, str] = field(default_factory=dict)
    selector: Mapping[str, str] | None = None  # default: the component's selector


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """One Deployment of a component."""

    name: str
    component: str  # app.kubernetes.io/component
    labels: Mapping[str, str]  # of the pods, besides the app.kubernetes.io ones
    selector: Mapping[str, str]
    account: str
    ports: tuple[tuple[str, int], ...]  # container ports
    work: str = ""  # which room does the work, for component images
    image: str = COMPONENT_IMAGE
    args: tuple[str, ...] = ()
    marks: Mapping[str, str] = field(default_factory=dict)  # more labels of the pods
    container: str = ""  # default: the name
    env: tuple[Mapping[str, Any], ...] = ()
    probe: Mapping[str, Any] | None = None  # readiness; liveness is the same, slower
    grace_s: int = 30
    annotations: Mapping[str, str] = field(default_factory=dict)
    fronts: tuple[Front, ...] = ()
    replicas: int | None = None  # None: what high availability says
    placeholder: bool = False


def app_labels(part_of: str, component: str) -> dict[str, str]:
    """The labels that every object of a Knative release carries."""
    return {
        "app.kubernetes.io/component": component,
        "app.kubernetes.io/name": part_of,
        "app.kubernetes.io/version": KNATIVE_VERSION,
    }


def make_deployment(row: Workload, part_of: str, namespace: str, replicas: int) -> dict[str, Any]:
    """The Deployment of one component, before the admin's overrides."""
    labels = {**row.labels, **app_labels(part_of, row.component)}
    pod_labels = {**labels, **row.marks}
    annotations = dict(row.annotations)
    if row.image == COMPONENT_IMAGE:
        annotations[WORK] = row.work
    if row.placeholder:
        annotations[PLACEHOLDER] = "true"
    marks = {PLACEHOLDER: "true"} if row.placeholder else None
    return make(
        "apps/v1",
        "Deployment",
        row.name,
        namespace,
        labels=labels,
        annotations=marks,
        spec={
            "replicas": replicas if row.replicas is None else row.replicas,
            "selector": {"matchLabels": dict(row.selector)},
            "template": {
                "metadata": {"labels": pod_labels, "annotations": annotations},
                "spec": {
                    "serviceAccountName": row.account,
                    "terminationGracePeriodSeconds": row.grace_s,
                    "containers": [_container(row)],
                },
            },
        },
    )


def _container(row: Workload) -> dict[str, Any]:
    downward = {
        "POD_NAME": "metadata.name",
        "POD_IP": "status.podIP",
        "SYSTEM_NAMESPACE": "metadata.namespace",
    }
    env = [{"name": k, "valueFrom": {"fieldRef": {"fieldPath": v}}} for k, v in downward.items()]
    container: dict[str, Any] = {
        "name": row.container or row.name,
        "image": row.image,
        "imagePullPolicy": "IfNotPresent",
        **({"args": list(row.args)} if row.args else {}),
        "env": [*env, *row.env],
        "ports": [{"name": name, "containerPort": port, "protocol": "TCP"} for name, port in row.ports],
    }
    if row.probe is not None:
        container["readinessProbe"] = {**row.probe, "periodSeconds": 5, "failureThreshold": 5}
        container["livenessProbe"] = {
            **row.probe,
            "periodSeconds": 10,
            "failureThreshold": 12,
            "initialDelaySeconds": 15,
        }
    return container


def make_fronts(row: Workload, part_of: str, namespace: str) -> Iterator[Json]:
    """The Services of one component."""
    for front in row.fronts:
        yield make(
            "v1",
            "Service",
            front.name,
            namespace,
            labels={**app_labels(part_of, row.component), **front.labels},
            spec={
                "type": "ClusterIP",
                "selector": dict(row.selector if front.selector is None else front.selector),
                "ports": [make_port(*port) for port in front.ports],
            },
        )
