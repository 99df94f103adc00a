"""What kubectl's verbs do against the running product."""

from __future__ import annotations

import json
import subprocess

import pytest

from hauberk.testing.cluster import eventually
from hauberk.testing.space import Space

pytestmark = pytest.mark.system

WEB = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 1
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      terminationGracePeriodSeconds: 1
      containers:
      - name: app
        image: hauberk.local/helloworld
        env: [{name: TARGET, value: one}]
"""


@pytest.fixture(scope="module", autouse=True)
def web(space: Space) -> None:
    space.apply(WEB)
    space.must("rollout", "status", "deployment/web", "--timeout=30s")


def test_get_wide_yaml_name_and_custom_columns(space: Space) -> None:
    head, row = space.must("get", "deployment", "web", "-o", "wide").splitlines()
    assert head.split() == [
        "NAME", "READY", "UP-TO-DATE", "AVAILABLE", "AGE", "CONTAINERS", "IMAGES", "SELECTOR",
    ]  # fmt: skip
    assert row.split()[:4] == ["web", "1/1", "1", "1"]
    assert row.split()[5:] == ["app", "hauberk.local/helloworld", "app=web"]
    pod = space.must("get", "pods", "-l", "app=web", "-o", "wide").splitlines()[1].split()
    assert pod[1:3] == ["1/1", "Running"]
    assert pod[6] == "hauberk"
    assert "kind: Deployment" in space.must("get", "deployment", "web", "-o", "yaml")
    assert space.must("get", "deploy", "-o", "name").strip() == "deployment.apps/web"
    columns = space.must("get", "deploy", "-o", "custom-columns=N:.metadata.name,R:.spec.replicas")
    assert columns.split() == ["N", "R", "web", "1"]
    everything = space.must("get", "all")
    assert all(f"{kind}/web" in everything for kind in ("pod", "deployment.apps", "replicaset.apps"))


def test_watch_shows_changes_as_they_happen(space: Space) -> None:
    space.must("create", "configmap", "seen", "--from-literal=a=1")
    argv = [
        space.cluster.kube,
        "get",
        "configmap",
        "seen",
        "-n",
        space.namespace,
        "-w",
        "-o",
        "jsonpath={.data.a};",
    ]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True, env=_env(space)) as watch:
        try:
            assert watch.stdout
            assert watch.stdout.read(2) == "1;"
            space.must("patch", "configmap", "seen", "-p", '{"data":{"a":"2"}}')
            assert watch.stdout.read(2) == "2;"
        finally:
            watch.terminate()


def _env(space: Space) -> dict[str, str]:
    return {
        "KUBECONFIG": str(space.cluster.options.paths.kubeconfig),
        "PATH": "/usr/bin:/bin",
        "HOME": "/nonexistent",
    }


@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("ksvc.spec.template.spec", "containerConcurrency"),
        ("pod.spec.containers.readinessProbe", "periodSeconds"),
        ("servicemeshcontrolplane.spec.security.dataPlane", "mtls"),
        ("virtualservice.spec.http", "FIELDS"),
        ("knativeserving.spec", "deployments"),
    ],
)
def test_explain_describes_fields(space: Space, path: str, says: str) -> None:
    assert says in space.must("explain", path)


def test_scale_and_rollout_status_follow_the_pods(space: Space) -> None:
    space.must("scale", "deployment/web", "--replicas=3")
    space.must("rollout", "status", "deployment/web", "--timeout=30s")
    assert space.json("deployment", "web")["status"]["readyReplicas"] == 3
    refused = space.run("scale", "deployment/web", "--replicas=9", "--current-replicas=7")
    assert "Expected replicas to be 7, was 3" in refused.err
    space.must("scale", "deployment/web", "--replicas=1")
    eventually(lambda: len(space.json("pods", "-l", "app=web")["items"]) == 1, what="two pods less")


def test_server_side_apply_tells_of_a_conflict_and_forces(space: Space) -> None:
    def config(value: str) -> str:
        return json.dumps(
            {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "owned"}, "data": {"k": value}}
        )

    space.must("apply", "--server-side", "--field-manager=alice", "-f", "-", text=config("1"))
    refused = space.run("apply", "--server-side", "--field-manager=bob", "-f", "-", text=config("2"))
    assert refused.code == 1
    assert 'conflict with "alice"' in refused.err
    assert ".data.k" in refused.err
    bob = ("apply", "--server-side", "--field-manager=bob", "--force-conflicts", "-f", "-")
    space.must(*bob, text=config("2"))
    assert space.json("configmap", "owned")["data"] == {"k": "2"}
    managers = space.must(
        "get",
        "configmap",
        "owned",
        "--show-managed-fields",
        "-o",
        "jsonpath={.metadata.managedFields[*].manager}",
    )
    assert "bob" in managers


def test_diff_shows_what_apply_would_change(space: Space) -> None:
    assert space.run("diff", "-f", "-", text=WEB).code == 0
    changed = space.run("diff", "-f", "-", text=WEB.replace("value: one", "value: two"))
    assert changed.code == 1
    assert "-          value: one" in changed.out
    assert "+          value: two" in changed.out


@pytest.mark.parametrize(
    ("kind", "patch"),
    [
        ("merge", '{"data":{"b":"2","a":null}}'),
        ("strategic", '{"data":{"b":"2","a":null}}'),
        ("json", '[{"op":"remove","path":"/data/a"},{"op":"add","path":"/data/b","value":"2"}]'),
    ],
)
def test_patches_of_every_type(space: Space, kind: str, patch: str) -> None:
    space.must("create", "configmap", f"p-{kind}", "--from-literal=a=1")
    space.must("patch", "configmap", f"p-{kind}", f"--type={kind}", "-p", patch)
    assert space.json("configmap", f"p-{kind}")["data"] == {"b": "2"}


def test_a_strategic_patch_of_a_list_changes_the_named_item_only(space: Space) -> None:
    patch = (
        '{"spec":{"template":{"spec":{"containers":[{"name":"app","env":[{"name":"MORE","value":"x"}]}]}}}}'
    )
    space.must("patch", "deployment", "web", "-p", patch)
    (container,) = space.json("deployment", "web")["spec"]["template"]["spec"]["containers"]
    assert container["image"] == "hauberk.local/helloworld"
    assert {e["name"] for e in container["env"]} == {"TARGET", "MORE"}
    refused = space.run("patch", "-n", "default", "ksvc", "hello", "--type=strategic", "-p", "{}")
    assert "strategic merge patch" in refused.err or "unknown format" in refused.err


def test_label_annotate_and_their_refusals(space: Space) -> None:
    space.must("create", "configmap", "marked")
    space.must("label", "configmap", "marked", "tier=front")
    assert "already has a value" in space.run("label", "configmap", "marked", "tier=back").err
    space.must("label", "configmap", "marked", "tier=back", "--overwrite")
    space.must("annotate", "configmap", "marked", "note=yes")
    assert space.must("get", "configmap", "-l", "tier=back", "-o", "name").split() == ["configmap/marked"]
    assert space.run("label", "configmap", "marked", "x=not a label").code == 1
    space.must("label", "configmap", "marked", "tier-")
    meta = space.json("configmap", "marked")["metadata"]
    assert "labels" not in meta or not meta["labels"]
    assert meta["annotations"] == {"note": "yes"}


def test_api_resources_has_the_documents_kinds(space: Space) -> None:
    listed = space.cluster.must("api-resources", "--no-headers").split("\n")
    kinds = {line.split()[-1] for line in listed if line}
    assert kinds >= {
        "ServiceMeshControlPlane", "ServiceMeshMemberRoll", "Gateway", "KnativeServing", "KnativeEventing",
        "KnativeKafka", "ServiceEntry", "Route", "Service", "Deployment", "EndpointSlice",
    }  # fmt: skip
    short = space.cluster.must("get", "smcp,smmr", "-A", "-o", "name")
    assert "servicemeshcontrolplane" in short


def test_auth_can_i_and_whoami(space: Space) -> None:
    assert space.must("auth", "can-i", "delete", "namespaces").strip() == "yes"
    assert "system:masters" in space.cluster.must("auth", "whoami")


def test_wait_and_delete(space: Space) -> None:
    space.must("create", "configmap", "gone")
    late = space.run("wait", "configmap/gone", "--for=delete", "--timeout=1s")
    assert late.code == 1
    assert "timed out" in late.err
    space.must("delete", "configmap", "gone")
    again = space.run("delete", "configmap", "gone")
    assert '(NotFound): configmaps "gone" not found' in again.err
    space.wait("deployment/web", "condition=Available")


def test_logs_follow_previous_tail_and_timestamps(space: Space) -> None:
    space.pod("talker", "for i in 1 2 3; do echo line $i; sleep 0.3; done")
    eventually(lambda: space.run("logs", "talker").ok, what="the container has begun")
    assert space.must("logs", "-f", "talker").split("\n")[:3] == ["line 1", "line 2", "line 3"]
    space.phase("talker", "Succeeded")
    assert space.must("logs", "talker", "--tail=1").strip() == "line 3"
    stamp = space.must("logs", "talker", "--timestamps", "--tail=1").split()[0]
    assert stamp.startswith("20")
    assert stamp.endswith("Z")
    space.pod("faller", "echo run $RANDOM; exit 1", spec={"restartPolicy": "Always"})
    eventually(
        lambda: space.json("pod", "faller")["status"]["containerStatuses"][0]["restartCount"] >= 1,
        what="a restart",
    )
    assert "run" in space.must("logs", "faller", "--previous")
    refused = space.run("logs", "talker", "--previous")
    assert 'previous terminated container "app" in pod "talker" not found' in refused.err


def test_create_generate_name_replace_and_dry_run(space: Space) -> None:
    named = space.must(
        "create",
        "-f",
        "-",
        "-o",
        "name",
        text='{"apiVersion":"v1","kind":"ConfigMap","metadata":{"generateName":"gen-"}}',
    )
    assert named.startswith("configmap/gen-")
    space.must("create", "configmap", "dry", "--dry-run=server")
    assert space.run("get", "configmap", "dry").code == 1
    live = space.json("configmap", named.strip().partition("/")[2])
    space.must("replace", "-f", "-", text=json.dumps({**live, "data": {"a": "1"}}))
    stale = space.run("replace", "-f", "-", text=json.dumps({**live, "data": {"a": "2"}}))
    assert "the object has been modified; please apply your changes to the latest version" in stale.err
