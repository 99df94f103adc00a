"""HTTP/2 without TLS between queue and container, and what a revision's own readiness probe may be."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

import pytest

pytestmark = pytest.mark.system
Gone: TypeAlias = Callable[..., None]
WARM = {"autoscaling.knative.dev/min-scale": "1"}
H2C = [{"name": "h2c", "containerPort": 8080}]


@pytest.fixture(scope="module")
def host(mesh: Any) -> Iterator[str]:
    """The helloworld sample with an h2c port, at the end of its Route."""
    yield mesh.deploy("hello-h2c", notes=WARM, container={"ports": H2C})
    mesh.forget("hello-h2c")


def asked(mesh: Any, host: str, *options: str) -> str:
    """What curl shows: body, protocol and status."""
    options_of = mesh.cluster.options
    to = f"{host}:443:{options_of.address}:{options_of.https_port}"
    told = ("--cacert", str(mesh.roots), "--connect-to", to, "-w", "%{http_version} %{http_code}")
    ran = subprocess.run(
        ["curl", "-sS", "--max-time", "20", *told, *options, f"https://{host}/"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def spoken(mesh: Any, service: str, codec: str) -> int:
    """Connections of that protocol from the queue to the container."""
    (pod,) = mesh.pods(service)
    admin = mesh.cluster.options.paths.proxy_admin(pod["metadata"]["uid"])
    said = mesh.cluster.shell.must(["curl", "-s", "--unix-socket", str(admin), "http://x/clusters"])
    assert "queue|user" in said
    url = f"http://x/stats?filter=^cluster.queue.*upstream_cx_{codec}_total"
    rows = mesh.cluster.shell.must(["curl", "-s", "--unix-socket", str(admin), url]).splitlines()
    return sum(int(row.rpartition(":")[2]) for row in rows)


@pytest.mark.must("way-h2c")
@pytest.mark.parametrize(("option", "version"), [("--http2", "2"), ("--http1.1", "1.1")])
def test_clients_of_either_protocol_reach_an_h2c_container(
    mesh: Any, host: str, option: str, version: str
) -> None:
    assert asked(mesh, host, option) == f"Hello World!\n{version} 200"
    assert spoken(mesh, "hello-h2c", "http2") > 0
    assert spoken(mesh, "hello-h2c", "http1") == 0


def test_without_the_ports_name_the_same_image_is_spoken_to_in_http1(mesh: Any, gone: Gone) -> None:
    gone("hello-h1")
    answered = asked(mesh, mesh.deploy("hello-h1", notes=WARM), "--http2")
    assert answered == "Hello World!\n2 200"
    assert spoken(mesh, "hello-h1", "http1") > 0
    assert spoken(mesh, "hello-h1", "http2") == 0


def test_a_cold_h2c_service_answers(mesh: Any, gone: Gone) -> None:
    gone("cold-h2c")
    notes = {"autoscaling.knative.dev/initial-scale": "0"}
    allow(mesh, "true")
    try:
        host = mesh.deploy("cold-h2c", notes=notes, container={"ports": H2C})
        assert not mesh.pods("cold-h2c", ready=False)
        assert asked(mesh, host, "--http2") == "Hello World!\n2 200"
    finally:
        allow(mesh, None)


def allow(mesh: Any, value: str | None) -> None:
    """Whether revisions may begin without a pod; None: as it was."""
    patch = json.dumps({"spec": {"config": {"autoscaler": {"allow-zero-initial-scale": value}}}})
    at = ("knativeserving", "knative-serving", "-n", "knative-serving")
    mesh.cluster.must("patch", *at, "--type=merge", "-p", patch)


TCP = {"tcpSocket": {"port": 8080}, "periodSeconds": 1}
HTTP = {"httpGet": {"path": "/ready"}, "periodSeconds": 1}
GRPC = {"grpc": {"port": 8080}, "periodSeconds": 1}


@pytest.mark.parametrize(
    ("kind", "probe", "ports"),
    [
        ("tcp", TCP, None),
        ("http", HTTP, None),
        ("tcp-h2c", TCP, H2C),
        ("http2", HTTP, H2C),
        ("grpc", GRPC, H2C),
    ],
)
def test_a_readiness_probe_of_each_kind_lets_the_revision_be_ready(
    mesh: Any, gone: Gone, rpc_image: str, kind: str, probe: dict[str, Any], ports: Any
) -> None:
    name = f"probed-{kind}"
    gone(name)
    image = rpc_image if kind == "grpc" else "helloworld"
    container = {"readinessProbe": probe, **({"ports": ports} if ports else {})}
    mesh.deploy(name, image, notes=WARM, container=container)
    (pod,) = mesh.pods(name)
    user = next(c for c in pod["spec"]["containers"] if c["name"] == "user-container")
    assert "readinessProbe" not in user, "the queue asks in the kubelet's place"


@pytest.mark.parametrize(
    ("kind", "probe"),
    [
        ("tcp", {"tcpSocket": {"port": 9999}}),
        ("http", {"httpGet": {"path": "/", "port": 9999}}),
        ("grpc", {"grpc": {"port": 8080}}),
    ],
)
def test_a_readiness_probe_that_fails_keeps_the_revision_from_being_ready(
    mesh: Any, gone: Gone, kind: str, probe: dict[str, Any]
) -> None:
    """The sample serves no gRPC health service, and nothing on 9999."""
    name = f"refused-{kind}"
    gone(name)
    ports = {"ports": H2C} if kind == "grpc" else {}
    notes = {"serving.knative.dev/progress-deadline": "3s"}
    mesh.deploy(name, notes=notes, wait=False, container={"readinessProbe": probe, **ports})
    row = mesh.ended(name)
    assert row["reason"] == "RevisionFailed"
    own = mesh.condition(mesh.get("rev", f"{name}-00001"), "ResourcesAvailable")
    assert (own["status"], own["reason"]) == ("False", "ProgressDeadlineExceeded")
