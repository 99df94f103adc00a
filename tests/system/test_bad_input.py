"""Bad input is answered with the upstream error and the field's path; nothing of it is stored."""

from __future__ import annotations

import pytest

from hauberk.testing.cluster import Cluster, eventually

pytestmark = pytest.mark.system

POD = """
apiVersion: v1
kind: Pod
metadata: {{name: {name}, namespace: default}}
spec:
  containers:
  - name: app
    image: {image}
{more}
"""


def pod(name: str, image: str = "hauberk.local/curl", more: str = "") -> str:
    return POD.format(name=name, image=image, more=more)


def waiting_reason(cluster: Cluster, name: str) -> str:
    statuses = cluster.json("pod", name, "-n", "default").get("status", {}).get("containerStatuses") or [{}]
    return str(statuses[0].get("state", {}).get("waiting", {}).get("reason", ""))


def events_of(cluster: Cluster, name: str) -> str:
    return cluster.must("describe", "pod", name, "-n", "default").partition("Events:")[2]


@pytest.mark.parametrize(
    ("situation", "manifest", "says"),
    [
        (
            "a required field is missing",
            "apiVersion: v1\nkind: Pod\nmetadata: {name: bad}\nspec: {containers: [{name: app}]}\n",
            "spec.containers[0].image: Required value",
        ),
        (
            "a field has the wrong type",
            "apiVersion: v1\nkind: Service\nmetadata: {name: bad}\nspec: {ports: [{port: eighty}]}\n",
            "port",
        ),
        (
            "a name is not a DNS name",
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: Bad_Name}\n",
            "RFC 1123",
        ),
        (
            "traffic does not sum to 100",
            "apiVersion: serving.knative.dev/v1\nkind: Service\nmetadata: {name: bad}\nspec:\n"
            "  template: {spec: {containers: [{image: hauberk.local/helloworld}]}}\n"
            "  traffic: [{latestRevision: true, percent: 90}]\n",
            "Traffic targets sum to 90, want 100",
        ),
    ],
)
def test_an_invalid_object_is_refused_with_its_path_and_not_stored(
    document: Cluster, situation: str, manifest: str, says: str
) -> None:
    refused = document.run("apply", "-n", "default", "-f", "-", text=manifest)
    assert refused.code == 1, situation
    assert says in refused.err
    kind = manifest.split("kind: ")[1].split()[0].lower()
    kind = "ksvc" if "knative" in manifest else kind
    assert document.run("get", kind, "bad", "-n", "default").code == 1


def test_yaml_that_is_no_yaml_is_refused(document: Cluster) -> None:
    assert document.run("apply", "-f", "-", text="kind: [\n").code == 1


def test_an_unknown_field_is_told_in_a_warning(document: Cluster) -> None:
    manifest = (
        "apiVersion: networking.istio.io/v1\nkind: DestinationRule\nmetadata: {name: w, namespace: default}\n"
    )
    manifest += "spec: {host: w.default.svc.cluster.local, wobble: 3}\n"
    ran = document.run("apply", "-f", "-", text=manifest)
    assert ran.ok, ran.err
    assert 'unknown field "spec.wobble"' in ran.err
    document.must("delete", "destinationrule", "w", "-n", "default")


@pytest.mark.parametrize(
    ("name", "manifest", "reasons", "event"),
    [
        (
            "no-image",
            pod("no-image", "hauberk.local/nothing"),
            {"ErrImagePull", "ImagePullBackOff"},
            "Failed",
        ),
        (
            "no-command",
            pod("no-command", more="    command: [/nowhere/to/be/found]"),
            {"RunContainerError", "CrashLoopBackOff", "StartError"},
            "Failed",
        ),
        ("crash", pod("crash", more='    command: [sh, -c, "exit 3"]'), {"CrashLoopBackOff"}, "BackOff"),
        (
            "no-secret",
            pod("no-secret", more="    env: [{name: A, valueFrom: {secretKeyRef: {name: gone, key: a}}}]"),
            {"CreateContainerConfigError"},
            'secret "gone" not found',
        ),
    ],
)
def test_a_pod_that_cannot_run_says_why(
    document: Cluster, name: str, manifest: str, reasons: set[str], event: str
) -> None:
    document.apply(manifest)
    try:
        eventually(
            lambda: waiting_reason(document, name) in reasons, what=f"{name} waits for one of {reasons}"
        )
        eventually(lambda: event in events_of(document, name), what=f"event {event}")
    finally:
        document.must("delete", "pod", name, "-n", "default", "--grace-period=1", "--wait=false")


def test_a_failing_readiness_probe_is_an_event_and_the_pod_is_not_ready(document: Cluster) -> None:
    probe = '    command: [sleep, "600"]\n    readinessProbe: {tcpSocket: {port: 9}, periodSeconds: 1}'
    document.apply(pod("unready", more=probe))
    try:
        eventually(
            lambda: "Readiness probe failed" in events_of(document, "unready"), what="an Unhealthy event"
        )
        conditions = document.json("pod", "unready", "-n", "default")["status"]["conditions"]
        assert {c["type"]: c["status"] for c in conditions}["Ready"] == "False"
    finally:
        document.must("delete", "pod", "unready", "-n", "default", "--grace-period=1", "--wait=false")


GATEWAY = """
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: broken, namespace: default}
spec:
  selector: {knative: ingressgateway}
  servers:
  - port: {number: 443, name: https, protocol: HTTPS}
    hosts: ["broken.example.com"]
    tls: {mode: SIMPLE, credentialName: no-such-secret}
"""


def unmet(cluster: Cluster, gateway: str) -> list[str]:
    """The messages of the gateway's conditions that do not hold."""
    status = cluster.json("gateway", gateway, "-n", "default").get("status", {})
    return [c["message"] for c in status.get("conditions", ()) if c["status"] == "False"]


def test_a_gateway_without_its_secret_says_so_takes_nothing_down_and_heals(document: Cluster) -> None:
    document.apply(GATEWAY)
    try:
        told = eventually(lambda: unmet(document, "broken"), what="a condition on the gateway")
        assert "no-such-secret" in told[0]
        eventually(
            lambda: (
                "no-such-secret"
                in document.must("describe", "gateway", "broken", "-n", "default").partition("Events:")[2]
            ),
            what="an event on the gateway",
        )
        assert document.shell.must(document.stage.curl_line()).strip() == "Hello Openshift!"
        pair = ("--cert=wildcard.crt", "--key=wildcard.key")
        document.must("create", "secret", "tls", "no-such-secret", "-n", "istio-system", *pair)
        eventually(lambda: not unmet(document, "broken"), what="the gateway heals")
    finally:
        document.must("delete", "gateway", "broken", "-n", "default")
        document.must("delete", "secret", "no-such-secret", "-n", "istio-system", "--ignore-not-found")


def test_a_field_without_effect_is_told_in_a_warning(document: Cluster) -> None:
    manifest = pod("inert", more="  shareProcessNamespace: true")
    ran = document.run("apply", "--dry-run=server", "-f", "-", text=manifest)
    assert ran.ok, ran.err
    assert "spec.shareProcessNamespace: has no effect on the embedded cluster yet" in ran.err


def test_a_missing_configmap_volume_is_an_event(document: Cluster) -> None:
    mount = "    volumeMounts: [{name: v, mountPath: /v}]\n  volumes: [{name: v, configMap: {name: gone}}]"
    document.apply(pod("no-volume", more=mount))
    try:
        said = 'MountVolume.SetUp failed for volume "v" : configmap "gone" not found'
        eventually(lambda: said in events_of(document, "no-volume"), what="FailedMount")
        assert waiting_reason(document, "no-volume") == "ContainerCreating"
    finally:
        document.must("delete", "pod", "no-volume", "-n", "default", "--grace-period=1", "--wait=false")


def test_a_missing_image_says_how_to_add_it(document: Cluster) -> None:
    document.apply(pod("no-picture", "example.com/nothing:1"))
    try:
        eventually(
            lambda: "hauberk image" in events_of(document, "no-picture"), what="the command that adds it"
        )
    finally:
        document.must("delete", "pod", "no-picture", "-n", "default", "--grace-period=1", "--wait=false")
