"""`hauberk install` on an embedded cluster, from nothing to nothing, as a user types it."""

from __future__ import annotations

import asyncio
import json
import secrets
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from hauberk.base.problems import Problem
from hauberk.base.progress import Quiet
from hauberk.base.refs import ref_of
from hauberk.integration.install import install
from hauberk.integration.stages import Ready, Stage
from hauberk.kubeclient import Target, connect
from hauberk.testing.cluster import HAUBERK, Cluster, hauberk, started

pytestmark = pytest.mark.system
TEXT = """\
apiVersion: hauberk/v1alpha1
kind: Integration
profile: sm2
domain: apps.openshift.example.com
members: [knative-serving, knative-eventing, shop]
certificate: {key: ecdsa-p256}
"""
FLEETING = {"Event", "Pod", "Lease.coordination.k8s.io", "EndpointSlice.discovery.k8s.io", "Endpoints"}


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A cluster of our own, empty but for the member's namespace."""
    name = f"t-i-{secrets.token_hex(3)}"
    folder = tmp_path_factory.mktemp("install")
    (folder / "hauberk.yaml").write_text(TEXT)
    try:
        yield started(name, folder, "--ephemeral")
    finally:
        hauberk("down", "--name", name)


def ours(cluster: Cluster, command: str, *args: str) -> subprocess.CompletedProcess[str]:
    file = str(cluster.folder / "hauberk.yaml")
    return hauberk(command, "-f", file, "--name", cluster.name, *args, timeout_s=120)


def actions(done: subprocess.CompletedProcess[str]) -> dict[str, str]:
    assert done.returncode == 0, done.stderr
    return {f"{c['kind']} {c['name']}": c["action"] for c in json.loads(done.stdout)}


async def everything(kubeconfig: str) -> set[str]:
    """The names of all objects that are there to stay."""
    async with connect(Target(kubeconfig=kubeconfig)) as kube:
        kinds = [r.kind for r in (await kube.kinds()).values() if {"list", "delete"} <= r.verbs]
        found = [o for kind in kinds if kind not in FLEETING for o in await kube.list(kind)]
    return {str(ref_of(obj)) for obj in found}


def inventory(cluster: Cluster) -> set[str]:
    return asyncio.run(everything(str(cluster.options.paths.kubeconfig)))


def test_from_nothing_to_nothing(cluster: Cluster) -> None:
    """One story, because each step is the next one's beginning."""
    refused = ours(cluster, "preflight", "-o", "json")
    failed = [row["title"] for row in json.loads(refused.stdout) if row["level"] == "fail"]
    assert (refused.returncode, failed) == (3, ["members exist"])
    stopped = ours(cluster, "install", "--yes")
    assert stopped.returncode == 1
    assert "kubectl create namespace shop" in stopped.stderr
    assert "istio-system" not in cluster.must("get", "namespaces")

    cluster.must("create", "namespace", "shop")
    cluster.must("create", "configmap", "theirs", "-n", "shop")
    before = inventory(cluster)
    hauberk("certs", "create", "-f", str(cluster.folder / "hauberk.yaml"))
    planned = actions(ours(cluster, "plan", "-o", "json"))
    assert set(planned.values()) == {"create"}
    assert inventory(cluster) == before

    _killed_in_the_middle(cluster)
    began = time.monotonic()
    done = actions(ours(cluster, "install", "--yes", "-o", "json"))
    assert time.monotonic() - began < 20
    assert set(done) == set(planned)
    assert set(done.values()) == {"create", "none"}  # what the killed one had done is as it was
    assert done["Namespace istio-system"] == "none"
    assert done["KnativeServing.operator.knative.dev knative-serving"] == "create"

    assert set(actions(ours(cluster, "install", "--yes", "-o", "json")).values()) == {"none"}
    assert ours(cluster, "plan", "--check").returncode == 0
    assert ours(cluster, "preflight").returncode == 0

    cluster.apply(KSVC)
    busy = ours(cluster, "uninstall", "--yes")
    assert busy.returncode == 1
    assert "shop/hello" in busy.stderr
    cluster.must("delete", "ksvc", "hello", "-n", "shop")
    assert ours(cluster, "uninstall").returncode == 1  # nobody confirmed it

    gone = actions(ours(cluster, "uninstall", "--yes", "-o", "json"))
    assert "delete" in gone.values()
    assert inventory(cluster) - before == set()
    assert before - inventory(cluster) == set()
    assert actions(ours(cluster, "uninstall", "--yes", "-o", "json")) == {}


KSVC = """\
apiVersion: serving.knative.dev/v1
kind: Service
metadata: {name: hello, namespace: shop}
spec: {template: {spec: {containers: [{image: hauberk.local/helloworld}]}}}
"""


def _killed_in_the_middle(cluster: Cluster) -> None:
    """Run `install` and kill it, with no chance to clean up, once the control plane is applied."""
    argv = [*HAUBERK, "install", "-f", str(cluster.folder / "hauberk.yaml"), "--name", cluster.name, "--yes"]
    with subprocess.Popen(argv, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True) as running:
        assert running.stderr is not None
        for line in running.stderr:
            if "ServiceMeshControlPlane" in line:
                running.send_signal(signal.SIGKILL)
                break
    assert running.returncode == -signal.SIGKILL


def test_a_cluster_that_does_not_answer_is_a_problem(tmp_path: Path) -> None:
    (tmp_path / "hauberk.yaml").write_text(TEXT)
    config = tmp_path / "config"
    config.write_text(
        "current-context: a\nclusters: [{name: a, cluster: {server: 'http://127.0.0.1:1'}}]\n"
        "users: [{name: a, user: {}}]\ncontexts: [{name: a, context: {cluster: a, user: a}}]\n"
    )
    for command in ("plan", "preflight", "install"):
        done = hauberk(command, "-f", str(tmp_path / "hauberk.yaml"), "--kubeconfig", str(config))
        assert done.returncode == 1
        assert "http://127.0.0.1:1 does not answer" in done.stderr
        assert "Traceback" not in done.stderr


def test_what_does_not_get_ready_is_told_with_its_logs_and_events(cluster: Cluster) -> None:
    """An application that never answers its probe: the cause is in its log, and the Problem shows it."""
    failed = asyncio.run(_install_a_failing_deployment(str(cluster.options.paths.kubeconfig)))
    assert failed.what == "Deployment.apps default/failing is not ready after 6 s"
    assert "0 of 1 available" in failed.found
    assert "Pod default/failing-" in failed.found
    assert "app: the database is not there" in failed.found
    assert "its readiness probe does not succeed" in failed.found
    assert "Unhealthy" in failed.found
    assert "hunter2" not in failed.found
    assert failed.fix.startswith("kubectl describe pod failing-")
    cluster.must("delete", "deployment", "failing")


async def _install_a_failing_deployment(kubeconfig: str) -> Problem:
    script = "echo the database is not there; echo password=hunter2; sleep 600"
    container = {"name": "app", "image": "hauberk.local/curl", "command": ["sh", "-c", script]}
    container["readinessProbe"] = {"tcpSocket": {"port": 9}, "periodSeconds": 1}  # type: ignore[assignment]
    labels = {"app": "failing"}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [container]}}
    deployment = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "failing", "namespace": "default"},
        "spec": {"selector": {"matchLabels": labels}, "template": template},
    }
    wanted = Ready(ref=ref_of(deployment), condition="available", within_s=6)
    stage = Stage(name="10-failing", title="", why="", objects=(deployment,), ready=(wanted,))
    async with connect(Target(kubeconfig=kubeconfig)) as kube:
        with pytest.raises(Problem) as failed:
            await install(kube, (stage,), Quiet())
    return failed.value
