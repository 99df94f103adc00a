"""Kinds of users' own with kubectl: columns, explain, scale, apply, a webhook that is a pod, policies."""

from __future__ import annotations

import base64
import json
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.wire.apiserver.custom import crd, crontab, version

from hauberk.testing.cluster import Cluster, eventually
from hauberk.testing.space import Space
from hauberk.testing.webhook import certificate

pytestmark = pytest.mark.system

COLUMNS = [
    {"name": "Spec", "type": "string", "jsonPath": ".spec.cronSpec"},
    {"name": "Replicas", "type": "integer", "jsonPath": ".spec.replicas"},
    {"name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp"},
]
GUARD = """
import http.server, json, ssl

class Guard(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        review = json.loads(self.rfile.read(int(self.headers["content-length"])))
        wanted = review["request"]["object"]
        answer = {"uid": review["request"]["uid"], "allowed": "owner" in wanted["metadata"].get("labels", {}),
                  "status": {"code": 403, "message": "who owns it?"}}
        body = json.dumps({**review, "response": answer}).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

server = http.server.ThreadingHTTPServer(("", 8443), Guard)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain("/code/tls.pem")
server.socket = context.wrap_socket(server.socket, server_side=True)
server.serve_forever()
"""


@pytest.fixture(scope="module")
def space(cluster: Cluster) -> Iterator[Space]:
    """A fresh namespace."""
    name = f"u-{secrets.token_hex(3)}"
    cluster.must("create", "namespace", name)
    try:
        yield Space(cluster, name)
    finally:
        cluster.must("delete", "namespace", name, "--wait=false")


@pytest.fixture(scope="module")
def crontabs(space: Space) -> Iterator[Space]:
    """The kind CronTab."""
    definition = crd(version("v1", additionalPrinterColumns=COLUMNS))
    space.apply(json.dumps(definition))
    space.wait("crd/crontabs.stable.example.com", "condition=Established", within_s=5)
    try:
        yield space
    finally:
        space.must("delete", "crd", "crontabs.stable.example.com", "--ignore-not-found")


def given(name: str, **spec: Any) -> str:
    return json.dumps(crontab(name, **spec))


def test_the_kind_is_known_by_all_its_names(crontabs: Space) -> None:
    listed = crontabs.must("api-resources", "--api-group=stable.example.com", "--no-headers").split()
    assert listed == ["crontabs", "ct", "stable.example.com/v1", "true", "CronTab"]
    told = crontabs.must("explain", "crontab.spec")
    assert "cronSpec\t<string> -required-" in told
    assert "KIND:       CronTab" in told


def test_columns_all_and_wait(crontabs: Space) -> None:
    crontabs.apply(given("shown"))
    head, row = crontabs.must("get", "ct", "shown").splitlines()
    assert head.split() == ["NAME", "SPEC", "REPLICAS", "AGE"]
    assert row.split()[:-1] == ["shown", "*", "*", "*", "*", "*/5", "1"]
    assert "crontab.stable.example.com/shown" in crontabs.must("get", "all")
    crontabs.wait("ct/shown", "jsonpath={.spec.image}=nginx", within_s=5)
    found = crontabs.must("get", "ct", "--field-selector", "metadata.name=shown", "-o", "name")
    assert found.strip() == "crontab.stable.example.com/shown"


def test_scale(crontabs: Space) -> None:
    crontabs.apply(given("scaled"))
    crontabs.must("scale", "ct/scaled", "--replicas=4")
    assert crontabs.json("ct", "scaled")["spec"]["replicas"] == 4
    refused = crontabs.run("scale", "ct/scaled", "--replicas=6")
    assert refused.code != 0
    assert "at most 5" in refused.err


def test_a_change_without_a_change_and_server_side_apply(crontabs: Space) -> None:
    for ports, manager in (([{"port": 1}], "one"), ([{"port": 2}], "two")):
        text = given("applied", ports=ports)
        said = crontabs.must("apply", "--server-side", "--field-manager", manager, "-f", "-", text=text)
        assert said.strip().endswith("serverside-applied")
    assert crontabs.json("ct", "applied")["spec"]["ports"] == [{"port": 1}, {"port": 2}]
    crontabs.apply(given("plain"))
    assert crontabs.apply(given("plain")).strip().endswith("unchanged")
    assert crontabs.must("diff", "-f", "-", text=given("plain")) == ""


def test_what_breaks_the_schema_is_told_as_on_any_cluster(crontabs: Space) -> None:
    refused = crontabs.run("apply", "-f", "-", text=given("bad", replicas=11))
    assert "should be less than or equal to 10" in refused.err
    refused = crontabs.run("apply", "-f", "-", text=given("bad", foo=1))
    assert 'strict decoding error: unknown field "spec.foo"' in refused.err
    crontabs.must("apply", "--validate=false", "-f", "-", text=given("bad", foo=1))
    assert "foo" not in crontabs.json("ct", "bad")["spec"]


def test_a_webhook_that_is_a_pod(crontabs: Space, tmp_path: Path) -> None:
    name = crontabs.namespace
    chain, key = certificate(f"guard.{name}.svc")
    (tmp_path / "tls.pem").write_bytes(chain + key)
    (tmp_path / "guard.py").write_text(GUARD)
    crontabs.must("create", "secret", "generic", "guard", f"--from-file={tmp_path}")
    crontabs.apply(_pod_and_service())
    crontabs.wait("pod/guard", "condition=Ready")
    bundle = base64.b64encode(chain).decode()
    crontabs.apply(json.dumps(_configuration(name, bundle)))
    try:
        refused = crontabs.run("apply", "-f", "-", text=given("guarded"))
        assert 'admission webhook "guard.example.com" denied the request: who owns it?' in refused.err
        owned = crontab("guarded")
        owned["metadata"]["labels"] = {"owner": "me"}
        crontabs.apply(json.dumps(owned))
        crontabs.must("delete", "pod", "guard", "--grace-period=1")
        refused = eventually(lambda: _unanswered(crontabs), within_s=10)
        told = 'failed calling webhook "guard.example.com": failed to call webhook: Post "https://guard.'
        assert f"{told}{name}.svc:443" in refused
    finally:
        crontabs.must("delete", "validatingwebhookconfiguration", "guard")


def _unanswered(space: Space) -> str:
    said = space.run("apply", "-f", "-", text=given("late")).err
    return said if "no endpoints available" in said else ""


def _pod_and_service() -> str:
    container = {
        "name": "guard",
        "image": "hauberk.local/curl",
        "command": ["python3", "/code/guard.py"],
        "readinessProbe": {"tcpSocket": {"port": 8443}, "periodSeconds": 1},
        "volumeMounts": [{"name": "code", "mountPath": "/code"}],
    }
    volume = {"name": "code", "secret": {"secretName": "guard"}}
    labels = {"app": "guard"}
    spec = {"containers": [container], "volumes": [volume], "terminationGracePeriodSeconds": 1}
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "guard", "labels": labels}, "spec": spec}
    ports = [{"port": 443, "targetPort": 8443}]
    service = {
        "apiVersion": "v1", "kind": "Service", "metadata": {"name": "guard"},
        "spec": {"selector": labels, "ports": ports},
    }  # fmt: skip
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": [pod, service]})


def _configuration(namespace: str, bundle: str) -> dict[str, Any]:
    rule = {
        "apiGroups": ["stable.example.com"], "apiVersions": ["*"], "resources": ["crontabs"],
        "operations": ["CREATE"],
    }  # fmt: skip
    hook = {
        "name": "guard.example.com",
        "admissionReviewVersions": ["v1"],
        "sideEffects": "None",
        "timeoutSeconds": 2,
        "clientConfig": {"service": {"namespace": namespace, "name": "guard"}, "caBundle": bundle},
        "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace}},
        "rules": [rule],
    }
    return {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingWebhookConfiguration",
        "metadata": {"name": "guard"},
        "webhooks": [hook],
    }


def test_a_policy_without_a_program(crontabs: Space) -> None:
    rule = {"apiGroups": ["stable.example.com"], "apiVersions": ["*"], "resources": ["crontabs"]}
    policy = {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingAdmissionPolicy",
        "metadata": {"name": "images"},
        "spec": {
            "matchConstraints": {"resourceRules": [{**rule, "operations": ["CREATE", "UPDATE"]}]},
            "validations": [{"expression": "object.spec.image.startsWith('nginx')", "message": "nginx only"}],
        },
    }
    binding = {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingAdmissionPolicyBinding",
        "metadata": {"name": "images"},
        "spec": {"policyName": "images", "validationActions": ["Deny"]},
    }
    both = json.dumps({"apiVersion": "v1", "kind": "List", "items": [policy, binding]})
    crontabs.apply(both)
    try:
        refused = crontabs.run("apply", "-f", "-", text=given("other", image="apache"))
        told = "ValidatingAdmissionPolicy 'images' with binding 'images' denied request: nginx only"
        assert told in refused.err
        crontabs.apply(given("other", image="nginx:1"))
    finally:
        crontabs.must("delete", "-f", "-", text=both)


def test_the_definition_takes_its_objects_with_it(crontabs: Space) -> None:
    crontabs.apply(given("last"))
    crontabs.must("delete", "crd", "crontabs.stable.example.com")
    gone = crontabs.run("get", "ct")
    assert gone.code != 0
    assert "the server" in gone.err
