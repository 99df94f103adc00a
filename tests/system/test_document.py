"""The document's steps and proofs, with real kubectl, openssl, curl and packets."""

from __future__ import annotations

import pytest

from hauberk.base.progress import Quiet
from hauberk.demo.proofs import PROOFS, Proof
from hauberk.demo.run import check_preflight, show_proofs
from hauberk.testing.cluster import Cluster, eventually, hauberk

pytestmark = pytest.mark.system


def test_the_preflight_shows_what_the_document_shows(document: Cluster) -> None:
    check_preflight(document.shell, document.kube, Quiet())


@pytest.mark.parametrize("proof", PROOFS, ids=lambda p: p.id)
def test_the_proof_holds(document: Cluster, proof: Proof) -> None:
    (shown,) = show_proofs(document.stage, Quiet(), proofs=[proof])
    assert shown.verdict.holds, shown.verdict.seen


def test_the_member_roll_says_who_is_in_and_who_is_pending(document: Cluster) -> None:
    roll = document.json("servicemeshmemberroll", "default", "-n", "istio-system")
    assert set(roll["status"]["configuredMembers"]) >= {"default", "knative-serving", "knative-eventing"}


def behind(cluster: Cluster) -> list[dict[str, str]]:
    return [p for p in cluster.status()["proxies"]["items"] if p["status"] != "SYNCED"]


def test_status_reports_every_proxy_in_sync_and_the_memory(document: Cluster) -> None:
    eventually(lambda: not behind(document), what=f"every proxy in sync; behind: {behind(document)}")
    report = document.status()
    assert report["proxies"]["total"] >= 4
    assert report["memory"]["pssBytes"] > 50 * 2**20
    assert set(report["endpoints"]) == {"api", "https", "http"}


def test_up_again_says_that_it_runs_and_changes_nothing(document: Cluster) -> None:
    before = {p["metadata"]["uid"] for p in document.json("pods", "-A")["items"]}
    again = hauberk("up", "--name", document.name)
    assert again.returncode == 0
    assert "already" in again.stderr
    assert {p["metadata"]["uid"] for p in document.json("pods", "-A")["items"]} >= before


@pytest.mark.parametrize(
    ("deployment", "namespace"),
    [
        ("activator", "knative-serving"),
        ("autoscaler", "knative-serving"),
        ("imc-dispatcher", "knative-eventing"),
    ],
)
def test_overrides_of_the_operators_reach_the_pods(
    document: Cluster, deployment: str, namespace: str
) -> None:
    pods = document.json("pods", "-n", namespace, "-l", f"app={deployment}")["items"] or [
        p
        for p in document.json("pods", "-n", namespace)["items"]
        if p["metadata"]["name"].startswith(deployment)
    ]
    assert pods
    for pod in pods:
        assert pod["metadata"]["labels"]["sidecar.istio.io/inject"] == "true"
        assert "istio-proxy" in [c["name"] for c in pod["spec"]["containers"]]
