"""`hauberk verify` on the document's cluster: the matrix holds, and nothing is left, even after Ctrl-C."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest

from hauberk.testing.cluster import HAUBERK, Cluster, eventually, hauberk

pytestmark = pytest.mark.system
MARK = "hauberk.dev/verify"


@pytest.fixture(scope="module")
def file(document: Cluster) -> Path:
    """The Integration that the document amounts to, with the certificates that its openssl commands made."""
    path = document.folder / "verify.yaml"
    head = "apiVersion: hauberk/v1alpha1\nkind: Integration\ndomain: apps.openshift.example.com\n"
    members = "members: [knative-serving, knative-eventing, default]\n"
    path.write_text(f"{head}{members}certificate: {{directory: .}}\n")
    return path


def left(cluster: Cluster) -> list[str]:
    """What a run has left, without pods that a deleted service's are about to follow."""
    found = cluster.json("ksvc,pods", "-A", "-l", MARK)["items"]
    return [o["metadata"]["name"] for o in found if "deletionTimestamp" not in o["metadata"]]


def verified(cluster: Cluster, file: Path, *args: str) -> tuple[int, dict[str, Any]]:
    done = hauberk("verify", "-f", str(file), "--name", cluster.name, "-o", "json", *args, timeout_s=240)
    found = json.loads(done.stdout) if done.stdout else {}
    return done.returncode, {row["id"]: row for row in found.get("rows", [])} or {"": {"seen": done.stderr}}


def only(*names: str) -> list[str]:
    return [word for name in names for word in ("--only", name)]


def test_allowed_traffic_passes_and_denied_traffic_does_not(document: Cluster, file: Path) -> None:
    wanted = ("ready", "external", "other-ca", "inside", "outside", "plaintext", "tenant", "broker", "kafka")
    code, rows = verified(document, file, *only(*wanted))
    assert code == 0, rows
    outcomes = {name: row["outcome"] for name, row in rows.items()}
    skipped = ("tenant", "kafka")
    assert outcomes == {name: "skip" if name in skipped else "pass" for name in wanted}
    assert "no tenants" in rows["tenant"]["seen"]
    assert rows["broker"]["seen"].startswith("accepted with 202, and printed by")
    eventually(lambda: not left(document), what="nothing left")


def test_a_rollout_under_load_loses_nothing(document: Cluster, file: Path) -> None:
    code, rows = verified(document, file, *only("rollout"))
    assert (code, rows["rollout"]["outcome"]) == (0, "pass"), rows
    assert rows["rollout"]["seen"].startswith("0 of ")


def test_what_does_not_hold_is_found_and_told_by_exit_status_3(document: Cluster, file: Path) -> None:
    """The local gateway in plain HTTP: what the document's ISTIO_MUTUAL refuses is answered."""
    ref = ("gateways.networking.istio.io", "knative-local-gateway", "-n", "knative-serving")
    before = document.json(*ref)["spec"]["servers"]
    plain = [{"port": {"number": 8081, "name": "http", "protocol": "HTTP"}, "hosts": ["*"]}]
    document.must("patch", *ref, "--type=merge", "-p", json.dumps({"spec": {"servers": plain}}))
    try:
        code, rows = verified(document, file, *only("outside"))
    finally:
        document.must("patch", *ref, "--type=merge", "-p", json.dumps({"spec": {"servers": before}}))
    assert (code, rows["outside"]["outcome"]) == (3, "fail"), rows
    assert "ISTIO_MUTUAL" in rows["outside"]["see"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_run_that_is_stopped_leaves_nothing(document: Cluster, file: Path, number: signal.Signals) -> None:
    argv = [*HAUBERK, "verify", "-f", str(file), "--name", document.name, *only("from-zero")]
    run = subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=dict(os.environ))
    try:
        eventually(lambda: left(document), what="the probe service")
        run.send_signal(number)
        _, said = run.communicate(timeout=60)
    finally:
        run.kill()
    assert run.returncode == 130, said
    assert not left(document)
