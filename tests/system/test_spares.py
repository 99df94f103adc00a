"""The spare Envoy that a new pod takes over, as its user sees it: not at all."""

from __future__ import annotations

import os
import secrets
import signal
import subprocess
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest

from hauberk.base.problems import Problem
from hauberk.cluster import client, find
from hauberk.cluster.options import paths_of
from hauberk.testing.cluster import Cluster, eventually, hauberk
from hauberk.testing.space import CURL, Space

pytestmark = pytest.mark.system

HELLO = ("-n", "default", "-l", "serving.knative.dev/service=hello")


def rows(cluster: Cluster) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = find.ask_keeper(paths_of(cluster.name), "running")
    return [row for row in found if row["name"] == find.PROXY]


def spare_of(cluster: Cluster) -> str:
    """The spare's name, empty when there is none."""
    names = [row["uid"] for row in rows(cluster) if row["uid"].startswith("spare-")]
    assert len(names) <= 1
    return names[0] if names else ""


def is_ready(pod: dict[str, Any]) -> bool:
    conditions = pod.get("status", {}).get("conditions", ())
    return any(c["type"] == "Ready" and c["status"] == "True" for c in conditions)


def hello(cluster: Cluster) -> list[dict[str, Any]]:
    found = cluster.json("pods", *HELLO)["items"]
    return [p for p in found if "deletionTimestamp" not in p["metadata"]]


def answers(cluster: Cluster) -> bool:
    return cluster.shell.run(cluster.stage.curl_line()).out.strip() == "Hello Openshift!"


def anew(cluster: Cluster, *, spare: bool = True) -> dict[str, Any]:
    """A pod of `hello` that began just now, beside a spare unless told otherwise, and answers."""
    if spare and not spare_of(cluster):  # after a start of the control plane the first pod asks for it
        anew(cluster, spare=False)
        eventually(lambda: spare_of(cluster), what="a spare")
    old = {p["metadata"]["uid"] for p in hello(cluster)}
    cluster.must("delete", "pod", *HELLO, "--wait=false")
    eventually(lambda: answers(cluster) and not old & {p["metadata"]["uid"] for p in hello(cluster)})
    return dict(eventually(lambda: next(filter(is_ready, hello(cluster)), None), what="a ready pod"))


def envoy_of(cluster: Cluster, pod: dict[str, Any]) -> dict[str, Any]:
    return next(row for row in rows(cluster) if row["uid"] == pod["metadata"]["uid"])


def container(pod: dict[str, Any], name: str = "istio-proxy") -> dict[str, Any]:
    return next(c for c in pod["status"]["containerStatuses"] if c["name"] == name)


def seconds(stamp: str) -> float:
    return datetime.fromisoformat(stamp).timestamp()


def admin(cluster: Cluster, pod: dict[str, Any], path: str) -> str:
    socket = paths_of(cluster.name).proxy_admin(pod["metadata"]["uid"])
    argv = ["curl", "-sS", "--max-time", "5", "--unix-socket", str(socket), f"http://proxy{path}"]
    return subprocess.run(argv, capture_output=True, text=True, check=True).stdout


def test_the_envoy_of_a_new_pod_was_a_spare_and_nothing_of_it_shows(document: Cluster) -> None:
    pod = anew(document)
    row, shown = envoy_of(document, pod), container(pod)
    assert (row["born"][:6], row["attempt"]) == ("spare-", 0)
    assert (shown["restartCount"], shown["ready"]) == (0, True)
    assert seconds(shown["state"]["running"]["startedAt"]) >= seconds(pod["metadata"]["creationTimestamp"])
    assert "spare" not in str(pod)
    assert admin(document, pod, "/ready").strip() == "LIVE"
    assert "spare" not in admin(document, pod, "/stats")
    assert "spare" not in admin(document, pod, "/certs")
    assert "/ns/default/sa/default" in admin(document, pod, "/certs")
    name = f"default/{pod['metadata']['name']}"
    entered = hauberk("enter", "--name", document.name, "--pod", name, "--", "ip", "-brief", "address")
    assert pod["status"]["podIP"] in entered.stdout, entered.stderr
    assert document.run("logs", "-n", "default", pod["metadata"]["name"], "-c", "istio-proxy").ok


def test_a_spare_is_counted_as_no_proxy_and_no_pod(document: Cluster) -> None:
    anew(document)
    eventually(lambda: spare_of(document), what="the next spare")

    def settled() -> bool:
        seen = document.status()["proxies"]
        pods = document.json("pods", "-A")["items"]
        leaving = {p["metadata"]["uid"] for p in pods if "deletionTimestamp" in p["metadata"]}
        mine = {row["uid"] for row in rows(document)} - leaving - {spare_of(document)}
        return bool(seen["total"] == seen["synced"] == len(mine))

    eventually(settled, what="every proxy synced, and no spare among them")


@pytest.fixture
def told(document: Cluster) -> Iterator[str]:
    """A Service whose VirtualService a test writes."""
    name = f"told-{secrets.token_hex(3)}"
    spec = "spec: {ports: [{name: http, port: 80}]}"
    document.apply(f"apiVersion: v1\nkind: Service\nmetadata: {{name: {name}, namespace: default}}\n{spec}\n")
    yield name
    document.run("delete", "service/" + name, "virtualservice/" + name, "-n", "default", "--ignore-not-found")


def test_after_kill_9_of_the_control_plane_it_goes_on_and_hears_of_changes(
    document: Cluster, told: str
) -> None:
    pod = anew(document)
    before = envoy_of(document, pod)
    assert before["born"] != before["uid"]
    left = eventually(lambda: spare_of(document), what="the next spare")
    dead = find.control_plane(document.name)
    os.kill(dead, signal.SIGKILL)
    eventually(lambda: replaced(document, dead), what="another control plane")
    document.apply(
        "apiVersion: networking.istio.io/v1beta1\nkind: VirtualService\n"
        f"metadata: {{name: {told}, namespace: default}}\n"
        f"spec: {{hosts: [{told}], http: [{{rewrite: {{uri: /news-{told}}},"
        f" route: [{{destination: {{host: {told}}}}}]}}]}}\n"
    )
    eventually(lambda: f"/news-{told}" in admin(document, pod, "/config_dump"), what="the change")
    assert envoy_of(document, pod) == before
    again = document.json("pod", pod["metadata"]["name"], "-n", "default")
    assert (container(again)["restartCount"], is_ready(again)) == (0, True)
    assert answers(document)
    eventually(lambda: left not in {row["uid"] for row in rows(document)}, what="the old spare's end")
    run, data = (paths_of(document.name).pod(left), paths_of(document.name).pod_logs(left))
    eventually(lambda: not run.exists() and not data.exists(), what="nothing is left of it")


def replaced(cluster: Cluster, dead: int) -> bool:
    try:
        pid = find.control_plane(cluster.name)
    except Problem:
        return False
    return pid != dead and client.is_ready(paths_of(cluster.name).api_socket)


def test_kill_9_of_the_spare_is_seen_by_nobody_and_the_next_pod_starts_its_own(document: Cluster) -> None:
    anew(document)
    spare = eventually(lambda: spare_of(document), what="a spare")
    os.kill(find.container_pid(document.name, spare, find.PROXY), signal.SIGKILL)
    eventually(lambda: not spare_of(document), what="its end")
    folders = (paths_of(document.name).pod(spare), paths_of(document.name).pod_logs(spare))
    eventually(lambda: not any(folder.exists() for folder in folders), what="nothing is left of it")
    sandboxes = find.ask_keeper(paths_of(document.name), "sandboxes")
    assert spare not in sandboxes
    pod = anew(document, spare=False)
    row = envoy_of(document, pod)
    assert row["born"] == row["uid"]
    assert container(pod)["restartCount"] == 0
    assert eventually(lambda: spare_of(document), what="another spare") != spare


def test_a_killed_envoy_that_was_a_spare_is_started_again_as_the_pods_own(document: Cluster) -> None:
    pod = anew(document)
    name, uid = pod["metadata"]["name"], pod["metadata"]["uid"]
    assert envoy_of(document, pod)["born"] != uid
    os.kill(find.container_pid(document.name, uid, "istio-proxy"), signal.SIGKILL)

    def back() -> bool:
        now = document.json("pod", name, "-n", "default")
        return container(now)["restartCount"] == 1 and is_ready(now)

    eventually(back, what="a restart")
    row = envoy_of(document, pod)
    assert (row["attempt"], row["born"]) == (1, uid)
    assert answers(document)


def test_a_pod_without_an_envoy_takes_none(document: Cluster) -> None:
    anew(document)
    spare = eventually(lambda: spare_of(document), what="a spare")
    space = Space(document, f"alone-{secrets.token_hex(3)}")
    document.must("create", "namespace", space.namespace)
    try:
        assert space.said("echo done", image=CURL).strip() == "done"
        assert spare_of(document) == spare
    finally:
        document.run("delete", "namespace", space.namespace, "--wait=false")
