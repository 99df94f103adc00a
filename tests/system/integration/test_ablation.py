"""Settings of the document's gateways left out on a running cluster, and what calls then get.

The rows are those of tests/ablation/settings.yaml; other rows are shown by the tests that they name.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, TypeAlias

import pytest

from hauberk.demo.steps import MANIFESTS
from hauberk.testing.cluster import Cluster, eventually

pytestmark = pytest.mark.system
CLIENT = "ablation-client"
LOCAL = "http://hello.default.svc.cluster.local"
GATEWAYS = str(MANIFESTS / "03-istio-knative-gateways.yaml")
SERVICE = ("service", "knative-local-gateway", "-n", "istio-system")
LOCAL_GATEWAY = ("gateways.networking.istio.io", "knative-local-gateway", "-n", "knative-serving")
INGRESS = ("gateways.networking.istio.io", "knative-ingress-gateway", "-n", "knative-serving")
Patch: TypeAlias = list[dict[str, Any]]
ANSWER = "200/0"
UNKNOWN_NAME = "000/6"
NO_TLS = "000/35"


def replace(path: str, value: Any) -> dict[str, Any]:
    return {"op": "replace", "path": path, "value": value}


@pytest.fixture(scope="module")
def client(document: Cluster) -> Iterator[Cluster]:
    """A client in the mesh that calls again and again and writes down what it gets."""
    ask = (
        f"while :; do curl -s -o /dev/null -m 5 -w '%{{http_code}}/%{{exitcode}}\\n' {LOCAL}; sleep 0.3; done"
    )
    document.must(
        "run", CLIENT, "--image=hauberk.local/curl", "--labels=sidecar.istio.io/inject=true",
        "--command", "--", "sh", "-c", ask,
    )  # fmt: skip
    try:
        document.must("wait", "--for=condition=Ready", f"pod/{CLIENT}", "--timeout=30s")
        eventually(lambda: inside(document)[-1:] == [ANSWER], what="an answer")
        yield document
    finally:
        document.run("delete", "pod", CLIENT, "--grace-period=0", "--force")


def inside(cluster: Cluster) -> list[str]:
    return cluster.must("logs", CLIENT, "-c", CLIENT).split()


def outside(cluster: Cluster) -> str:
    line = cluster.stage.curl_line()
    ran = cluster.shell.run([*line, "-o", "/dev/null", "-w", "%{http_code}/%{exitcode}"], timeout_s=40)
    return ran.out.strip()


def same_again(cluster: Cluster, wanted: str, *, times: int = 5) -> None:
    """The next calls all get this; those that were under way do not count."""
    begun = len(inside(cluster)) + 1
    eventually(lambda: len(inside(cluster)) >= begun + times, what="more calls")
    assert set(inside(cluster)[begun:]) == {wanted}


def restore(cluster: Cluster) -> None:
    """As the document has it, and answering."""
    cluster.run("delete", *SERVICE)
    cluster.must("apply", "-f", GATEWAYS)
    eventually(lambda: (inside(cluster)[-1], outside(cluster)) == (ANSWER, ANSWER), what="as before")


@pytest.mark.parametrize(
    ("ref", "patch", "from_inside", "from_outside"),
    [
        pytest.param(SERVICE, None, UNKNOWN_NAME, ANSWER, id="local-service"),
        pytest.param(INGRESS, [replace("/spec/servers/0", {
            "port": {"number": 80, "name": "http", "protocol": "HTTP"}, "hosts": ["*"]})],
            ANSWER, NO_TLS, id="ingress.port"),
        pytest.param(INGRESS, [replace("/spec/servers/0/tls/mode", "PASSTHROUGH")],
            ANSWER, NO_TLS, id="ingress.mode"),
    ],
)  # fmt: skip
def test_what_is_left_out_ends_the_calls_that_need_it(
    client: Cluster, ref: tuple[str, ...], patch: Patch | None, from_inside: str, from_outside: str
) -> None:
    try:
        change(client, ref, patch)
        eventually(lambda: inside(client)[-1] == from_inside, what=f"{from_inside} inside")
        eventually(lambda: outside(client) == from_outside, what=f"{from_outside} outside")
    finally:
        restore(client)


@pytest.mark.parametrize(
    ("ref", "patch"),
    [
        pytest.param(SERVICE, [replace("/spec/selector", {"istio": "elsewhere"})],
            id="local-service.selector"),
        pytest.param(SERVICE, [replace("/spec/ports/0/targetPort", 8082)], id="local-service.target"),
        pytest.param(LOCAL_GATEWAY, [replace("/spec/servers/0/port/number", 8088)], id="local.port"),
        pytest.param(LOCAL_GATEWAY, [replace("/spec/servers/0/hosts", ["other.svc.cluster.local"])],
            id="local.hosts"),
    ],
)  # fmt: skip
def test_a_client_with_a_sidecar_does_not_pass_the_local_gateway(
    client: Cluster, ref: tuple[str, ...], patch: Patch
) -> None:
    """Its proxy obeys the service's own VirtualService and goes straight to the service."""
    try:
        change(client, ref, patch)
        same_again(client, ANSWER)
    finally:
        restore(client)


def change(cluster: Cluster, ref: tuple[str, ...], patch: Patch | None) -> None:
    if patch is None:
        cluster.must("delete", *ref)
    else:
        cluster.must("patch", *ref, "--type=json", "-p", json.dumps(patch))
