"""A CronJob's plan: what is due, what is too late, what runs already."""

from __future__ import annotations

from typing import Any

import pytest

from hauberk.base.times import epoch
from hauberk.kinds.batch.cronjob import KIND
from hauberk.workloads.cronjob.plan import World, plan

NOW = epoch("2026-11-24T10:00:30Z")
Raw = dict[str, Any]


def cron(last: str = "2026-11-24T09:59:00Z", **spec: Any) -> Raw:
    template = {"spec": {"restartPolicy": "Never", "containers": [{"name": "c", "image": "a:1"}]}}
    return KIND.default(
        {
            "apiVersion": "batch/v1",
            "kind": "CronJob",
            "metadata": {"name": "tick", "namespace": "a", "uid": "u", "creationTimestamp": last},
            "spec": {"schedule": "* * * * *", "jobTemplate": {"spec": {"template": template}}, **spec},
            "status": {"lastScheduleTime": last},
        }
    )


def run(name: str, end: str = "", started: str = "2026-11-24T09:00:00Z") -> Raw:
    rows = [{"type": end, "status": "True"}] if end else []
    meta = {"name": name, "namespace": "a", "uid": name}
    status = {"startTime": started, "completionTime": started, "conditions": rows}
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": meta, "status": status}


def planned(raw: Raw, *jobs: Raw, now: float = NOW) -> Any:
    return plan(World(raw=raw, cron=KIND.parse(raw), jobs=jobs), now)


def test_a_job_is_made_once_for_its_minute_and_the_next_look_is_at_the_next() -> None:
    made = planned(cron())
    (job,) = made.create
    assert job["metadata"]["name"] == f"tick-{int(epoch('2026-11-24T10:00:00Z')) // 60}"
    assert job["spec"]["backoffLimit"] == 6
    assert made.status["lastScheduleTime"] == "2026-11-24T10:00:00Z"
    assert 30 < made.retry_after < 31
    again = planned(cron(), run(job["metadata"]["name"]))
    assert again.create == ()
    assert again.status["lastScheduleTime"] == "2026-11-24T10:00:00Z"


@pytest.mark.parametrize(
    ("situation", "spec", "jobs", "made", "gone", "reason"),
    [
        ("suspended", {"suspend": True}, [], 0, [], None),
        ("allowed beside another", {}, [run("x")], 1, [], None),
        ("forbidden beside another", {"concurrencyPolicy": "Forbid"}, [run("x")], 0, [], "JobAlreadyActive"),
        ("forbidden, but it has ended", {"concurrencyPolicy": "Forbid"}, [run("x", "Complete")], 1, [], None),
        ("instead of another", {"concurrencyPolicy": "Replace"}, [run("x")], 1, ["x"], "SuccessfulDelete"),
        ("too late", {"startingDeadlineSeconds": 20}, [], 0, [], None),
        ("not too late", {"startingDeadlineSeconds": 40}, [], 1, [], None),
    ],
)
def test_policies(
    situation: str, spec: Raw, jobs: list[Raw], made: int, gone: list[str], reason: str | None
) -> None:
    got = planned(cron(**spec), *jobs)
    assert len(got.create) == made, situation
    assert [ref.name for ref in got.gone] == gone, situation
    assert reason is None or reason in [n.reason for n in got.notes], situation


def test_after_a_long_pause_only_the_newest_time_counts() -> None:
    got = planned(cron(last="2024-01-01T00:00:00Z"))
    assert [j["metadata"]["name"] for j in got.create] == [f"tick-{int(NOW) // 60}"]
    assert "TooManyMissedTimes" in [n.reason for n in got.notes]


def test_history_keeps_the_newest_of_each_end() -> None:
    jobs = [run(f"ok-{i}", "Complete", f"2026-11-24T09:0{i}:00Z") for i in range(5)]
    jobs += [run(f"bad-{i}", "Failed", f"2026-11-24T09:0{i}:00Z") for i in range(2)]
    got = planned(cron(suspend=True), *jobs)
    assert [ref.name for ref in got.gone] == ["ok-0", "ok-1", "bad-0"]
    assert got.status["lastSuccessfulTime"] == "2026-11-24T09:04:00Z"


@pytest.mark.parametrize(
    ("spec", "path"),
    [
        ({"schedule": "TZ=UTC * * * * *"}, "spec.schedule"),
        ({"schedule": "* * *"}, "spec.schedule"),
        ({"timeZone": "Mars/Base"}, "spec.timeZone"),
        ({"concurrencyPolicy": "Never"}, "spec.concurrencyPolicy"),
    ],
)
def test_refused(spec: Raw, path: str) -> None:
    assert [e.path for e in KIND.validate(KIND.parse(cron(**spec)))] == [path]
