"""The objects that a run creates. Pure."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from hauberk.base.refs import Json
from hauberk.integration.verify.model import INJECT, LABEL, REWRITE, Plan

HOLD = '{"holdApplicationUntilProxyStarts": true}'
PASSTHROUGH = "serving.knative.openshift.io/enablePassthrough"
WINDOW_S = 6  # the least that Knative takes
TARGET_RPS = 10  # requests per second that one pod is for: what the load makes several pods of
MOST_PODS = 4
PORT = "8012"  # queue-proxy's, where a service's pod takes requests
_TRY = (
    'try() { id="$1"; shift; '
    'said=$(curl -sS -o /dev/null --max-time 10 -w " status=%{http_code}" "$@" 2>&1); '
    'echo "probe=$id exit=$? $(echo "$said" | tr "\\n" " ")"; }'
)
END = "probe=end"


def make_service(plan: Plan, revision: str = "first") -> dict[str, Any]:
    """The probe service: in the mesh, quick to scale, one pod for each `TARGET_RPS`."""
    scale = {
        "window": f"{WINDOW_S}s",
        "metric": "rps",
        "target": str(TARGET_RPS),
        "max-scale": str(MOST_PODS),
    }
    notes = {f"autoscaling.knative.dev/{key}": value for key, value in scale.items()}
    notes |= {INJECT: "true", REWRITE: "true", "proxy.istio.io/config": HOLD}
    env = [{"name": "TARGET", "value": plan.run}, {"name": "PROBE_REVISION", "value": revision}]
    return _service(plan, plan.service, plan.wish.image, notes, env)


def make_display(plan: Plan) -> dict[str, Any]:
    """The service that prints events; it keeps one pod, whose log is read."""
    notes = {INJECT: "true", REWRITE: "true", "autoscaling.knative.dev/min-scale": "1"}
    return _service(plan, f"{plan.service}-events", plan.wish.event_image, notes, [])


def _service(
    plan: Plan, name: str, image: str, notes: Mapping[str, str], env: Sequence[Json]
) -> dict[str, Any]:
    container = {"image": image, **({"env": list(env)} if env else {})}
    template = {"metadata": {"labels": {LABEL: plan.run}, "annotations": dict(notes)}}
    return {
        "apiVersion": "serving.knative.dev/v1",
        "kind": "Service",
        "metadata": _meta(plan, name, plan.namespace, {PASSTHROUGH: "true"}),
        "spec": {"template": {**template, "spec": {"containers": [container]}}},
    }


def make_client(
    plan: Plan, place: str, namespace: str, asks: Sequence[tuple[str, Sequence[str]]], *, in_mesh: bool
) -> dict[str, Any]:
    """A pod that sends each of `asks` (id, curl's arguments) and says what came of it.

    In the mesh it tries again while its sidecar starts.
    """
    again = ("--retry", "20", "--retry-delay", "1", "--retry-connrefused") if in_mesh else ()
    lines = [shlex.join(["try", name, *again, *arguments]) for name, arguments in asks]
    script = "; ".join([_TRY, *lines, f"echo {END}", "sleep 3"])
    meta = _meta(plan, f"{plan.service}-{place}", namespace)
    meta["labels"] |= {INJECT: "true" if in_mesh else "false"}
    meta["annotations"] = {INJECT: "true" if in_mesh else "false"}
    container = {"name": "client", "image": plan.wish.client_image, "command": ["sh", "-c", script]}
    spec = {"restartPolicy": "Never", "terminationGracePeriodSeconds": 1, "containers": [container]}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": spec}


def make_broker(plan: Plan, kind: str) -> dict[str, Any]:
    """A Broker: `MTChannelBasedBroker` or `Kafka`."""
    name = f"{plan.service}-{kind.lower()}"
    meta = _meta(plan, name, plan.namespace, {"eventing.knative.dev/broker.class": kind})
    spec: dict[str, Any] = {}
    if kind == "Kafka":
        place = {"name": "kafka-broker-config", "namespace": "knative-eventing"}
        spec = {"config": {"apiVersion": "v1", "kind": "ConfigMap", **place}}
    return {"apiVersion": "eventing.knative.dev/v1", "kind": "Broker", "metadata": meta, "spec": spec}


def make_trigger(plan: Plan, broker: str) -> dict[str, Any]:
    """From the Broker to the service that prints."""
    sink = {
        "apiVersion": "serving.knative.dev/v1",
        "kind": "Service",
        "name": make_display(plan)["metadata"]["name"],
    }
    return {
        "apiVersion": "eventing.knative.dev/v1",
        "kind": "Trigger",
        "metadata": _meta(plan, broker, plan.namespace),
        "spec": {"broker": broker, "subscriber": {"ref": sink}},
    }


def event_arguments(url: str, event_id: str) -> tuple[str, ...]:
    """Arguments of curl for one CloudEvent in binary mode."""
    headers = {
        "ce-specversion": "1.0",
        "ce-type": "dev.hauberk.verify",
        "ce-source": "hauberk-verify",
        "ce-id": event_id,
        "content-type": "application/json",
    }
    return (
        *(word for name, value in headers.items() for word in ("-H", f"{name}: {value}")),
        "--data",
        "{}",
        url,
    )


def _meta(
    plan: Plan, name: str, namespace: str, annotations: Mapping[str, str] | None = None
) -> dict[str, Any]:
    made: dict[str, Any] = {"name": name, "namespace": namespace, "labels": {LABEL: plan.run}}
    return {**made, **({"annotations": dict(annotations)} if annotations else {})}
