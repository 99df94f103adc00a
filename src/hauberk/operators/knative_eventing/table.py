"""The workloads of Knative Eventing as rows. What carries events is a process of its own.

Source: knative/eventing config (core, channels/in-memory-channel, brokers/mt-channel-broker);
knative-extensions/eventing-istio config; names and ports as observed on a real cluster.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from hauberk.events.roles import LABEL as ROLE
from hauberk.operators.names import EVENTING_IMAGE
from hauberk.operators.workload import Front, Workload

PART_OF = "knative-eventing"

HEALTHZ: Mapping[str, Any] = {"httpGet": {"path": "/healthz", "port": 8080}}
_METRICS = ("metrics", 9090)
_IMC = {"messaging.knative.dev/channel": "in-memory-channel"}


def _row(
    name: str,
    selector: Mapping[str, str],
    account: str,
    *,
    component: str = "",
    ports: tuple[tuple[str, int], ...] = (_METRICS,),
    container: str = "",
    fronts: tuple[Front, ...] = (),
    replicas: int | None = None,
) -> Workload:
    """A component whose work the control plane does."""
    return Workload(
        name=name,
        component=component or name,
        labels=selector,
        selector=selector,
        account=account,
        ports=ports,
        container=container,
        work="eventing",
        fronts=fronts,
        replicas=replicas,
    )


def _data(role: str, row: Workload) -> Workload:
    """A component that carries events: a process of its own, told what to serve by the label's role."""
    return replace(row, image=EVENTING_IMAGE, args=(role,), marks={ROLE: role}, probe=HEALTHZ)


_DATA_PORTS = (("http", 80, 8080), ("https", 443, 8443), ("http-metrics", 9092, 9092))

WORKLOADS: tuple[Workload, ...] = (
    _row("eventing-controller", {"app": "eventing-controller"}, "eventing-controller"),
    _row(
        "eventing-webhook",
        {"app": "eventing-webhook", "role": "eventing-webhook"},
        "eventing-webhook",
        ports=(("https-webhook", 8443), _METRICS),
        fronts=(
            Front(
                "eventing-webhook",
                (("https-webhook", 443, 8443),),
                labels={"role": "eventing-webhook"},
                selector={"role": "eventing-webhook"},
            ),
        ),
    ),
    _row(
        "imc-controller",
        {**_IMC, "messaging.knative.dev/role": "controller"},
        "imc-controller",
        ports=(("https-webhook", 8443), _METRICS),
        container="controller",
        fronts=(
            Front("inmemorychannel-webhook", (("https-webhook", 443, 8443), ("http-metrics", 9090, 9090))),
        ),
    ),
    _data(
        "imc-dispatcher",
        _row(
            "imc-dispatcher",
            {**_IMC, "messaging.knative.dev/role": "dispatcher"},
            "imc-dispatcher",
            ports=(("http", 8080), _METRICS),
            container="dispatcher",
            fronts=(
                Front(
                    "imc-dispatcher",
                    (
                        ("http-dispatcher", 80, 8080),
                        ("https-dispatcher", 443, 8443),
                        ("http-metrics", 9090, 9090),
                    ),
                    labels={**_IMC, "messaging.knative.dev/role": "dispatcher"},
                ),
            ),
        ),
    ),
    _row("mt-broker-controller", {"app": "mt-broker-controller"}, "eventing-controller"),
    _data(
        "broker-ingress",
        _row(
            "mt-broker-ingress",
            {"eventing.knative.dev/brokerRole": "ingress"},
            "mt-broker-ingress",
            component="broker-ingress",
            ports=(("http", 8080), ("https", 8443), _METRICS),
            container="ingress",
            fronts=(
                Front("broker-ingress", _DATA_PORTS, labels={"eventing.knative.dev/brokerRole": "ingress"}),
            ),
        ),
    ),
    _data(
        "broker-filter",
        _row(
            "mt-broker-filter",
            {"eventing.knative.dev/brokerRole": "filter"},
            "mt-broker-filter",
            component="broker-filter",
            ports=(("http", 8080), ("https", 8443), _METRICS),
            container="filter",
            fronts=(
                Front("broker-filter", _DATA_PORTS, labels={"eventing.knative.dev/brokerRole": "filter"}),
            ),
        ),
    ),
    _data(
        "pingsource-mt-adapter",
        _row(
            "pingsource-mt-adapter",
            {"eventing.knative.dev/source": "ping-source-controller", "sources.knative.dev/role": "adapter"},
            "pingsource-mt-adapter",
            container="dispatcher",
            replicas=0,  # the plan raises it with the first PingSource, as upstream's controller does
        ),
    ),
    _data(
        "job-sink",
        _row(
            "job-sink",
            {"sinks.knative.dev/sink": "job-sink"},
            "job-sink",
            ports=(("http", 8080), ("https", 8443), _METRICS),
            fronts=(Front("job-sink", _DATA_PORTS, labels={"sinks.knative.dev/sink": "job-sink"}),),
        ),
    ),
)

ISTIO_CONTROLLER = _row(
    "eventing-istio-controller", {"app": "eventing-istio-controller"}, "eventing-istio-controller"
)
