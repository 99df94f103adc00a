"""Deployments, Services and namespaces as a kubectl user sees them, with real requests."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import pytest

from hauberk.testing.cluster import Cluster, eventually
from hauberk.testing.space import Space

pytestmark = pytest.mark.system
Raw = dict[str, Any]

SAY = "sleep 600"
ASK = "curl -sS --max-time 5"


def deployment(name: str, target: str, replicas: int = 2, **spec: Any) -> str:
    app = {
        "name": "app",
        "image": "hauberk.local/helloworld",
        "env": [{"name": "TARGET", "value": target}],
        "ports": [{"name": "web", "containerPort": 8080}],
        "readinessProbe": {"httpGet": {"path": "/", "port": "web"}, "periodSeconds": 1},
        "lifecycle": {"preStop": {"exec": {"command": ["sleep", "1"]}}},
    }
    template = {"metadata": {"labels": {"app": name}}, "spec": {"containers": [app]}}
    body = {"replicas": replicas, "selector": {"matchLabels": {"app": name}}, "template": template, **spec}
    return json.dumps(
        {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name}, "spec": body}
    )


def service(name: str, app: str, **spec: Any) -> str:
    body = {"selector": {"app": app}, "ports": [{"name": "http", "port": 80, "targetPort": "web"}], **spec}
    return json.dumps({"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": body})


def ips(space: Space, app: str) -> set[str]:
    return {p["status"]["podIP"] for p in space.json("pods", "-l", f"app={app}")["items"]}


@pytest.fixture(scope="module", autouse=True)
def web(space: Space) -> None:
    space.apply(deployment("web", "one"))
    space.apply(service("web", "web"))
    space.apply(service("heads", "web", clusterIP="None"))
    space.must("rollout", "status", "deployment/web", "--timeout=30s")
    eventually(lambda: len(slice_ips(space, "web")) == 2, what="both endpoints")


def slice_ips(space: Space, service: str) -> dict[str, bool]:
    rows = space.json("endpointslices", "-l", f"kubernetes.io/service-name={service}")["items"]
    return {e["addresses"][0]: e["conditions"]["ready"] for row in rows for e in row.get("endpoints") or ()}


def test_a_cluster_ip_spreads_requests_over_the_pods_by_named_target_port(space: Space) -> None:
    space.apply(service("names", "names", ports=[{"name": "http", "port": 80, "targetPort": "web"}]))
    server = "cd /tmp; echo $HOSTNAME > index.html; exec python3 -m http.server 9090"
    for name in ("a", "b"):
        space.pod(
            name,
            server,
            meta={"labels": {"app": "names"}},
            ports=[{"name": "web", "containerPort": 9090}],
            readinessProbe={"tcpSocket": {"port": "web"}, "periodSeconds": 1},
        )
    eventually(lambda: list(slice_ips(space, "names").values()) == [True, True], what="both endpoints")
    seen = Counter(space.said(f"for i in $(seq 40); do {ASK} names; done").split())
    assert seen["a"] + seen["b"] == 40
    assert min(seen["a"], seen["b"]) >= 5


def test_a_headless_service_has_an_address_per_pod(space: Space) -> None:
    found = space.said("getent ahostsv4 heads | cut -d' ' -f1 | sort -u")
    assert set(found.split()) == ips(space, "web")


def test_an_external_name_is_followed(space: Space, document: Cluster) -> None:
    name = f"web.{space.namespace}.svc.cluster.local"
    external = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "alias"}}
    space.apply(json.dumps({**external, "spec": {"type": "ExternalName", "externalName": name}}))
    space.must("get", "svc", "alias")
    assert "Hello one!" in space.said(f"sleep 0.5; {ASK} http://alias")


@pytest.mark.parametrize("inside", [False, True], ids=["outside-the-mesh", "in-the-mesh"])
def test_short_and_long_names_resolve(space: Space, document: Cluster, inside: bool) -> None:
    where = Space(document, "default") if inside else space
    meta = {"annotations": {"sidecar.istio.io/inject": "true"}} if inside else {}
    tails = ("", ".svc", ".svc.cluster.local", ".svc.cluster.local.")
    names = [*([] if inside else ["web"]), *(f"web.{space.namespace}{tail}" for tail in tails)]
    script = "; ".join(f"{ASK} --retry 9 --retry-connrefused http://{name}" for name in names)
    assert where.said(script, meta=meta).count("Hello one!") == len(names)


def test_a_service_without_endpoints_refuses(space: Space) -> None:
    space.apply(service("nobody", "nobody"))
    out = space.said(f"sleep 0.5; {ASK} http://nobody; echo exit $?")
    assert "exit 7" in out  # could not connect


def test_endpoint_slices_follow_readiness(space: Space) -> None:
    space.apply(service("moody", "moody"))
    probe = {"exec": {"command": ["test", "-e", "/v/ready"]}, "periodSeconds": 1, "failureThreshold": 1}
    space.must("create", "configmap", "mood", "--from-literal=ready=yes")
    spec = {"volumes": [{"name": "v", "configMap": {"name": "mood"}}]}
    mount = [{"name": "v", "mountPath": "/v"}]
    space.pod("moody", SAY, meta={"labels": {"app": "moody"}}, ports=[{"name": "web", "containerPort": 8080}],
              readinessProbe=probe, volumeMounts=mount, spec=spec)  # fmt: skip
    eventually(lambda: list(slice_ips(space, "moody").values()) == [True], what="ready")
    space.must("patch", "configmap", "mood", "-p", '{"data":{"ready":null}}')
    eventually(lambda: list(slice_ips(space, "moody").values()) == [False], what="not ready")
    assert space.must("get", "endpoints", "moody", "--no-headers").split()[1] in ("<none>", "")
    space.must("delete", "pod", "moody", "--wait=false", "--grace-period=0", "--force")


def test_a_rolling_update_loses_no_request_and_can_be_undone(space: Space) -> None:
    space.pod("caller", f"while :; do {ASK} -f web || echo LOST; echo; sleep 0.02; done")
    eventually(lambda: "Hello one!" in space.run("logs", "caller").out, what="the first answer")
    space.must("set", "env", "deployment/web", "TARGET=two")
    space.must("rollout", "status", "deployment/web", "--timeout=60s")
    eventually(lambda: "Hello two!" in space.must("logs", "caller", "--tail=3"), what="the new answer")
    history = space.must("rollout", "history", "deployment/web")
    assert [line.split()[0] for line in history.splitlines()[2:] if line] == ["1", "2"]
    space.must("rollout", "undo", "deployment/web")
    space.must("rollout", "status", "deployment/web", "--timeout=60s")
    eventually(lambda: "Hello one!" in space.must("logs", "caller", "--tail=3"), what="the old answer")
    seen = space.must("logs", "caller")
    space.must("delete", "pod", "caller", "--wait=false", "--grace-period=0", "--force")
    assert "LOST" not in seen
    assert len(space.json("replicasets", "-l", "app=web")["items"]) == 2


def test_a_paused_deployment_waits_until_it_is_resumed(space: Space) -> None:
    space.apply(deployment("calm", "one", replicas=1))
    space.must("rollout", "status", "deployment/calm", "--timeout=30s")
    space.must("rollout", "pause", "deployment/calm")
    space.must("set", "env", "deployment/calm", "TARGET=two")
    eventually(lambda: space.json("deployment", "calm")["status"]["observedGeneration"] >= 3, what="seen")
    assert len(space.json("replicasets", "-l", "app=calm")["items"]) == 1
    space.must("rollout", "resume", "deployment/calm")
    space.must("rollout", "status", "deployment/calm", "--timeout=30s")
    assert len(space.json("replicasets", "-l", "app=calm")["items"]) == 2


def test_a_rollout_that_cannot_progress_says_so_and_keeps_the_old_pods(space: Space) -> None:
    space.apply(deployment("stuck", "one", replicas=1, progressDeadlineSeconds=2))
    space.must("rollout", "status", "deployment/stuck", "--timeout=30s")
    space.must("set", "image", "deployment/stuck", "app=hauberk.local/nothing")
    told = space.run("rollout", "status", "deployment/stuck", "--timeout=20s")
    assert told.code == 1
    assert 'deployment "stuck" exceeded its progress deadline' in told.err
    assert space.json("deployment", "stuck")["status"]["readyReplicas"] == 1
    assert "ProgressDeadlineExceeded" in space.must("describe", "deployment", "stuck")
    space.must("delete", "deployment", "stuck")


def test_a_pod_that_is_deleted_is_replaced_and_a_deployment_takes_its_pods_along(space: Space) -> None:
    space.apply(deployment("owned", "one", replicas=1))
    space.must("rollout", "status", "deployment/owned", "--timeout=30s")
    (before,) = space.json("pods", "-l", "app=owned")["items"]
    space.must("delete", "pod", before["metadata"]["name"], "--wait=false")
    eventually(
        lambda: (
            {p["metadata"]["uid"] for p in space.json("pods", "-l", "app=owned")["items"]}
            - {before["metadata"]["uid"]}
        ),
        what="another pod",
    )
    space.must("delete", "deployment", "owned")
    eventually(lambda: not space.json("pods,replicasets", "-l", "app=owned")["items"], what="all gone")


def test_deleting_a_namespace_removes_everything_in_it(document: Cluster) -> None:
    document.must("create", "namespace", "short-lived")
    inner = Space(document, "short-lived")
    inner.apply(deployment("web", "x", replicas=1))
    inner.apply(service("web", "web"))
    inner.must("create", "configmap", "c")
    inner.must("rollout", "status", "deployment/web", "--timeout=30s")
    document.must("delete", "namespace", "short-lived", "--timeout=30s")
    left = document.json("pods,deployments,replicasets,services,endpointslices,configmaps,secrets", "-A")[
        "items"
    ]
    assert not [o for o in left if o["metadata"]["namespace"] == "short-lived"]
    assert document.run("get", "namespace", "short-lived").code == 1
    refused = inner.run("create", "configmap", "late")
    assert 'namespaces "short-lived" not found' in refused.err
