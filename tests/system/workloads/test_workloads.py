"""Workloads of users' manifests as a kubectl user sees them: Jobs, sets, volumes, bounds, Ingress."""

from __future__ import annotations

import json
import subprocess
from typing import Any

import pytest

from hauberk.testing.cluster import Cluster, eventually
from hauberk.testing.space import CURL, Space

pytestmark = pytest.mark.system
Raw = dict[str, Any]
SERVER = "hauberk.local/helloworld"


def manifest(kind: str, name: str, spec: Raw, api: str = "apps/v1", **meta: Any) -> str:
    return json.dumps({"apiVersion": api, "kind": kind, "metadata": {"name": name, **meta}, "spec": spec})


def template(script: str, *, restart: str = "", labels: Raw | None = None, **pod: Any) -> Raw:
    app = {"name": "c", "image": CURL, "command": ["sh", "-c", script], **pod.pop("container", {})}
    spec = {"containers": [app], "terminationGracePeriodSeconds": 1, **pod}
    spec |= {"restartPolicy": restart} if restart else {}
    return {"metadata": {"labels": labels or {}}, "spec": spec}


def job(name: str, script: str, **spec: Any) -> str:
    return manifest("Job", name, {"template": template(script, restart="Never"), **spec}, "batch/v1")


def conditions(space: Space, what: str) -> dict[str, str]:
    rows = space.json(what)["status"].get("conditions") or ()
    return {r["type"]: r.get("reason", "") for r in rows if r["status"] == "True"}


def pods(space: Space, labels: str) -> list[Raw]:
    return sorted(space.json("pods", "-l", labels)["items"], key=lambda p: p["metadata"]["name"])


def test_a_job_counts_its_pods_and_its_end_once(space: Space) -> None:
    space.apply(job("ok", "echo done", completions=4, parallelism=2))
    space.wait("job/ok", "condition=Complete")
    status = space.json("job/ok")["status"]
    assert (status["succeeded"], status.get("failed"), status["ready"]) == (4, None, 0)
    made = pods(space, "batch.kubernetes.io/job-name=ok")
    assert [p["status"]["phase"] for p in made] == ["Succeeded"] * 4
    assert all("finalizers" not in p["metadata"] for p in made)
    assert "done" in space.must("logs", "job/ok")


def test_an_indexed_job_gives_each_pod_its_number(space: Space) -> None:
    space.apply(
        job("many", "echo $JOB_COMPLETION_INDEX $HOSTNAME", completions=3, parallelism=3,
            completionMode="Indexed")
    )  # fmt: skip
    space.wait("job/many", "condition=Complete")
    assert space.json("job/many")["status"]["completedIndexes"] == "0-2"
    found = pods(space, "job-name=many")
    assert [space.must("logs", p["metadata"]["name"]).split()[0] for p in found] == ["0", "1", "2"]


def test_a_job_that_fails_says_why_and_goes_when_its_time_has_come(space: Space) -> None:
    space.apply(job("bad", "exit 3", backoffLimit=0, ttlSecondsAfterFinished=3))
    space.wait("job/bad", "condition=Failed")
    found = conditions(space, "job/bad")
    assert found == {"FailureTarget": "BackoffLimitExceeded", "Failed": "BackoffLimitExceeded"}
    space.wait("job/bad", "delete")
    eventually(lambda: not pods(space, "job-name=bad"), what="its pods are gone, too")


def test_a_job_is_suspended_and_resumed(space: Space) -> None:
    space.apply(job("later", "true", suspend=True))
    space.wait("job/later", "condition=Suspended")
    assert not pods(space, "job-name=later")
    space.must("patch", "job/later", "-p", '{"spec":{"suspend":false}}')
    space.wait("job/later", "condition=Complete")


def test_deleting_a_running_job_leaves_nothing(space: Space) -> None:
    space.apply(job("long", "exec sleep 600"))
    eventually(lambda: len(pods(space, "job-name=long")) == 1, what="its pod")
    space.must("delete", "job/long", "--cascade=foreground", "--timeout=20s")
    assert not pods(space, "job-name=long")


def test_a_cronjob_makes_jobs_on_time_and_by_hand(space: Space) -> None:
    body = {"schedule": "@every 2s", "jobTemplate": {"spec": {"template": template("true", restart="Never")}}}
    space.apply(manifest("CronJob", "tick", body, "batch/v1"))
    space.must("create", "job", "by-hand", "--from=cronjob/tick")
    eventually(lambda: "lastScheduleTime" in space.json("cronjob/tick")["status"], what="a scheduled job")
    eventually(lambda: "lastSuccessfulTime" in space.json("cronjob/tick")["status"], what="its success")
    space.wait("job/by-hand", "condition=Complete")
    space.must("patch", "cronjob/tick", "-p", '{"spec":{"suspend":true}}')


def stateful(replicas: int = 2, **env: str) -> str:
    app = {"env": [{"name": k, "value": v} for k, v in env.items()],
           "volumeMounts": [{"name": "data", "mountPath": "/data"}]}  # fmt: skip
    script = "echo $(hostname) >> /data/starts; exec sleep 600"
    claim = {
        "metadata": {"name": "data"},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Mi"}}},
    }
    body = {
        "serviceName": "db",
        "replicas": replicas,
        "selector": {"matchLabels": {"app": "db"}},
        "template": template(script, labels={"app": "db"}, container=app),
        "volumeClaimTemplates": [claim],
    }
    return manifest("StatefulSet", "db", body)


@pytest.fixture(scope="module")
def db(space: Space) -> Space:
    heads = {"clusterIP": "None", "selector": {"app": "db"}, "ports": [{"port": 80}]}
    space.apply(manifest("Service", "db", heads, "v1"))
    space.apply(stateful())
    space.must("rollout", "status", "statefulset/db", "--timeout=30s")
    return space


def test_a_statefulset_has_names_numbers_and_dns(db: Space) -> None:
    first, second = pods(db, "app=db")
    assert [p["metadata"]["name"] for p in (first, second)] == ["db-0", "db-1"]
    assert second["metadata"]["labels"]["apps.kubernetes.io/pod-index"] == "1"
    assert first["metadata"]["creationTimestamp"] <= second["metadata"]["creationTimestamp"]
    found = eventually(
        lambda: db.run("exec", "db-0", "--", "getent", "hosts", "db-1.db").out, what="the name of db-1"
    )
    assert str(found).split()[0] == second["status"]["podIP"]


def test_its_volumes_outlive_pods_and_rollouts_and_go_back(db: Space) -> None:
    db.apply(stateful(VERSION="2"))
    db.must("rollout", "status", "statefulset/db", "--timeout=30s")
    assert db.must("exec", "db-1", "--", "cat", "/data/starts").split() == ["db-1", "db-1"]
    db.must("rollout", "undo", "statefulset/db")
    db.must("rollout", "status", "statefulset/db", "--timeout=30s")
    assert not db.json("pod/db-0")["spec"]["containers"][0].get("env")
    revisions = {r["revision"] for r in db.json("controllerrevisions")["items"]}
    assert revisions == {2, 3}


def test_scaling_down_keeps_the_claim_and_up_again_finds_the_data(db: Space) -> None:
    db.must("scale", "statefulset/db", "--replicas=1")
    db.wait("pod/db-1", "delete")
    assert db.json("pvc/data-db-1")["status"]["phase"] == "Bound"
    db.must("scale", "statefulset/db", "--replicas=2")
    db.must("rollout", "status", "statefulset/db", "--timeout=30s")
    assert len(db.must("exec", "db-1", "--", "cat", "/data/starts").split()) == 4


def test_a_daemonset_has_a_pod_on_the_node_and_rolls(space: Space) -> None:
    body = {
        "selector": {"matchLabels": {"app": "ds"}},
        "template": template("exec sleep 600", labels={"app": "ds"}),
    }
    space.apply(manifest("DaemonSet", "ds", body))
    space.must("rollout", "status", "daemonset/ds", "--timeout=30s")
    (before,) = pods(space, "app=ds")
    space.must("set", "env", "daemonset/ds", "A=1")
    space.must("rollout", "status", "daemonset/ds", "--timeout=30s")
    after = [p for p in pods(space, "app=ds") if "deletionTimestamp" not in p["metadata"]]
    assert [p["metadata"]["labels"]["pod-template-generation"] for p in after] == ["2"]
    assert before["metadata"]["uid"] != after[0]["metadata"]["uid"]
    assert space.json("daemonset/ds")["status"]["numberAvailable"] == 1


def test_a_claim_waits_for_its_pod_and_is_kept_while_it_is_used(space: Space) -> None:
    claim = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
    space.apply(manifest("PersistentVolumeClaim", "mine", claim, "v1"))
    assert space.json("pvc/mine")["spec"]["storageClassName"] == "local"
    volumes = [{"name": "d", "persistentVolumeClaim": {"claimName": "mine"}}]
    space.pod("writer", "echo kept > /d/f; exec sleep 600", spec={"volumes": volumes},
              volumeMounts=[{"name": "d", "mountPath": "/d"}])  # fmt: skip
    space.phase("writer", "Running")
    volume = space.json("pvc/mine")["spec"]["volumeName"]
    assert space.cluster.json("pv", volume)["status"]["phase"] == "Bound"
    space.must("delete", "pvc/mine", "--wait=false")
    assert "deletionTimestamp" in space.json("pvc/mine")["metadata"]
    space.must("delete", "pod/writer")
    space.wait("pvc/mine", "delete")
    folder = space.cluster.options.paths.volumes / volume
    eventually(lambda: not folder.exists(), what="the data is taken away")
    eventually(lambda: space.cluster.run("get", "pv", volume).code != 0, what="the volume is gone")


def test_a_pod_whose_claim_is_missing_says_so(space: Space) -> None:
    volumes = [{"name": "d", "persistentVolumeClaim": {"claimName": "nowhere"}}]
    space.pod("lost", "true", spec={"volumes": volumes})
    space.phase("lost", "Pending")
    assert 'persistentvolumeclaim "nowhere" not found' in space.must("describe", "pod/lost")


def test_an_eviction_beyond_the_budget_is_refused(space: Space) -> None:
    body = {"selector": {"matchLabels": {"app": "held"}}, "minAvailable": 1}
    space.apply(manifest("PodDisruptionBudget", "held", body, "policy/v1"))
    space.pod("held", "exec sleep 600", meta={"labels": {"app": "held"}})
    space.wait("pod/held", "condition=Ready")
    eventually(lambda: space.json("pdb/held")["status"].get("currentHealthy") == 1, what="it is counted")
    eviction = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": "held"}}
    path = f"/api/v1/namespaces/{space.namespace}/pods/held/eviction"
    refused = space.cluster.run("create", "--raw", path, "-f", "-", text=json.dumps(eviction))
    assert refused.code != 0
    assert "would violate the pod's disruption budget" in refused.err
    space.must("delete", "pdb/held")
    space.cluster.must("create", "--raw", path, "-f", "-", text=json.dumps(eviction))
    space.wait("pod/held", "delete")


def test_a_namespace_has_no_more_than_its_quota(space: Space) -> None:
    space.must("create", "quota", "few", "--hard=configmaps=3,services=9")
    had = len(space.json("configmaps")["items"])
    for i in range(had, 3):
        space.must("create", "configmap", f"c{i}")
    refused = space.run("create", "configmap", "one-more")
    assert (
        "exceeded quota: few, requested: configmaps=1, used: configmaps=3, limited: configmaps=3"
        in refused.err
    )
    eventually(lambda: space.json("quota/few")["status"]["used"]["configmaps"] == "3", what="the status")
    space.must("delete", "quota/few")


def test_a_limitrange_fills_and_bounds(space: Space) -> None:
    limit = {"type": "Container", "default": {"cpu": "500m"}, "max": {"cpu": "1"}}
    space.apply(manifest("LimitRange", "bounds", {"limits": [limit]}, "v1"))
    try:
        space.pod("modest", "true")
        resources = space.json("pod/modest")["spec"]["containers"][0]["resources"]
        assert resources == {"limits": {"cpu": "500m"}, "requests": {"cpu": "500m"}}
        app = {"name": "c", "image": CURL, "resources": {"limits": {"cpu": "2"}}}
        refused = space.run("create", "-f", "-", text=manifest("Pod", "greedy", {"containers": [app]}, "v1"))
        assert "maximum cpu usage per Container is 1, but limit is 2" in refused.err
    finally:
        space.must("delete", "limitrange/bounds")


def test_an_ingress_is_served_by_the_edge(space: Space, document: Cluster) -> None:
    app = {"name": "c", "image": SERVER, "ports": [{"containerPort": 8080}],
           "readinessProbe": {"httpGet": {"path": "/", "port": 8080}, "periodSeconds": 1}}  # fmt: skip
    labels = {"app": "web"}
    space.apply(manifest("Pod", "web", {"containers": [app]}, "v1", labels=labels))
    ports = [{"name": "http", "port": 80, "targetPort": 8080}]
    space.apply(manifest("Service", "web", {"selector": labels, "ports": ports}, "v1"))
    host = f"{space.namespace}.ingress.example.com"
    backend = {"service": {"name": "web", "port": {"number": 80}}}
    paths = [{"path": "/", "pathType": "Prefix", "backend": backend}]
    body = {"ingressClassName": "openshift-default", "rules": [{"host": host, "http": {"paths": paths}}]}
    space.apply(manifest("Ingress", "web", body, "networking.k8s.io/v1"))
    space.wait("pod/web", "condition=Ready")
    port = document.options.http_port

    def answer() -> str:
        asked = [
            "curl",
            "-sS",
            "--max-time",
            "5",
            "--resolve",
            f"{host}:{port}:127.0.0.1",
            f"http://{host}:{port}/",
        ]
        return subprocess.run(asked, capture_output=True, text=True, check=False).stdout

    eventually(lambda: "Hello" in answer(), what="the page through the edge")
    rows = eventually(
        lambda: space.json("ingress/web")["status"].get("loadBalancer", {}).get("ingress"), what="an address"
    )
    assert rows[0]["hostname"].startswith("router-default.")


def test_a_deployment_is_paused_resumed_and_rolled_back(space: Space) -> None:
    body = {"replicas": 1, "selector": {"matchLabels": {"app": "roll"}}, "progressDeadlineSeconds": 2,
            "template": template("exec sleep 600", labels={"app": "roll"})}  # fmt: skip
    space.apply(manifest("Deployment", "roll", body))
    space.must("rollout", "status", "deployment/roll", "--timeout=30s")
    space.must("rollout", "pause", "deployment/roll")
    space.must("set", "image", "deployment/roll", "c=hauberk.local/nothing")
    assert len(space.json("replicasets", "-l", "app=roll")["items"]) == 1
    space.must("rollout", "resume", "deployment/roll")
    late = space.run("rollout", "status", "deployment/roll", "--timeout=20s")
    assert "exceeded its progress deadline" in late.err
    space.must("rollout", "undo", "deployment/roll")
    space.must("rollout", "status", "deployment/roll", "--timeout=30s")
    assert space.must("rollout", "history", "deployment/roll").split()[-2:] == ["3", "<none>"]
