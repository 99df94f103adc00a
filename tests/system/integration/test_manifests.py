"""From `hauberk init` to a service over mTLS, with nothing but files and kubectl."""

from __future__ import annotations

import secrets
from collections.abc import Iterator

import pytest

from hauberk.base.progress import Quiet
from hauberk.demo.proofs import PROOFS, Proof
from hauberk.demo.run import check_preflight, show_proofs
from hauberk.testing.cluster import HAUBERK, Cluster, hauberk, started

pytestmark = pytest.mark.system
READY = "--timeout=90s"
SHOWN = ("route", "plaintext", "client-certificate", "insider", "outsider", "wire")


@pytest.fixture(scope="module")
def integrated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A cluster that refuses what a real one refuses, with the rendered manifests applied."""
    name = f"i-{secrets.token_hex(3)}"
    folder = tmp_path_factory.mktemp("integrated")
    try:
        cluster = started(name, folder, "--ephemeral", "--strict")
        for argv in (
            ("init", "--defaults", "--to", "hauberk.yaml"),
            ("certs", "create"),
            ("render", "--to", "manifests"),
        ):
            cluster.shell.must([*HAUBERK, *argv])
        cluster.must("apply", "-f", "manifests/10-namespaces.yaml")
        cluster.shell.must([*HAUBERK, "certs", "apply"])
        cluster.must("apply", "-k", "manifests")
        cluster.must("wait", READY, "--for=condition=Ready", "smcp/basic", "-n", "istio-system")
        cluster.must(
            "wait", READY, "--for=condition=Ready", "knativeserving/knative-serving", "-n", "knative-serving"
        )
        image = "hauberk.local/helloworld"
        service = cluster.shell.must([*HAUBERK, "render", "--service", f"default/hello={image}"])
        cluster.apply(service + "          env:\n            - {name: TARGET, value: Openshift}\n")
        cluster.must("wait", READY, "--for=condition=Ready", "ksvc/hello", "-n", "default")
        (folder / "root.crt").write_bytes((folder / "certs" / "root.crt").read_bytes())
        yield cluster
    finally:
        hauberk("down", "--name", name)


def test_the_documents_preflight_holds(integrated: Cluster) -> None:
    check_preflight(integrated.shell, integrated.kube, Quiet())


@pytest.mark.parametrize("proof", [p for p in PROOFS if p.id in SHOWN], ids=lambda p: p.id)
def test_the_service_is_reached_over_mtls_only(integrated: Cluster, proof: Proof) -> None:
    (shown,) = show_proofs(integrated.stage, Quiet(), proofs=[proof])
    assert shown.verdict.holds, shown.verdict.seen


def test_a_client_that_looks_at_the_alternative_name_accepts_the_certificate(integrated: Cluster) -> None:
    """Python refuses the document's certificate, which has none."""
    options = integrated.options
    script = (
        "import http.client, ssl, socket, sys\n"
        "host, port = sys.argv[1], int(sys.argv[2])\n"
        "context = ssl.create_default_context(cafile='root.crt')\n"
        "context.hostname_checks_common_name = False\n"
        "raw = socket.create_connection((sys.argv[3], port), timeout=20)\n"
        "tls = context.wrap_socket(raw, server_hostname=host)\n"
        "print(tls.getpeercert()['subjectAltName'])\n"
    )
    host = "hello-default.apps.openshift.example.com"
    python = HAUBERK[0]
    seen = integrated.shell.must([python, "-c", script, host, str(options.https_port), options.host])
    assert "*.apps.openshift.example.com" in seen


def test_applying_again_changes_nothing(integrated: Cluster) -> None:
    again = integrated.must("apply", "-k", "manifests")
    assert {line.rsplit(" ", 1)[1] for line in again.splitlines()} == {"unchanged"}


def test_the_secret_is_renewed_and_served_without_a_restart(integrated: Cluster) -> None:
    before = integrated.must(
        "get", "secret", "wildcard-certs", "-n", "istio-system", "-o", "jsonpath={.data}"
    )
    integrated.shell.must([*HAUBERK, "certs", "rotate"])
    after = integrated.must("get", "secret", "wildcard-certs", "-n", "istio-system", "-o", "jsonpath={.data}")
    assert after != before
    assert "BEGIN" not in integrated.must("get", "events", "-A", "-o", "yaml")
    proof = next(p for p in PROOFS if p.id == "route")
    (shown,) = show_proofs(integrated.stage, Quiet(), proofs=[proof])
    assert shown.verdict.holds, shown.verdict.seen
