"""The children of a Revision: Deployment, PodAutoscaler, Images.

Source: knative/serving pkg/reconciler/revision/resources/{deploy,pa,imagecache,meta}.go.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from hauberk.base.names import child_name
from hauberk.base.refs import Json, annotations_of, labels_of
from hauberk.serving.config.deployment import Deployment
from hauberk.serving.names import (
    A_CLASS,
    A_LAST_APPLIED,
    A_METRIC,
    A_MODIFIER,
    A_ROUTES,
    A_STATE_TIME,
    AUTOSCALING,
    CACHING,
    HPA_CLASS,
    KPA_CLASS,
    L_CONFIGURATION,
    L_REVISION,
    L_REVISION_UID,
    L_SERVICE,
    L_STATE,
    body,
)
from hauberk.serving.revision.queue import is_h2c, make_queue

DEFAULT_PORT = 8080
_NO_PROGRESS_KEY = "serving.knative.dev/progress-deadline"
_QUEUE_KEYS = "queue.sidecar.serving.knative.dev/"
_NOT_OF_POD = ("containers", "containerConcurrency", "timeoutSeconds", "responseStartTimeoutSeconds",
               "idleTimeoutSeconds", "enableServiceLinks")  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What the ConfigMaps add to a Deployment."""

    deployment: Deployment = field(default_factory=Deployment)
    observability: str = "{}"
    features: Mapping[str, str] = field(default_factory=dict)
    replicas: int = 1
    digests: Mapping[str, str] = field(default_factory=dict)  # image → image with its digest
    default_class: str = KPA_CLASS
    log_url: str = ""


def labels(revision: Json) -> dict[str, str]:
    """Labels of everything below a revision; `app` makes Istio's telemetry name it."""
    meta = revision["metadata"]
    kept = {k: v for k, v in labels_of(revision).items() if k != L_STATE}
    return {"app": meta["name"], **kept, L_REVISION: meta["name"], L_REVISION_UID: meta["uid"]}


def notes_of(revision: Json, *also_without: str) -> dict[str, str]:
    """Annotations of everything below a revision, without those that are about the revision itself."""
    drop = {A_LAST_APPLIED, A_ROUTES, A_STATE_TIME, A_MODIFIER, *also_without}
    return {
        k: v
        for k, v in annotations_of(revision).items()
        if k not in drop and not k.startswith("serving.knative.dev/forceUpgrade")
    }


def deployment_name(revision: Json) -> str:
    """`NAME-deployment`."""
    return child_name(revision["metadata"]["name"], "-deployment")


def make_deployment(revision: Json, settings: Settings) -> Json:
    """The Deployment of a revision's pods."""
    meta = revision["metadata"]
    shown = {k: v for k, v in notes_of(revision).items() if not k.startswith("autoscaling.knative.dev/")}
    own = labels(revision)
    spec = _pod_spec(revision, settings)
    service = own.get(L_SERVICE) or own.get(L_CONFIGURATION, "")
    istio = {"service.istio.io/canonical-name": service, "service.istio.io/canonical-revision": meta["name"]}
    everyone = {**istio, **own}
    deadline = _seconds(shown.get(_NO_PROGRESS_KEY), settings.deployment.progress_deadline_s)
    return body(
        "apps/v1",
        "Deployment",
        {
            "name": deployment_name(revision),
            "namespace": meta["namespace"],
            "labels": {**everyone, "serving.knative.dev/deployment-hash": _hash(spec)},
            "annotations": shown,
        },
        spec={
            "replicas": settings.replicas,
            "revisionHistoryLimit": 0,
            "progressDeadlineSeconds": deadline,
            "selector": {"matchLabels": {L_REVISION_UID: meta["uid"]}},
            "strategy": {
                "type": "RollingUpdate",
                "rollingUpdate": {"maxSurge": "25%", "maxUnavailable": 0},
            },
            "template": {
                "metadata": {
                    "labels": everyone,
                    "annotations": {"kubectl.kubernetes.io/default-container": _main_name(revision), **shown},
                },
                "spec": spec,
            },
        },
    )


def _seconds(text: str | None, default: int) -> int:
    digits = (text or "").removesuffix("s")
    return int(digits) if digits.isdigit() else default


def _hash(spec: Json) -> str:
    """A short name of a pod specification. Deviation: not upstream's hash function."""
    text = json.dumps(spec, sort_keys=True).encode()
    number = int.from_bytes(hashlib.sha256(text).digest()[:4], "big")
    digits = "0123456789abcdefghijklmnopqrstuvwxyz"
    out = ""
    while number:
        number, rest = divmod(number, 36)
        out = digits[rest] + out
    return out or "0"


def serving_container(spec: Json) -> Json:
    """The container that receives the requests: the one with a port, or the only one."""
    containers = spec.get("containers") or ()
    found: Json = next((c for c in containers if c.get("ports")), containers[0] if containers else {})
    return found


def port_of(container: Json) -> int:
    """The app's port."""
    ports = container.get("ports") or ()
    return int((ports[0].get("containerPort") if ports else 0) or DEFAULT_PORT)


def _main_name(revision: Json) -> str:
    return str(serving_container(revision["spec"]).get("name", "user-container"))


def _pod_spec(revision: Json, settings: Settings) -> dict[str, Any]:
    spec = revision["spec"]
    main = serving_container(spec)
    port = port_of(main)
    containers = [_container(revision, c, port if c is main else None, settings) for c in spec["containers"]]
    queue = make_queue(revision, main, port, settings.deployment, settings.observability, settings.features)
    affinity = {
        "podAntiAffinity": {
            "preferredDuringSchedulingIgnoredDuringExecution": [
                {
                    "weight": 100,
                    "podAffinityTerm": {
                        "labelSelector": {"matchLabels": {L_REVISION: revision["metadata"]["name"]}},
                        "topologyKey": "kubernetes.io/hostname",
                    },
                }
            ]
        }
    }
    rest = {k: v for k, v in spec.items() if k not in _NOT_OF_POD}
    if spec.get("initContainers"):
        rest["initContainers"] = [_init(c, settings) for c in spec["initContainers"]]
    return {
        "affinity": affinity,
        **rest,
        "containers": [*containers, queue],
        "enableServiceLinks": bool(spec.get("enableServiceLinks")),
        "terminationGracePeriodSeconds": int(spec.get("timeoutSeconds") or 0),
    }


def _container(revision: Json, container: Json, port: int | None, settings: Settings) -> dict[str, Any]:
    """A user's container in the pod. `port` is None when it is not the one that serves."""
    out = {k: v for k, v in container.items() if k not in ("readinessProbe", "ports")}
    image = container.get("image", "")
    probe = container.get("readinessProbe") or {}
    if "exec" in probe or port is None:
        out.update({"readinessProbe": probe} if probe else {})
    out["image"] = settings.digests.get(image) or image
    out["lifecycle"] = {"preStop": {"httpGet": {"path": "/wait-for-drain", "port": 8022, "scheme": "HTTP"}}}
    out["terminationMessagePolicy"] = container.get("terminationMessagePolicy") or "FallbackToLogsOnError"
    own = [{"name": "PORT", "value": str(port)}] if port is not None else []
    out["env"] = [*(container.get("env") or ()), *own, *_identity(revision)]
    if port is not None:
        out["ports"] = [{"name": "user-port", "containerPort": port, "protocol": "TCP"}]
    if container.get("livenessProbe"):
        out["livenessProbe"] = _aimed(container["livenessProbe"], port)
    if container.get("startupProbe"):
        out["startupProbe"] = _aimed(container["startupProbe"], port)
    return out


def _init(container: Json, settings: Settings) -> dict[str, Any]:
    image = container.get("image", "")
    return {**container, "image": settings.digests.get(image) or image}


def _aimed(probe: Json, port: int | None) -> dict[str, Any]:
    """A liveness or startup probe without a port means the app's port."""
    out = dict(probe)
    for handler in ("httpGet", "tcpSocket", "grpc"):
        if handler in out and port is not None and not out[handler].get("port"):
            out[handler] = {**out[handler], "port": port}
    return out


def _identity(revision: Json) -> list[dict[str, Any]]:
    own = labels_of(revision)
    values = (
        ("K_REVISION", revision["metadata"]["name"]),
        ("K_CONFIGURATION", own.get(L_CONFIGURATION, "")),
        ("K_SERVICE", own.get(L_SERVICE, "")),
    )
    return [{"name": n, **({"value": v} if v else {})} for n, v in values]


def make_autoscaler(revision: Json, settings: Settings) -> Json:
    """The PodAutoscaler of a revision.

    Its class and metric are written out, as upstream's webhook does.
    """
    meta, spec = revision["metadata"], revision["spec"]
    notes = notes_of(revision)
    cls = notes.get(A_CLASS) or settings.default_class
    metric = notes.get(A_METRIC) or ("cpu" if cls == HPA_CLASS else "concurrency")
    state = labels_of(revision).get(L_STATE, "")
    out: dict[str, Any] = {
        "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": deployment_name(revision)},
        "protocolType": "h2c" if is_h2c(serving_container(spec)) else "http1",
    }
    reach = {"active": "Reachable", "reserve": "Unreachable"}.get(state)
    if reach:
        out["reachability"] = reach
    if spec.get("containerConcurrency"):
        out["containerConcurrency"] = spec["containerConcurrency"]
    return body(
        AUTOSCALING,
        "PodAutoscaler",
        {
            "name": meta["name"],
            "namespace": meta["namespace"],
            "labels": labels(revision),
            "annotations": {**notes, A_CLASS: cls, A_METRIC: metric},
        },
        spec=out,
    )


def make_images(revision: Json, settings: Settings) -> tuple[Json, ...]:
    """One Image per container, so that what pulls images ahead can know them."""
    meta = revision["metadata"]
    images = []
    spec = revision["spec"]
    for container in (*(spec.get("initContainers") or ()), *(spec.get("containers") or ())):
        image = container.get("image", "")
        images.append(
            body(
                CACHING,
                "Image",
                {
                    "name": child_name(meta["name"], f"-cache-{container.get('name', '')}"),
                    "namespace": meta["namespace"],
                    "labels": labels(revision),
                    "annotations": notes_of(revision),
                },
                spec={"image": settings.digests.get(image) or image},
            )
        )
    return tuple(images)
