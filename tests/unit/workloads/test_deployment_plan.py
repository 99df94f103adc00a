"""A Deployment's plan and status, row by row."""

from __future__ import annotations

from typing import Any

import pytest

from hauberk.base.conditions import condition
from hauberk.base.times import rfc3339
from hauberk.kinds.apps.deployment import KIND
from hauberk.workloads.deployment.make import make_set, template_hash
from hauberk.workloads.deployment.plan import plan
from hauberk.workloads.deployment.world import DESIRED, REVISION, World, set_of

NOW = 1_767_225_600.0
TEMPLATE = {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "c", "image": "a:1"}]}}


def deployment(*conditions: Any, replicas: int = 2, status: Any = None, **spec: Any) -> dict[str, Any]:
    return KIND.default(
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": "web", "namespace": "a", "uid": "u", "annotations": {"of": "me"}},
            "spec": {
                "replicas": replicas,
                "selector": {"matchLabels": {"app": "web"}},
                "template": TEMPLATE,
                **spec,
            },
            "status": {**(status or {}), "conditions": list(conditions)},
        }
    )


def replica_set(
    raw: dict[str, Any], name: str = "web-x", *, exist: int = 2, available: int = 2, revision: int = 1
) -> dict[str, Any]:
    replicas = raw["spec"]["replicas"]
    notes = {REVISION: str(revision), DESIRED: str(replicas)}
    made = make_set(raw, name, "x", replicas, notes)
    status = {"replicas": exist, "readyReplicas": available, "availableReplicas": available}
    return {**made, "status": status}


def planned(raw: dict[str, Any], *sets: dict[str, Any], now: float = NOW) -> Any:
    seen = tuple(set_of(s, s["status"]["replicas"]) for s in sets)
    return plan(World(raw=raw, deployment=KIND.parse(raw), sets=seen), now)


def progressing(status: str, reason: str, age_s: float = 0) -> dict[str, Any]:
    at = rfc3339(NOW - age_s)
    return {"type": "Progressing", "status": status, "reason": reason, "message": "m", "lastUpdateTime": at}


SAME = {"replicas": 2, "updatedReplicas": 2, "readyReplicas": 1, "availableReplicas": 1}


@pytest.mark.parametrize(
    ("situation", "raw", "available", "want"),
    [
        ("paused", deployment(paused=True), 2, ("Unknown", "DeploymentPaused")),
        (
            "no longer paused",
            deployment(progressing("Unknown", "DeploymentPaused")),
            2,
            ("Unknown", "DeploymentResumed"),
        ),
        ("all available", deployment(), 2, ("True", "NewReplicaSetAvailable")),
        (
            "complete, and a pod broke",
            deployment(progressing("True", "NewReplicaSetAvailable"), status=SAME),
            1,
            ("True", "NewReplicaSetAvailable"),
        ),
        ("first look", deployment(), 1, ("True", "ReplicaSetUpdated")),
        (
            "better than before",
            deployment(progressing("True", "ReplicaSetUpdated", 50), status={"replicas": 2}),
            1,
            ("True", "ReplicaSetUpdated"),
        ),
        (
            "no better, in time",
            deployment(progressing("True", "ReplicaSetUpdated", 50), status=SAME),
            1,
            ("True", "ReplicaSetUpdated"),
        ),
        (
            "no better, too late",
            deployment(progressing("True", "ReplicaSetUpdated", 601), status=SAME),
            1,
            ("False", "ProgressDeadlineExceeded"),
        ),
    ],
)
def test_progressing(situation: str, raw: dict[str, Any], available: int, want: tuple[str, str]) -> None:
    got = planned(raw, replica_set(raw, available=available))
    row = condition({"status": got.status}, "Progressing")
    assert row is not None
    assert (row["status"], row["reason"]) == want, situation


def test_a_wait_for_progress_ends_by_itself() -> None:
    raw = deployment(progressing("True", "ReplicaSetUpdated", 50), status=SAME)
    assert planned(raw, replica_set(raw, available=1)).retry_after == 550


def test_the_first_plan_makes_the_set_and_marks_the_revision() -> None:
    raw = deployment()
    got = planned(raw)
    (made,) = got.children
    marker = template_hash(raw["spec"]["template"], 0)
    assert made["metadata"]["name"] == f"web-{marker}"
    assert made["spec"]["selector"]["matchLabels"] == {"app": "web", "pod-template-hash": marker}
    assert made["metadata"]["annotations"]["of"] == "me"
    assert made["spec"]["replicas"] == 2
    (mark,) = got.others
    assert mark["metadata"]["annotations"] == {REVISION: "1"}
    row = condition({"status": got.status}, "Progressing")
    assert row is not None
    assert row["reason"] == "NewReplicaSetCreated"
    assert [n.message for n in got.notes] == [f"Scaled up replica set web-{marker} from 0 to 2"]


def test_a_paused_deployment_scales_but_makes_no_new_set() -> None:
    raw = deployment(paused=True)
    old = replica_set(raw, "web-old")
    old["spec"]["template"] = {**TEMPLATE, "spec": {"containers": [{"name": "c", "image": "a:0"}]}}
    raw["spec"]["replicas"] = 5
    (only,) = planned(raw, old).children
    assert (only["metadata"]["name"], only["spec"]["replicas"]) == ("web-old", 5)


def test_a_hash_that_is_taken_counts_as_a_collision() -> None:
    raw = deployment()
    name = f"web-{template_hash(raw['spec']['template'], 0)}"
    other = replica_set(raw, name)
    other["spec"]["template"] = {**TEMPLATE, "spec": {"containers": []}}
    got = planned(raw, other)
    assert got.status["collisionCount"] == 1
    assert len({c["metadata"]["name"] for c in got.children}) == 2


@pytest.mark.parametrize(("available", "want"), [(2, "True"), (1, "False")])
def test_available_needs_the_minimum(available: int, want: str) -> None:
    raw = deployment()
    got = planned(raw, replica_set(raw, available=available))
    row = condition({"status": got.status}, "Available")
    assert row is not None
    assert row["status"] == want
