"""job-sink: a Job for every event.

| request                                               | answer                                           |
|-------------------------------------------------------|--------------------------------------------------|
| POST /NAMESPACE/NAME with an event                    | 202 and Location, once the Job and its event are |
|                                                       | stored; the same event again makes no second Job |
| POST of what is no event; to no JobSink               | 400                                              |
| GET /namespaces/…/name/…/sources/…/ids/… (a Location) | 200 Complete, 400 Failed, 202 while it runs, 404 |

Source: knative/eventing cmd/jobsink/main.go.
"""

from __future__ import annotations

import base64
import copy
import hashlib
import logging
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, unquote

from hauberk.base.names import child_name
from hauberk.base.refs import Json
from hauberk.dataplane.client import NoAnswer
from hauberk.dataplane.kubernetes import ApiFailed, KubeApi, path_of
from hauberk.dataplane.messages import Answer, Request
from hauberk.dataplane.place import Place
from hauberk.events.contract import Contract, Resource, Served
from hauberk.events.event import BadEvent, Event, parse, to_structured

log = logging.getLogger(__name__)

L_ALL, L_NAME, L_ID = (f"sinks.knative.dev/job-sink{end}" for end in ("", "-name", "-id"))
VOLUME, MOUNT = "jobsink-event", "/etc/jobsink-event"
_CONFLICT = 409
_WORDS = ["namespaces", "name", "sources", "ids"]


async def run(place: Place) -> None:
    """Be the job-sink until the process ends."""
    sink = JobSink(place, KubeApi(place.env, place.client))
    await place.obey(sink.apply)
    server = await place.serve(sink.handle)
    await place.stopping.wait()
    await place.lame(server)


def id_of(event: Event) -> str:
    """What tells events apart, as a label's value."""
    text = f"{event.source}-{event.id}"
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def location(resource: Resource, event: Event) -> str:
    """Where the state of the event's Job can be asked for.

    Deviation: source and id are percent-encoded, so that sources with a slash can be asked for, too.
    """
    source, name = quote(event.source, safe=""), quote(event.id, safe="")
    return f"/namespaces/{resource.namespace}/name/{resource.name}/sources/{source}/ids/{name}"


def labels_of(resource: Resource, event: Event) -> dict[str, str]:
    """How the Job of an event is found."""
    return {L_ALL: "true", L_NAME: resource.name, L_ID: id_of(event)}


def make_job(resource: Resource, event: Event) -> dict[str, Any]:
    """The Job of an event: the JobSink's, with the event mounted."""
    job: dict[str, Any] = copy.deepcopy(dict(resource.settings["job"]))
    name = child_name(resource.name, id_of(event))
    said = job.get("metadata") or {}
    owner = {
        "apiVersion": resource.settings["apiVersion"],
        "kind": resource.kind,
        "name": resource.name,
        "uid": resource.uid,
        "controller": True,
        "blockOwnerDeletion": True,
    }
    pod = job.setdefault("spec", {}).setdefault("template", {}).setdefault("spec", {})
    for container in [*(pod.get("containers") or []), *(pod.get("initContainers") or [])]:
        _mount(container)
    volumes = pod.setdefault("volumes", [])
    if not any(v.get("name") == VOLUME for v in volumes):
        volumes.append({"name": VOLUME, "secret": {"secretName": name}})
    metadata = {
        **{k: v for k, v in said.items() if k in ("annotations", "labels")},
        "name": name,
        "namespace": resource.namespace,
        "labels": {**(said.get("labels") or {}), **labels_of(resource, event)},
        "ownerReferences": [owner],
    }
    return {**job, "apiVersion": "batch/v1", "kind": "Job", "metadata": metadata}


def _mount(container: dict[str, Any]) -> None:
    mounts = container.setdefault("volumeMounts", [])
    found = next((m for m in mounts if m.get("name") == VOLUME), None)
    if found is None:
        found = {"name": VOLUME, "mountPath": MOUNT, "readOnly": True}
        mounts.append(found)
    env = container.setdefault("env", [])
    if not any(e.get("name") == "K_EVENT_PATH" for e in env):
        env.append({"name": "K_EVENT_PATH", "value": found["mountPath"]})


def make_secret(job: Json, event: Event) -> dict[str, Any]:
    """The event as the Job's pods find it: a Secret that goes with the Job."""
    meta = job["metadata"]
    owner = {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "name": meta["name"],
        "uid": meta["uid"],
        "controller": True,
        "blockOwnerDeletion": True,
    }
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {
            "name": meta["name"],
            "namespace": meta["namespace"],
            "labels": {k: v for k, v in meta["labels"].items() if k in (L_ALL, L_NAME, L_ID)},
            "ownerReferences": [owner],
        },
        "immutable": True,
        "data": {"event": base64.b64encode(to_structured(event)[1]).decode()},
    }


def state_of(job: Json, where: str) -> Answer:
    """What is told of a Job."""
    for row in (job.get("status") or {}).get("conditions") or ():
        if row.get("status") == "True" and row.get("type") in ("Failed", "Complete"):
            return Answer(400 if row["type"] == "Failed" else 200, {"Reason": row["type"]})
    return Answer(202, {"Location": where})


class JobSink:
    """The JobSinks of the contract by their paths."""

    def __init__(self, place: Place, api: KubeApi) -> None:
        self.place, self.api = place, api
        self.sinks: Mapping[str, Resource] = {}

    async def apply(self, contract: Contract) -> Served:
        """Serve these, and no others."""
        self.sinks = {r.path: r for r in contract.resources}
        return Served(contract.generation, {}, {"sinks": len(self.sinks)})

    async def handle(self, request: Request) -> Answer:
        """One request."""
        path = request.target.partition("?")[0].rstrip("/")
        try:
            if request.method == "GET":
                return await self._tell(path)
            if request.method == "POST" and path.count("/") == 2:
                return await self._take(path, request)
        except (ApiFailed, NoAnswer, OSError) as error:
            log.error("%s: %s", path, error)
            return Answer(500, {}, str(error).encode())
        return Answer(400)

    async def _take(self, path: str, request: Request) -> Answer:
        try:
            event = parse(request.headers, request.body)
        except BadEvent as error:
            return Answer(400, {}, str(error).encode())
        resource = self.sinks.get(path)
        if resource is None:
            return Answer(400, {}, f"no JobSink at {path}".encode())
        job = await self._job(resource, event)
        try:
            secrets = path_of("", "v1", "secrets", resource.namespace)
            await self.api.ask("POST", secrets, make_secret(job, event))
        except ApiFailed as error:
            if error.status != _CONFLICT:
                raise
        self.place.metrics.count("event_count", (("namespace_name", resource.namespace),))
        return Answer(202, {"Location": location(resource, event)})

    async def _job(self, resource: Resource, event: Event) -> Json:
        """The event's Job as it is stored: a new one, or the one of the same event before."""
        wanted = make_job(resource, event)
        jobs = path_of("batch", "v1", "jobs", resource.namespace)
        try:
            found: Json = await self.api.ask("POST", jobs, wanted)
        except ApiFailed as error:
            if error.status != _CONFLICT:
                raise
            found = await self.api.ask("GET", f"{jobs}/{wanted['metadata']['name']}")
        return found

    async def _tell(self, path: str) -> Answer:
        parts = path.split("/")
        if len(parts) != 9 or parts[1::2] != _WORDS:
            return Answer(400)
        namespace, name, source, event_id = map(unquote, parts[2::2])
        event = Event({"source": source, "id": event_id})
        job = child_name(name, id_of(event))
        where = path_of("batch", "v1", "jobs", namespace, job)
        try:
            return state_of(await self.api.ask("GET", where), path)
        except ApiFailed as error:
            if error.status == 404:
                return Answer(404)
            raise
