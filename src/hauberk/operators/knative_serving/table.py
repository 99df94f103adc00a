"""The workloads of Knative Serving as rows.

Source: knative/serving config/core/{deployments,*.yaml}, knative-extensions/net-istio config,
knative-extensions/net-kourier config; names and ports as observed on a real cluster.
Deviation: the components that the control plane itself carries out have no probe: nothing listens there.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hauberk.operators.workload import Front, Workload

PART_OF = "knative-serving"
KOURIER_NAMESPACE = "knative-serving-ingress"
INGRESS_PROVIDER = "networking.knative.dev/ingress-provider"

_METRICS = ("metrics", 9090)
_PROFILING = ("profiling", 8008)
_METRICS_FRONT = (("http-metrics", 9090, 9090), ("http-profiling", 8008, 8008))


def _app(name: str, **more: str) -> dict[str, str]:
    return {"app": name, **more}


def _config_env(*pairs: tuple[str, str]) -> tuple[Mapping[str, Any], ...]:
    return tuple({"name": name, "value": value} for name, value in pairs)


_CONFIG = _config_env(
    ("CONFIG_LOGGING_NAME", "config-logging"), ("CONFIG_OBSERVABILITY_NAME", "config-observability")
)

ACTIVATOR = Workload(
    name="activator",
    component="activator",
    labels=_app("activator", role="activator"),
    selector=_app("activator", role="activator"),
    account="activator",
    image="hauberk.local/activator",
    ports=(_METRICS, _PROFILING, ("http1", 8012), ("h2c", 8013)),
    env=(*_config_env(("GOGC", "500")), *_CONFIG),
    probe={"httpGet": {"port": 8012, "httpHeaders": [{"name": "k-kubelet-probe", "value": "activator"}]}},
    grace_s=600,
    fronts=(
        Front(
            "activator-service",
            (*_METRICS_FRONT, ("http", 80, 8012), ("http2", 81, 8013), ("https", 443, 8112)),
            labels={"app": "activator"},
            selector={"app": "activator"},
        ),
    ),
)

AUTOSCALER = Workload(
    name="autoscaler",
    component="autoscaler",
    labels=_app("autoscaler"),
    selector=_app("autoscaler"),
    account="controller",
    image="hauberk.local/autoscaler",
    ports=(_METRICS, _PROFILING, ("websocket", 8080)),
    env=_CONFIG,
    fronts=(Front("autoscaler", (*_METRICS_FRONT, ("http", 8080, 8080)), labels={"app": "autoscaler"}),),
)

CORE: tuple[Workload, ...] = (
    ACTIVATOR,
    AUTOSCALER,
    Workload(
        name="autoscaler-hpa",
        component="autoscaler-hpa",
        labels=_app("autoscaler-hpa"),
        selector=_app("autoscaler-hpa"),
        account="controller",
        ports=(_METRICS, _PROFILING),
        env=_CONFIG,
        work="autoscaler",
    ),
    Workload(
        name="controller",
        component="controller",
        labels=_app("controller"),
        selector=_app("controller"),
        account="controller",
        ports=(_METRICS, _PROFILING),
        env=_CONFIG,
        work="serving",
        fronts=(Front("controller", _METRICS_FRONT, labels={"app": "controller"}),),
    ),
    Workload(
        name="webhook",
        component="webhook",
        labels=_app("webhook", role="webhook"),
        selector=_app("webhook", role="webhook"),
        account="controller",
        ports=(_METRICS, _PROFILING, ("https-webhook", 8443)),
        env=_config_env(("WEBHOOK_NAME", "webhook"), ("WEBHOOK_PORT", "8443")),
        grace_s=300,
        work="apiserver",
        fronts=(
            Front(
                "webhook",
                (*_METRICS_FRONT, ("https-webhook", 443, 8443)),
                labels={"app": "webhook", "role": "webhook"},
            ),
        ),
    ),
)

_ISTIO = {INGRESS_PROVIDER: "istio"}

ISTIO: tuple[Workload, ...] = (
    Workload(
        name="net-istio-controller",
        component="net-istio",
        labels={**_app("net-istio-controller"), **_ISTIO},
        selector=_app("net-istio-controller"),
        account="controller",
        container="controller",
        ports=(_METRICS, _PROFILING),
        env=(
            *_CONFIG,
            *_config_env(
                ("ENABLE_SECRET_INFORMER_FILTERING_BY_CERT_UID", "true"),
                ("METRICS_DOMAIN", "knative.dev/net-istio"),
            ),
        ),
        work="serving",
    ),
    Workload(
        name="net-istio-webhook",
        component="net-istio",
        labels={**_app("net-istio-webhook", role="net-istio-webhook"), **_ISTIO},
        selector=_app("net-istio-webhook", role="net-istio-webhook"),
        account="controller",
        container="webhook",
        ports=(_METRICS, _PROFILING, ("https-webhook", 8443)),
        env=_config_env(("WEBHOOK_NAME", "net-istio-webhook")),
        work="apiserver",
        fronts=(
            Front(
                "net-istio-webhook",
                (*_METRICS_FRONT, ("https-webhook", 443, 8443)),
                labels={**_ISTIO, "role": "net-istio-webhook"},
                selector=_app("net-istio-webhook"),
            ),
        ),
    ),
)

_KOURIER = {INGRESS_PROVIDER: "kourier"}

KOURIER: tuple[Workload, ...] = (
    Workload(
        name="net-kourier-controller",
        component="net-kourier",
        labels={**_app("net-kourier-controller"), **_KOURIER},
        selector=_app("net-kourier-controller"),
        account="net-kourier",
        container="controller",
        ports=(("http2-xds", 18000),),
        env=(*_CONFIG, *_config_env(("KOURIER_GATEWAY_NAMESPACE", KOURIER_NAMESPACE))),
        work="xds",
        fronts=(Front("net-kourier-controller", (("grpc-xds", 18000, 18000),), labels=_KOURIER),),
    ),
    Workload(
        name="3scale-kourier-gateway",
        component="net-kourier",
        labels={**_app("3scale-kourier-gateway"), **_KOURIER},
        selector=_app("3scale-kourier-gateway"),
        account="default",
        image="hauberk.local/kourier",
        container="kourier-gateway",
        ports=(
            ("http2-external", 8080),
            ("http2-internal", 8081),
            ("https-external", 8443),
            ("http-probe", 8090),
        ),
        fronts=(
            Front("kourier", (("http2", 80, 8080), ("https", 443, 8443)), labels=_KOURIER),
            Front("kourier-internal", (("http2", 80, 8081), ("https", 443, 8444)), labels=_KOURIER),
        ),
    ),
)

CONFIG_COMPONENT = {
    "config-autoscaler": "autoscaler",
    "config-logging": "logging",
    "config-network": "networking",
    "config-observability": "observability",
    "config-tracing": "tracing",
    "config-istio": "net-istio",
    "config-kourier": "net-kourier",
}  # the rest is the controller's
