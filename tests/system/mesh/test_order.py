"""The document's steps in another order: what is missing is named where the user looks, and all heals."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from typing import Any

import pytest

from hauberk.base.progress import Quiet
from hauberk.demo.run import make_certificates
from hauberk.demo.steps import MANIFESTS, STEPS
from hauberk.testing.cluster import Cluster, eventually, hauberk, started

pytestmark = pytest.mark.system
SERVING = ("knativeserving", "knative-serving", "-n", "knative-serving")
ROLL = ("smmr", "default", "-n", "istio-system")
HELLO = ("ksvc", "hello", "-n", "default")


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A cluster with the document's namespaces and certificate, and nothing else of it."""
    name = f"order-{secrets.token_hex(3)}"
    try:
        made = started(name, tmp_path_factory.mktemp("order"), "--ephemeral")
        make_certificates(made.shell, Quiet())
        for command in STEPS[0].commands:
            made.must(*command[1:])
        yield made
    finally:
        hauberk("down", "--name", name)


def apply(cluster: Cluster, *files: str) -> str:
    """Apply files of the document; the warnings."""
    done = cluster.run("apply", *(part for file in files for part in ("-f", str(MANIFESTS / file))))
    assert done.ok, done.err
    return done.err


def row(cluster: Cluster, ref: tuple[str, ...], kind: str) -> dict[str, Any]:
    """A condition of an object; empty when there is none."""
    rows = (cluster.json(*ref).get("status") or {}).get("conditions") or ()
    return next((r for r in rows if r["type"] == kind), {})


def says(cluster: Cluster, ref: tuple[str, ...], kind: str, status: str, *words: str) -> None:
    """Wait until a condition has that status and these words in its reason or message."""

    def holds() -> bool:
        seen = row(cluster, ref, kind)
        text = f"{seen.get('reason')} {seen.get('message')}"
        return seen.get("status") == status and all(word in text for word in words)

    eventually(holds, within_s=40, what=f"{kind} of {ref} {status} {words}")


def warned(cluster: Cluster, namespace: str, reason: str) -> bool:
    found = cluster.json("events", "-n", namespace, "--field-selector", "type=Warning")["items"]
    return any(event["reason"] == reason for event in found)


def test_without_a_control_plane_roll_serving_gateways_and_services_say_so_and_it_heals(
    bare: Cluster,
) -> None:
    said = apply(
        bare,
        "02-servicemesh-member-roll.yaml",
        "03-istio-knative-gateways.yaml",
        "04-knative-serving-config.yaml",
        "08-knative-service.yaml",
    )
    assert "no ServiceMeshControlPlane: no sidecar is injected" in said
    says(bare, ROLL, "Ready", "False", "ErrSMCPMissing")
    assert bare.json(*ROLL)["status"]["configuredMembers"] == []
    says(bare, SERVING, "GatewaysReady", "False", "no ServiceMeshControlPlane exists")
    says(bare, HELLO, "Ready", "Unknown", "load balancer")
    gate = ("gateway", "knative-ingress-gateway", "-n", "knative-serving")
    says(bare, gate, "Accepted", "False", "knative=ingressgateway matches no running gateway pod")

    apply(bare, "01-smcp.yaml")
    says(bare, ROLL, "Ready", "True")
    says(bare, gate, "Accepted", "True")
    says(bare, SERVING, "GatewaysReady", "True")
    # Injection happens when a pod is made: those from before are outside, and the status says what helps.
    says(bare, SERVING, "SidecarsReady", "False", "rollout restart -n knative-serving deployment/activator")
    restart = ("deployment/activator", "deployment/autoscaler")
    bare.must("rollout", "restart", "-n", "knative-serving", *restart)
    bare.must("delete", "pod", "-l", "serving.knative.dev/service=hello", "--wait=false")
    says(bare, SERVING, "SidecarsReady", "True")
    says(bare, HELLO, "Ready", "True")


@pytest.mark.parametrize("name", ["knative-ingress-gateway", "knative-local-gateway"])
def test_without_a_gateway_of_the_document_services_say_which_and_heal(bare: Cluster, name: str) -> None:
    eventually(lambda: row(bare, HELLO, "Ready").get("status") == "True", within_s=40)
    bare.must("delete", "gateway", name, "-n", "knative-serving")
    says(bare, HELLO, "Ready", "Unknown", "ReconcileIngressFailed", f"{name} does not exist")
    says(bare, SERVING, "GatewaysReady", "False", "GatewayMissing", name)
    eventually(lambda: warned(bare, "default", "GatewayMissing"), what="an event")
    routes = ("virtualservice", "hello-ingress", "-n", "default")
    says(bare, routes, "Accepted", "False", "GatewayNotFound", name)
    apply(bare, "03-istio-knative-gateways.yaml")
    says(bare, HELLO, "Ready", "True")
    says(bare, SERVING, "GatewaysReady", "True")
    says(bare, routes, "Accepted", "True")
