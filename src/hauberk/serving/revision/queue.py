"""The queue-proxy container, as upstream writes it: the queue role's whole configuration is its environment.

Source: knative/serving pkg/reconciler/revision/resources/queue.go, makeQueueContainer; order as observed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from hauberk.base.refs import Json, annotations_of, labels_of
from hauberk.serving.config.deployment import Deployment
from hauberk.serving.names import L_CONFIGURATION, L_SERVICE, QUEUE_HTTP, QUEUE_HTTPS, SYSTEM

LOCALHOST = "127.0.0.1"
A_QUEUE = "queue.sidecar.serving.knative.dev/"
_TLS_SETTINGS = ("MIN_VERSION", "MAX_VERSION", "CIPHER_SUITES", "CURVE_PREFERENCES")
PORTS = (
    ("http-autometric", 9090),
    ("http-usermetric", 9091),
    ("queue-port", QUEUE_HTTP),
    ("https-port", QUEUE_HTTPS),
)


def make_queue(
    revision: Json,
    serving: Json,
    port: int,
    config: Deployment,
    observability: str,
    features: Mapping[str, str],
) -> dict[str, Any]:
    """The queue-proxy in front of the container `serving`, whose port is `port`."""
    return {
        "name": "queue-proxy",
        "image": config.queue_image,
        "imagePullPolicy": "IfNotPresent",
        "resources": _resources(revision, config),
        "ports": [_port(name, number) for name, number in _ports(serving)],
        "readinessProbe": _kubelet_probe(serving.get("readinessProbe") or {}),
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "runAsNonRoot": True,
            "capabilities": {"drop": ["ALL"]},
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "env": _env(revision, serving, port, observability, features),
    }


def is_h2c(serving: Json) -> bool:
    """Whether the container's port is named for HTTP/2 without TLS."""
    return any(p.get("name") == "h2c" for p in serving.get("ports") or ())


def _ports(serving: Json) -> tuple[tuple[str, int], ...]:
    """As upstream, h2c has port 8013 in the place of 8012."""
    return tuple((n, 8013 if n == "queue-port" and is_h2c(serving) else p) for n, p in PORTS)


def _port(name: str, number: int) -> dict[str, Any]:
    return {"name": name, "containerPort": number, "protocol": "TCP"}


def _resources(revision: Json, config: Deployment) -> dict[str, Any]:
    notes = annotations_of(revision)
    requests = dict(config.queue_requests)
    limits = dict(config.queue_limits)
    for resource in ("cpu", "memory", "ephemeral-storage"):
        for kind, table in (("request", requests), ("limit", limits)):
            own = notes.get(f"{A_QUEUE}{resource}-resource-{kind}")
            if own:
                table[resource] = own
    return {k: v for k, v in (("requests", requests), ("limits", limits)) if v}


def _kubelet_probe(user: Json) -> dict[str, Any]:
    """The kubelet asks the queue; the queue asks the app as `SERVING_READINESS_PROBE` says."""
    timing = (
        "initialDelaySeconds",
        "timeoutSeconds",
        "periodSeconds",
        "successThreshold",
        "failureThreshold",
    )
    return {
        "httpGet": {
            "path": "/",
            "port": QUEUE_HTTP,
            "scheme": "HTTP",
            "httpHeaders": [{"name": "K-Network-Probe", "value": "queue"}],
        },
        **{k: user[k] for k in timing if user.get(k)},
        "successThreshold": user.get("successThreshold") or 1,
    }


def app_probe(user: Json, port: int) -> str:
    """SERVING_READINESS_PROBE: the app's own readiness probe, aimed at 127.0.0.1, as JSON.

    A probe that only the kubelet can run (exec) becomes a TCP probe here and stays on the app.
    Source: pkg/reconciler/revision/resources/queue.go, applyReadinessProbeDefaults.
    """
    probe: dict[str, Any] = {}
    if "httpGet" in user:
        get = dict(user["httpGet"])
        headers = [*(get.pop("httpHeaders", None) or []), {"name": "K-Kubelet-Probe", "value": "queue"}]
        probe["httpGet"] = {
            "path": get.get("path") or "/",
            "port": get.get("port") or port,
            "host": LOCALHOST,
            "scheme": get.get("scheme") or "HTTP",
            "httpHeaders": headers,
        }
    elif "grpc" in user:
        probe["grpc"] = {"port": user["grpc"].get("port") or port, "service": user["grpc"].get("service", "")}
    else:
        probe["tcpSocket"] = {"port": (user.get("tcpSocket") or {}).get("port") or port, "host": LOCALHOST}
    for key in ("initialDelaySeconds", "timeoutSeconds", "periodSeconds"):
        if user.get(key):
            probe[key] = user[key]
    if probe.get("periodSeconds") and not probe.get("timeoutSeconds"):
        probe["timeoutSeconds"] = 1
    probe["successThreshold"] = user.get("successThreshold") or 1
    if user.get("failureThreshold"):
        probe["failureThreshold"] = user["failureThreshold"]
    return json.dumps(probe, separators=(",", ":"))


def _env(
    revision: Json, serving: Json, port: int, observability: str, features: Mapping[str, str]
) -> list[dict[str, Any]]:
    meta, spec, labels = revision["metadata"], revision["spec"], labels_of(revision)
    http = QUEUE_HTTP if not is_h2c(serving) else 8013
    detect = features.get("autodetect-http2", "disabled").lower() == "enabled"
    duplex = annotations_of(revision).get("features.knative.dev/http-full-duplex", "").lower() == "enabled"
    probes = features.get("multi-container-probing", "disabled").lower() == "enabled"
    values: list[dict[str, Any]] = [
        _value("SERVING_NAMESPACE", meta["namespace"]),
        _value("SERVING_SERVICE", labels.get(L_SERVICE, "")),
        _value("SERVING_CONFIGURATION", labels.get(L_CONFIGURATION, "")),
        _value("SERVING_REVISION", meta["name"]),
        _value("QUEUE_SERVING_PORT", str(http)),
        _value("QUEUE_SERVING_TLS_PORT", str(QUEUE_HTTPS)),
        _value("CONTAINER_CONCURRENCY", str(spec.get("containerConcurrency") or 0)),
        _value("REVISION_TIMEOUT_SECONDS", str(spec.get("timeoutSeconds") or 0)),
        _value("REVISION_RESPONSE_START_TIMEOUT_SECONDS", str(spec.get("responseStartTimeoutSeconds") or 0)),
        _value("REVISION_IDLE_TIMEOUT_SECONDS", str(spec.get("idleTimeoutSeconds") or 0)),
        _from_field("SERVING_POD", "metadata.name"),
        _from_field("SERVING_POD_IP", "status.podIP"),
        _value("SERVING_LOGGING_CONFIG", ""),
        _value("SERVING_LOGGING_LEVEL", ""),
        _value("USER_PORT", str(port)),
        _value("SYSTEM_NAMESPACE", SYSTEM),
        _value("SERVING_READINESS_PROBE", app_probe(serving.get("readinessProbe") or {}, port)),
        _from_field("HOST_IP", "status.hostIP"),
        _value("ENABLE_HTTP2_AUTO_DETECTION", _go(detect)),
        _value("ENABLE_HTTP_FULL_DUPLEX", _go(duplex)),
        _value("ROOT_CA", ""),
        *(_value(f"QUEUE_PROXY_TLS_{name}", "") for name in _TLS_SETTINGS),
        _value("ENABLE_MULTI_CONTAINER_PROBES", _go(probes)),
        _value("OBSERVABILITY_CONFIG", observability),
    ]
    return values


def _go(value: bool) -> str:
    return "true" if value else "false"


def _value(name: str, value: str) -> dict[str, Any]:
    return {"name": name, "value": value} if value else {"name": name}


def _from_field(name: str, path: str) -> dict[str, Any]:
    return {"name": name, "valueFrom": {"fieldRef": {"apiVersion": "v1", "fieldPath": path}}}
