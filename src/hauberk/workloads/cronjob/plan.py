"""CronJob → the Job that is due, the Jobs whose time has passed, its status. Pure.

Source: kubernetes pkg/controller/cronjob/cronjob_controllerv2.go (syncCronJob, cleanupFinishedJobs), utils.go
(mostRecentScheduleTime, getJobFromTemplate2).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from hauberk.base.conditions import condition
from hauberk.base.cron import BadSchedule, Every, Schedule, parse
from hauberk.base.refs import Json, Ref, controller_of, ref_of
from hauberk.base.times import epoch, rfc3339
from hauberk.engine.plan import Controller, Note, Plan
from hauberk.kinds.batch.cronjob import KIND, CronJob, filled
from hauberk.ports import Snapshot

JOB = "Job.batch"
SCHEDULED_AT = "batch.kubernetes.io/cronjob-scheduled-timestamp"
MANY = 100  # so many missed times deserve a word
_WINDOWS_S = (3600, 86_400, 32 * 86_400, 5 * 366 * 86_400)


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """A CronJob and its Jobs."""

    raw: Json
    cron: CronJob
    jobs: Sequence[Json]


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """The last time that has passed without a Job, how many there were, and the next."""

    last: float | None
    missed: int
    following: float | None


def observe(snapshot: Snapshot, ref: Ref) -> World | None:
    """Read a CronJob and its Jobs."""
    raw = snapshot.get(ref)
    if raw is None:
        return None
    uid = raw["metadata"]["uid"]
    owned = snapshot.owned_by(uid, (JOB,))
    jobs = [j for j in owned if (controller_of(j) or {}).get("uid") == uid]
    return World(raw=raw, cron=KIND.parse(raw), jobs=tuple(jobs))


def end_of(job: Json) -> str:
    """`Complete` or `Failed`; empty while it works."""
    for kind in ("Complete", "Failed"):
        if (condition(job, kind) or {}).get("status") == "True":
            return kind
    return ""


def plan(world: World, now: float) -> Plan:
    """The next step of a CronJob."""
    old, notes = _surplus(world), _seen(world)
    active = [j for j in world.jobs if not end_of(j) and not j["metadata"].get("deletionTimestamp")]
    status = _status(world, active)
    gone = tuple(ref_of(j) for j in old)
    notes += [Note("SuccessfulDelete", f"Deleted job {j['metadata']['name']}") for j in old]
    if world.cron.spec.suspend:
        return Plan(gone=gone, status=status, notes=tuple(notes))
    try:
        due = find_due(world, now)
    except BadSchedule as error:
        text = f"invalid schedule: {world.cron.spec.schedule} : {error}"
        return Plan(
            gone=gone, status=status, notes=(*notes, Note("UnParseableCronJobSchedule", text, "Warning"))
        )
    wait = None if due.following is None else due.following - now + 0.05
    if due.last is None:
        return Plan(gone=gone, status=status, notes=tuple(notes), retry_after=wait)
    return _start(
        world, due, active, Plan(gone=gone, status=status, notes=tuple(notes), retry_after=wait), now
    )


def find_due(world: World, now: float) -> Due:
    """What has been missed since the last Job, within the starting deadline. Raises BadSchedule."""
    spec, meta = world.cron.spec, world.raw["metadata"]
    schedule = parse(spec.schedule, zone=spec.time_zone or "")
    since = epoch(world.cron.status.last_schedule_time or meta["creationTimestamp"])
    if spec.starting_deadline_seconds is not None:
        since = max(since, now - spec.starting_deadline_seconds)
    missed, at = 0, schedule.after(since)
    while at is not None and at <= now and missed <= MANY:
        missed, at = missed + 1, schedule.after(at)
    return Due(last=_newest(schedule, since, now), missed=missed, following=schedule.after(now))


def _newest(schedule: Schedule | Every, since: float, now: float) -> float | None:
    """The last moment up to now: looked for in growing windows, since there may be millions."""
    if isinstance(schedule, Every):
        times = int((now - int(since)) // schedule.seconds)
        return float(int(since) + times * schedule.seconds) if times > 0 else None
    for window in _WINDOWS_S:
        last, at = None, schedule.after(max(since, now - window))
        while at is not None and at <= now:
            last, at = at, schedule.after(at)
        if last is not None or now - window <= since:
            return last
    return None


def _start(world: World, due: Due, active: Sequence[Json], base: Plan, now: float) -> Plan:
    assert due.last is not None, "something is due"
    spec, notes, gone = world.cron.spec, list(base.notes), base.gone
    if due.missed > MANY:
        text = (
            f"too many missed start times: {due.missed}. Set or decrease .spec.startingDeadlineSeconds or "
            "check clock skew"
        )
        notes.append(Note("TooManyMissedTimes", text, "Warning"))
    if spec.starting_deadline_seconds is not None and due.last + spec.starting_deadline_seconds < now:
        text = f"Missed scheduled time to start a job: {rfc3339(due.last)}"
        return _with(base, notes=(*notes, Note("MissSchedule", text, "Warning")))
    job = make_job(world.raw, due.last)
    status = dict(base.status or {})
    if any(j["metadata"]["name"] == job["metadata"]["name"] for j in world.jobs):
        return _with(base, notes=tuple(notes), status={**status, "lastScheduleTime": rfc3339(due.last)})
    if spec.concurrency_policy == "Forbid" and active:
        text = "Not starting job because prior execution is running and concurrency policy is Forbid"
        return _with(base, notes=(*notes, Note("JobAlreadyActive", text)))
    if spec.concurrency_policy == "Replace":
        gone = (*gone, *(ref_of(j) for j in active))
        notes += [Note("SuccessfulDelete", f"Deleted job {j['metadata']['name']}") for j in active]
    status["lastScheduleTime"] = rfc3339(due.last)
    return Plan(
        create=(job,),
        created=Note("SuccessfulCreate", "Created job {}"),
        gone=gone,
        status=status,
        notes=tuple(notes),
        retry_after=base.retry_after,
    )


def _with(base: Plan, *, notes: tuple[Note, ...], status: Json | None = None) -> Plan:
    return Plan(gone=base.gone, status=status or base.status, notes=notes, retry_after=base.retry_after)


def make_job(cron: Json, at: float) -> Json:
    """The Job of one scheduled time; its name follows from it, so that it is made once."""
    meta, template = cron["metadata"], cron["spec"]["jobTemplate"]
    given = template.get("metadata") or {}
    notes = {**(given.get("annotations") or {}), SCHEDULED_AT: rfc3339(at)}
    made: dict[str, Any] = {"name": f"{meta['name']}-{int(at) // 60}", "namespace": meta["namespace"]}
    if given.get("labels"):
        made["labels"] = dict(given["labels"])
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {**made, "annotations": notes},
        "spec": filled(template),
    }


def _surplus(world: World) -> list[Json]:
    """Ended Jobs beyond the history limits, oldest first."""
    spec, out = world.cron.spec, []
    limits = (("Complete", spec.successful_jobs_history_limit), ("Failed", spec.failed_jobs_history_limit))
    for kind, limit in limits:
        ended = [j for j in world.jobs if end_of(j) == kind]
        ended.sort(key=lambda j: ((j.get("status") or {}).get("startTime") or "", j["metadata"]["name"]))
        if limit is not None:
            out += ended[: max(0, len(ended) - limit)]
    return [j for j in out if not j["metadata"].get("deletionTimestamp")]


def _seen(world: World) -> list[Note]:
    """Jobs that were active when the status was written, and have ended."""
    were = {row.get("uid") for row in world.cron.status.active}
    return [
        Note("SawCompletedJob", f"Saw completed job: {j['metadata']['name']}, condition: {end_of(j)}")
        for j in world.jobs
        if j["metadata"]["uid"] in were and end_of(j)
    ]


def _status(world: World, active: Sequence[Json]) -> dict[str, Any]:
    said = world.cron.status
    status: dict[str, Any] = {"observedGeneration": None}
    if active:
        status["active"] = [_reference(j) for j in active]
    if said.last_schedule_time:
        status["lastScheduleTime"] = said.last_schedule_time
    times = [
        (j.get("status") or {}).get("completionTime") or "" for j in world.jobs if end_of(j) == "Complete"
    ]
    last = max((*times, said.last_successful_time or ""))
    if last:
        status["lastSuccessfulTime"] = last
    return status


def _reference(job: Json) -> dict[str, Any]:
    meta = job["metadata"]
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "name": meta["name"],
        "namespace": meta["namespace"],
        "uid": meta["uid"],
        "resourceVersion": meta.get("resourceVersion", ""),
    }


def wake(job: Json, _: Snapshot) -> Sequence[Ref]:
    """From a Job to its CronJob."""
    owner = controller_of(job)
    if owner is None or owner["kind"] != KIND.name:
        return ()
    return (Ref(KIND.id, job["metadata"].get("namespace", ""), owner["name"]),)


CONTROLLER = Controller(name="cronjob", kind=KIND.id, wakes={JOB: wake}, observe=observe, plan=plan)
"""The Jobs of a CronJob."""
