"""`hauberk doctor` on a running cluster: the document's own defects, and one that is made for the test."""

from __future__ import annotations

import json
from typing import Any

import pytest

from hauberk.testing.cluster import Cluster, hauberk

pytestmark = pytest.mark.system
OURS = {"istio-system", "knative-serving", "knative-eventing"}
POLICY = """
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: ghost, namespace: doctor}
spec:
  rules: [{from: [{source: {principals: [cluster.local/ns/doctor/sa/nobody]}}]}]
"""


def examined(cluster: Cluster, *args: str) -> dict[str, Any]:
    done = hauberk("doctor", "--name", cluster.name, "-o", "json", *args)
    assert done.returncode in (0, 3), done.stderr
    report: dict[str, Any] = json.loads(done.stdout)
    return report


def test_the_documents_certificate_is_its_only_error(document: Cluster) -> None:
    found = examined(document)["findings"]
    errors = [f["code"] for f in found if f["severity"] == "error" and f["object"]["namespace"] in OURS]
    assert errors == ["HBK1107"]  # signed as the document says: without a subjectAltName
    assert {"HBK1109", "HBK1522"} <= {f["code"] for f in found}


def test_the_report_holds_no_key(document: Cluster) -> None:
    assert "PRIVATE KEY" not in hauberk("doctor", "--name", document.name, "-o", "sarif").stdout


def test_what_is_broken_on_the_cluster_is_named_until_it_is_mended(document: Cluster) -> None:
    document.must("create", "namespace", "doctor")
    try:
        document.apply(POLICY)
        (row,) = [f for f in examined(document)["findings"] if f["code"] == "HBK1703"]
        assert (row["object"]["name"], row["field"]) == (
            "ghost",
            "spec.rules[0].from[0].source.principals[0]",
        )
        document.must("create", "serviceaccount", "nobody", "-n", "doctor")
        assert "HBK1703" not in {f["code"] for f in examined(document)["findings"]}
    finally:
        document.must("delete", "namespace", "doctor", "--wait=false")


def test_every_check_understands_what_a_cluster_has(document: Cluster) -> None:
    assert "HBK1000" not in {f["code"] for f in examined(document)["findings"]}
