"""What the job-sink is told of JobSinks: where their events come in, and which Job to make. Pure."""

from __future__ import annotations

from hauberk.base.refs import Json
from hauberk.eventing.jobsink.plan import ROLE as NAME
from hauberk.eventing.jobsink.plan import path_of
from hauberk.events.contract import Resource
from hauberk.events.roles import Role
from hauberk.kinds.eventing.job_sink import KIND
from hauberk.ports import Snapshot


def resources(snapshot: Snapshot) -> tuple[Resource, ...]:
    """One resource for each JobSink; its Job stands in `settings`."""
    return tuple(
        make_resource(sink)
        for sink in snapshot.list(KIND.id)
        if not sink["metadata"].get("deletionTimestamp")
    )


def make_resource(sink: Json) -> Resource:
    """One JobSink."""
    meta = sink["metadata"]
    return Resource(
        uid=meta["uid"],
        kind="JobSink",
        namespace=meta["namespace"],
        name=meta["name"],
        generation=meta.get("generation", 0),
        path=path_of(sink),
        settings={"job": (sink.get("spec") or {}).get("job") or {}, "apiVersion": sink["apiVersion"]},
    )


ROLE = Role(name=NAME, resources=resources, reads=(KIND.id,), wakes={KIND.id: "jobsink"})
