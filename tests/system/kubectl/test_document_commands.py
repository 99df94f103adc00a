"""The document's own commands, as written, with real kubectl in a shell."""

from __future__ import annotations

import base64
import re

import pytest

from hauberk.testing.cluster import Cluster, eventually

pytestmark = pytest.mark.system

PREFLIGHT = (
    'kubectl get gateway -A -o jsonpath=\'{range .items[*]}{@.metadata.namespace}{"/"}'
    '{@.metadata.name}{" "}{@.spec.servers}{"\\n"}{end}\' | column -t'
)
KINDS = (
    "servicemeshcontrolplane", "servicemeshmemberroll", "gateway.networking.istio.io", "knativeserving",
    "knativeeventing", "service.serving.knative.dev", "configuration", "revision",
    "route.serving.knative.dev",
    "ingress.networking.internal.knative.dev", "podautoscaler", "serverlessservice", "virtualservice",
    "route.route.openshift.io", "deployment", "replicaset", "pod", "service", "endpoints", "endpointslice",
    "secret", "configmap", "namespace", "serviceaccount", "node", "networkpolicy", "event",
)  # fmt: skip


def sh(cluster: Cluster, line: str) -> str:
    return cluster.shell.must(["sh", "-c", line])


def test_create_secret_tls_stores_the_pair_and_refuses_a_key_that_does_not_fit(document: Cluster) -> None:
    secret = document.json("secret", "wildcard-certs", "-n", "istio-system")
    assert secret["type"] == "kubernetes.io/tls"
    stored = base64.b64decode(secret["data"]["tls.crt"])
    assert stored == (document.folder / "wildcard.crt").read_bytes()
    wrong = document.run(
        "create", "-n", "istio-system", "secret", "tls", "x", "--key=root.key", "--cert=wildcard.crt"
    )
    assert wrong.code == 1
    assert "private key does not match public key" in wrong.err


def test_the_preflight_line_lists_both_gateways_in_columns(document: Cluster) -> None:
    lines = [line.split(maxsplit=1) for line in sh(document, PREFLIGHT).splitlines()]
    servers = dict(lines)
    assert servers["knative-serving/knative-ingress-gateway"] == (
        '[{"hosts":["*"],"port":{"name":"https","number":443,"protocol":"HTTPS"},'
        '"tls":{"credentialName":"wildcard-certs","mode":"SIMPLE"}}]'
    )
    assert '"mode":"ISTIO_MUTUAL"' in servers["knative-serving/knative-local-gateway"]


def test_the_ingress_gateway_is_a_cluster_ip_service(document: Cluster) -> None:
    line = sh(document, "kubectl get svc -A | grep istio-ingressgateway")
    assert re.match(
        r"istio-system +istio-ingressgateway +ClusterIP +172\.30\.\d+\.\d+ +<none> +15021/TCP,80/TCP,443/TCP",
        line,
    )


@pytest.mark.parametrize(
    ("kind", "name"), [("KnativeServing", "knative-serving"), ("KnativeEventing", "knative-eventing")]
)
def test_edit_saves_what_the_editor_wrote(document: Cluster, kind: str, name: str) -> None:
    editor = document.folder / "editor.sh"
    editor.write_text(
        '#!/bin/sh\nsed -i "s/^  name: /  annotations: {edited-by: an-editor}\\n  name: /" "$1"\n'
    )
    editor.chmod(0o755)
    said = sh(document, f"EDITOR={editor} kubectl edit {kind} {name} -n {name}")
    assert "edited" in said
    assert document.json(kind, name, "-n", name)["metadata"]["annotations"]["edited-by"] == "an-editor"
    again = sh(document, f"EDITOR=true kubectl edit {kind} {name} -n {name} 2>&1")
    assert "Edit cancelled, no changes made" in again
    document.must("annotate", kind, name, "-n", name, "edited-by-")
    document.must("wait", kind, name, "-n", name, "--for=condition=Ready", "--timeout=20s")


def test_logs_of_a_deployment_and_of_every_container_of_a_pod(document: Cluster) -> None:
    document.shell.must(document.stage.curl_line())
    pods = eventually(
        lambda: document.json("pods", "-n", "default", "-l", "serving.knative.dev/service=hello")["items"],
        what="a pod of hello",
    )
    name = pods[0]["metadata"]["name"]
    for container in ("user-container", "queue-proxy", "istio-proxy"):
        assert document.run("logs", name, "-n", "default", "-c", container).ok
    assert document.run("logs", "deployment/activator", "-n", "knative-serving", "-c", "activator").ok
    wrong = document.run("logs", name, "-n", "default", "-c", "nobody")
    assert f"container nobody is not valid for pod {name}" in wrong.err


@pytest.mark.parametrize("kind", KINDS)
def test_describe_shows_every_kind_the_document_has(document: Cluster, kind: str) -> None:
    told = document.run("describe", kind, "-A")
    assert told.ok, told.err
    assert "Name:" in told.out
