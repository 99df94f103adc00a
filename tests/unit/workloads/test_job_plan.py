"""A Job's plan: how many pods, when again, how it ends, and that every end is counted once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from hauberk.base.times import rfc3339
from hauberk.kinds.batch.job import KIND
from hauberk.workloads.job import indexes
from hauberk.workloads.job.plan import plan
from hauberk.workloads.job.world import INDEX, TRACKING, World

NOW = 1_767_225_600.0
Raw = dict[str, Any]


def job(status: Raw | None = None, **spec: Any) -> Raw:
    template = {"spec": {"restartPolicy": "Never", "containers": [{"name": "c", "image": "a:1"}]}}
    return KIND.default(
        {
            "apiVersion": "batch/v1",
            "kind": "Job",
            "metadata": {"name": "work", "namespace": "a", "uid": "u"},
            "spec": {"template": template, **spec},
            "status": {"startTime": rfc3339(NOW - 30), **(status or {})},
        }
    )


def pod(
    name: str, phase: str, *, tracked: bool = True, ago: float = 1, index: int | None = None, code: int = 1
) -> Raw:
    ended = {"exitCode": 0 if phase == "Succeeded" else code, "finishedAt": rfc3339(NOW - ago)}
    rows = [{"name": "c", "state": {"terminated": ended}}] if phase in ("Succeeded", "Failed") else []
    meta: Raw = {"name": name, "namespace": "a", "uid": name, "resourceVersion": "1"}
    meta |= {"finalizers": [TRACKING]} if tracked else {}
    meta |= {"annotations": {INDEX: str(index)}} if index is not None else {}
    status = {"phase": phase, "containerStatuses": rows}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "status": status}


def planned(raw: Raw, *pods: Raw) -> Any:
    return plan(World(raw=raw, job=KIND.parse(raw), pods=pods), NOW)


def conditions(raw: Raw, *pods: Raw) -> list[tuple[str, str]]:
    return [(c["type"], c["reason"]) for c in planned(raw, *pods).status.get("conditions") or ()]


@pytest.mark.parametrize(
    ("situation", "spec", "pods", "want"),
    [
        ("nothing yet", {"completions": 5, "parallelism": 2}, [], 2),
        ("fewer are missing than may run", {"completions": 1, "parallelism": 2}, [], 1),
        ("one runs", {"completions": 5, "parallelism": 2}, [pod("a", "Running")], 1),
        ("one has succeeded", {"completions": 2, "parallelism": 2}, [pod("a", "Succeeded")], 1),
        ("a queue", {"parallelism": 3}, [], 3),
        ("a queue of which one is done", {"parallelism": 3}, [pod("a", "Succeeded"), pod("b", "Running")], 0),
        ("a failure waits", {}, [pod("a", "Failed", ago=9)], 0),
        ("a failure has waited", {}, [pod("a", "Failed", ago=11)], 1),
        ("two failures wait twice as long", {}, [pod("a", "Failed", ago=19), pod("b", "Failed", ago=40)], 0),
        ("suspended", {"suspend": True}, [], 0),
    ],
)
def test_pods_to_make(situation: str, spec: Raw, pods: Sequence[Raw], want: int) -> None:
    assert len(planned(job(**spec), *pods).create) == want, situation


def test_an_index_is_made_anew_until_it_succeeds() -> None:
    raw = job(completions=4, parallelism=3, completionMode="Indexed")
    seen = (pod("a", "Succeeded", index=0), pod("b", "Failed", index=1, ago=20), pod("c", "Running", index=2))
    made = planned(raw, *seen)
    assert [p["metadata"]["generateName"] for p in made.create] == ["work-1-", "work-3-"]
    assert made.create[0]["spec"]["hostname"] == "work-1"
    assert made.create[0]["spec"]["containers"][0]["env"][0]["name"] == "JOB_COMPLETION_INDEX"
    assert made.status["completedIndexes"] == "0"


FINAL = {"action": "FailJob", "onExitCodes": {"operator": "In", "values": [42]}}


@pytest.mark.parametrize(
    ("situation", "spec", "seen", "want"),
    [
        ("enough succeeded", {}, pod("a", "Succeeded"), "CompletionsReached"),
        ("failed too often", {"backoffLimit": 0}, pod("a", "Failed"), "BackoffLimitExceeded"),
        ("active too long", {"activeDeadlineSeconds": 30}, pod("a", "Running"), "DeadlineExceeded"),
        (
            "an exit code that a rule calls final",
            {"podFailurePolicy": {"rules": [FINAL]}},
            pod("a", "Failed", code=42),
            "PodFailurePolicy",
        ),
    ],
)
def test_ends(situation: str, spec: Raw, seen: Raw, want: str) -> None:
    first = "SuccessCriteriaMet" if want == "CompletionsReached" else "FailureTarget"
    assert conditions(job(**spec), seen) == [(first, want)], situation


def test_a_failure_that_a_rule_ignores_does_not_count() -> None:
    rule = {"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]}
    lost = pod("a", "Failed")
    lost["status"]["conditions"] = [{"type": "DisruptionTarget", "status": "True"}]
    made = planned(job(backoffLimit=0, podFailurePolicy={"rules": [rule]}), lost)
    assert "conditions" not in made.status
    assert "uncountedTerminatedPods" not in made.status
    assert [ref.name for ref, _ in made.patches] == ["a"]


def test_an_end_is_written_down_then_let_go_then_counted() -> None:
    raw = job(completions=2)
    first = planned(raw, pod("a", "Succeeded"))
    assert first.status["uncountedTerminatedPods"] == {"succeeded": ["a"]}
    assert "succeeded" not in first.status
    assert not first.patches
    noted = job(status=first.status, completions=2)
    second = planned(noted, pod("a", "Succeeded"))
    assert [patch["metadata"]["finalizers"] for _, patch in second.patches] == [None]
    assert second.status["uncountedTerminatedPods"] == {"succeeded": ["a"]}
    for left in ([], [pod("a", "Succeeded", tracked=False)]):
        third = planned(noted, *left)
        assert third.status["succeeded"] == 1
        assert "uncountedTerminatedPods" not in third.status


def test_it_is_complete_only_when_nothing_runs_and_all_is_counted() -> None:
    row = {"type": "SuccessCriteriaMet", "status": "True", "reason": "CompletionsReached", "message": "m"}
    raw = job(status={"conditions": [row], "succeeded": 1})
    running = planned(raw, pod("b", "Running"))
    assert [c["type"] for c in running.status["conditions"]] == ["SuccessCriteriaMet"]
    assert [ref.name for ref in running.gone] == ["b"]
    done = planned(raw)
    assert [c["type"] for c in done.status["conditions"]] == ["SuccessCriteriaMet", "Complete"]
    assert done.status["completionTime"] == rfc3339(NOW)


def test_suspending_stops_pods_without_counting_them_and_resuming_starts_the_clock_anew() -> None:
    stopped = planned(job(suspend=True), pod("a", "Running"))
    assert [ref.name for ref in stopped.gone] == ["a"]
    assert [patch["metadata"]["finalizers"] for _, patch in stopped.patches] == [None]
    assert "startTime" not in stopped.status
    resumed = planned(job(status={"startTime": None, "conditions": stopped.status["conditions"]}))
    assert resumed.status["startTime"] == rfc3339(NOW)
    assert [n.reason for n in resumed.notes] == ["Resumed"]


def test_an_ended_job_goes_when_its_time_has_come() -> None:
    row = {"type": "Complete", "status": "True", "lastTransitionTime": rfc3339(NOW - 5)}
    early = planned(job(status={"conditions": [row]}, ttlSecondsAfterFinished=8))
    assert (early.gone, round(early.retry_after)) == ((), 3)
    late = planned(job(status={"conditions": [row]}, ttlSecondsAfterFinished=5))
    assert [ref.name for ref in late.gone] == ["work"]


def test_work_that_is_done_beside_a_sidecar_that_runs_on_is_told() -> None:
    waiting = pod("a", "Running")
    waiting["status"]["containerStatuses"] = [
        {"name": "c", "state": {"terminated": {"exitCode": 0}}},
        {"name": "istio-proxy", "state": {"running": {}}},
    ]
    (note,) = planned(job(), waiting).notes
    assert (note.reason, note.type) == ("SidecarKeepsRunning", "Warning")


@pytest.mark.parametrize(
    ("text", "values"), [("", set()), ("0-3,5", {0, 1, 2, 3, 5}), ("1,2", {1, 2}), ("7", {7})]
)
def test_indexes(text: str, values: set[int]) -> None:
    assert indexes.read(text) == values
    assert indexes.write(values) == text
