"""apiserver-receive-adapter: watches the API as its ServiceAccount and sends an event for every change.

What is there when it begins is not told; a watch that breaks goes on where it was, and only when the API has
forgotten that place does it begin anew, from now on.

Source: knative/eventing pkg/adapter/apiserver/{adapter,delegate}.go, events/events.go.
"""

from __future__ import annotations

import asyncio
import json
import logging
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from hauberk.base.refs import Json
from hauberk.base.times import rfc3339_micro
from hauberk.dataplane.client import NoAnswer
from hauberk.dataplane.kubernetes import ApiFailed, Gone, KubeApi, path_of
from hauberk.dataplane.messages import Answer, Request
from hauberk.dataplane.place import Place
from hauberk.dataplane.roles.sending import extensions_of, now, send
from hauberk.events.contract import Target
from hauberk.events.event import Event
from hauberk.events.filters import compile as compile_filters

log = logging.getLogger(__name__)

VERBS = {"ADDED": "add", "MODIFIED": "update", "DELETED": "delete"}
PREFIX = "dev.knative.apiserver"
_PAUSE_S = 1.0
_LONGEST_PAUSE_S = 30.0


@dataclass(frozen=True, slots=True)
class Watch:
    """One list of objects to follow."""

    path: str
    selector: str


def watches_of(config: Json) -> list[Watch]:
    """What `K_SOURCE_CONFIG` wants to be watched."""
    spaces = [""] if config.get("allNamespaces") else config.get("namespaces") or []
    rows = [(r["gvr"], r.get("selector", "")) for r in config.get("resources") or ()]
    return [
        Watch(path_of(gvr.get("Group", ""), gvr["Version"], gvr["Resource"], space), selector)
        for gvr, selector in rows
        for space in spaces
    ]


def make_event(change: str, obj: Json, config: Json, source: str, id: str, moment: float) -> Event:  # noqa: A002
    """The event of one change; `change` is the watch's word for it."""
    is_reference = config.get("mode") != "Resource"
    meta = obj.get("metadata") or {}
    named = {
        "kind": obj.get("kind", ""),
        "namespace": meta.get("namespace", ""),
        "name": meta.get("name", ""),
        "apiVersion": obj.get("apiVersion", ""),
    }
    data: Any = {k: v for k, v in reference_of(obj, config).items() if v} if is_reference else obj
    return Event(
        {
            "specversion": "1.0",
            "id": id,
            "type": f"{PREFIX}.{'ref' if is_reference else 'resource'}.{VERBS[change]}",
            "source": source,
            "subject": self_link(named),
            "time": rfc3339_micro(moment),
            "datacontenttype": "application/json",
            **{k.lower(): v for k, v in named.items() if v},
        },
        json.dumps(data, separators=(",", ":"), ensure_ascii=False).encode(),
    )


def reference_of(obj: Json, config: Json) -> dict[str, str]:
    """The object by name; with an `owner` in the configuration, its controller.

    Source: events.go, getRef; delegate of a resource with a controller.
    """
    meta = obj.get("metadata") or {}
    owner = controller_of(meta) if config.get("owner") else None
    named = owner or {**obj, "name": meta.get("name", "")}
    return {
        "kind": named.get("kind", ""),
        "namespace": meta.get("namespace", ""),
        "name": named.get("name", ""),
        "apiVersion": named.get("apiVersion", ""),
    }


def controller_of(meta: Json) -> Json | None:
    """The owner that controls the object."""
    owners = meta.get("ownerReferences") or ()
    return next((dict(o) for o in owners if o.get("controller")), None)


def self_link(named: Mapping[str, str]) -> str:
    """The subject: a path in the form of old self links. Source: events.go, createSelfLink."""
    version = named["apiVersion"]
    if "." in version and "/" not in version:
        version = f"{version}/versionUnknown"
    kind = f"{named['kind'].lower()}s"
    return f"/apis/{version}/namespaces/{named['namespace']}/{kind}/{named['name']}"


def is_owned(obj: Json, owner: Json | None) -> bool:
    """Whether the object passes the owner filter. Source: controllerFilter, filter by resource owner."""
    if not owner:
        return True
    found = controller_of(obj.get("metadata") or {})
    wanted = (owner.get("apiVersion"), owner.get("kind"))
    own = (obj.get("apiVersion"), obj.get("kind"))
    return own == wanted or (found is not None and (found.get("apiVersion"), found.get("kind")) == wanted)


async def run(place: Place) -> None:
    """Be the adapter until the process ends."""
    config = json.loads(place.env.get("K_SOURCE_CONFIG", "{}"))
    api = KubeApi(place.env, place.client)
    adapter = Adapter(place, api, config)
    server = await place.serve(adapter.health)
    tasks = [place.tasks.create_task(adapter.follow(watch)) for watch in watches_of(config)]
    await place.stopping.wait()
    for task in tasks:
        task.cancel()
    await place.lame(server)


class Adapter:
    """One source's watches."""

    def __init__(self, place: Place, api: KubeApi, config: Json) -> None:
        self.place, self.api, self.config = place, api, config
        self.target = Target(place.env["K_SINK"], place.env.get("K_CA_CERTS", ""))
        self.extensions = extensions_of(place.env)
        self.passes: Callable[[Event], bool] = compile_filters(config.get("filters") or ())
        self.source = api.base
        self.pause_s = _PAUSE_S

    async def health(self, request: Request) -> Answer:  # noqa: ARG002 - a Handler
        """The port answers anything else with 404."""
        return Answer(404)

    async def follow(self, watch: Watch) -> None:
        """Watch one list for as long as the process lives."""
        revision, pause_s = "", self.pause_s
        while True:
            try:
                revision = revision or await self._begin(watch)
                pause_s = self.pause_s
                async for change in self.api.watch(watch.path, watch.selector, revision):
                    revision = await self._take(change) or revision
            except Gone as error:
                log.warning("%s: changes were missed: %s", watch.path, error)
                revision = ""
            except ApiFailed as error:
                revision = "" if error.status == 410 else revision
                log.error("%s: %s", watch.path, error)
                pause_s = min(pause_s * 2, _LONGEST_PAUSE_S)
            except (NoAnswer, OSError, TimeoutError) as error:
                log.warning("%s: %s; once more", watch.path, error)
                pause_s = min(pause_s * 2, _LONGEST_PAUSE_S)
            await asyncio.sleep(pause_s)

    async def _begin(self, watch: Watch) -> str:
        """The revision from which on changes are told."""
        found = await self.api.ask("GET", f"{watch.path}?limit=1")
        return str(found["metadata"]["resourceVersion"])

    async def _take(self, change: Json) -> str:
        """Send the event of a change; the revision after it."""
        obj, kind = change.get("object") or {}, str(change.get("type"))
        revision = str((obj.get("metadata") or {}).get("resourceVersion", ""))
        if kind not in VERBS or not is_owned(obj, self.config.get("owner")):
            return revision
        event = make_event(kind, obj, self.config, self.source, str(uuid.uuid4()), now())
        event = event.using(**self.extensions)
        if self.passes(event):
            await send(self.place, self.target, event)
        return revision
