"""Jobs in the mesh: an injected sidecar keeps a pod running until it is told to quit."""

from __future__ import annotations

import json
from typing import Any

import pytest

from hauberk.testing.cluster import Cluster, eventually
from hauberk.testing.space import CURL, Space

pytestmark = pytest.mark.system
QUIT = "curl -fsS -X POST http://localhost:15020/quitquitquit"


def job(name: str, script: str) -> str:
    template: dict[str, Any] = {
        "metadata": {"annotations": {"sidecar.istio.io/inject": "true"}},
        "spec": {
            "restartPolicy": "Never",
            "terminationGracePeriodSeconds": 1,
            "containers": [{"name": "work", "image": CURL, "command": ["sh", "-c", script]}],
        },
    }
    meta = {"name": name}
    return json.dumps(
        {"apiVersion": "batch/v1", "kind": "Job", "metadata": meta, "spec": {"template": template}}
    )


@pytest.fixture(scope="module")
def member(document: Cluster) -> Space:
    """The document's member namespace."""
    return Space(document, "default")


def test_a_sidecar_that_nobody_ends_keeps_the_job_open_and_an_event_says_so(member: Space) -> None:
    member.apply(job("endless", "true"))
    try:
        eventually(
            lambda: "SidecarKeepsRunning" in member.must("describe", "job/endless"),
            what="the event at the Job",
        )
        assert "1/2" in member.must("get", "pods", "-l", "job-name=endless")
        assert "Complete" not in str(member.json("job/endless")["status"].get("conditions"))
    finally:
        member.must("delete", "job/endless", "--wait=false")


def test_work_that_tells_its_sidecar_to_quit_completes(member: Space) -> None:
    member.apply(job("ending", f"until curl -fsS localhost:15021/healthz/ready; do sleep 0.2; done; {QUIT}"))
    try:
        member.wait("job/ending", "condition=Complete")
        (pod,) = member.json("pods", "-l", "job-name=ending")["items"]
        ends = {r["name"]: r["state"]["terminated"]["exitCode"] for r in pod["status"]["containerStatuses"]}
        assert ends == {"work": 0, "istio-proxy": 0}
    finally:
        member.must("delete", "job/ending", "--wait=false")
