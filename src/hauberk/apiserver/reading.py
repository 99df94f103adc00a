"""get, list and watch of resources over HTTP."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from hauberk.apiserver import refuse, selectors, table
from hauberk.apiserver.http import Answer, HttpRequest, NotAcceptable, json_answer
from hauberk.apiserver.pages import Pages
from hauberk.apiserver.scale import scale_of
from hauberk.apiserver.target import Target
from hauberk.apiserver.watching import Asked, HttpWatch
from hauberk.base.apierrors import BadRequest
from hauberk.base.refs import Json
from hauberk.ports import Clock
from hauberk.store import Store

_PARTIAL = "PartialObjectMetadata"


@dataclass(frozen=True, slots=True)
class Form:
    """How objects are shown: as themselves, as a Table, or as their metadata only."""

    name: str = ""  # "", "Table", "PartialObjectMetadata" or "PartialObjectMetadataList"


@lru_cache(maxsize=256)
def form_of(accept: str) -> Form:
    """The first form in an Accept header that is served. NotAcceptable."""
    for option in accept.split(",") if accept.strip() else ("*/*",):
        media, *params = (part.strip() for part in option.split(";"))
        given = dict(p.split("=", 1) for p in params if "=" in p)
        if media not in ("application/json", "*/*", "application/*"):
            continue
        wanted = given.get("as", "")
        if not wanted:
            return Form()
        served = wanted in ("Table", _PARTIAL, f"{_PARTIAL}List")
        if served and given.get("g") == "meta.k8s.io" and given.get("v") == "v1":
            return Form(wanted)
    raise NotAcceptable(
        "only the following media types are accepted: application/json, "
        "application/json;as=Table;v=v1;g=meta.k8s.io"
    )


class Reader:
    """Answers of reads from the committed state."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store, self._clock, self._pages = store, clock, Pages()

    def get(self, request: HttpRequest, target: Target) -> Answer:
        """One object. NotFound."""
        found = self._store.snapshot().get(target.ref)
        if found is None:
            raise refuse.not_found(target.kind, target.name)
        if target.subresource == "scale":
            return json_answer(scale_of(found))
        return json_answer(self.shown(request, target, found))

    def shown(self, request: HttpRequest, target: Target, obj: Json) -> Any:
        """An object in the version and form that the client wants."""
        form = form_of(request.headers.get("accept", ""))
        meta = (
            {"resourceVersion": obj["metadata"]["resourceVersion"]}
            if "resourceVersion" in obj["metadata"]
            else {}
        )
        if form.name == "Table":
            return self._table(request, target, [target.shown(obj)], meta)
        if form.name:
            return _partial(obj)
        return target.shown(obj)

    def _table(
        self,
        request: HttpRequest,
        target: Target,
        objects: Sequence[Json],
        meta: Json,
        *,
        headers: bool = True,
    ) -> Any:
        include = request.query.get("includeObject", "Metadata")
        now = self._clock.now()
        return table.make_table(target.kind, objects, now, include, meta, headers=headers)

    def list(self, request: HttpRequest, target: Target) -> Answer:
        """All objects of a resource that the selectors take, page by page when asked. BadRequest, Gone."""
        snapshot = self._store.snapshot()

        def now() -> Sequence[Json]:
            objects = snapshot.list(target.kind.id, target.namespace or None)
            test = selection(request, target)
            return objects if test is None else [o for o in objects if test(o)]

        selectors_given = (request.query.get(name, "") for name in ("labelSelector", "fieldSelector"))
        query = (target.kind.id, target.namespace, *selectors_given)
        limit, token = request.number("limit"), request.query.get("continue", "")
        page, meta = self._pages.page(query, now, snapshot.revision, limit, token)
        form = form_of(request.headers.get("accept", ""))
        if form.name == "Table":
            return json_answer(self._table(request, target, [target.shown(o) for o in page], meta))
        if form.name:
            items: list[Any] = [_partial(o) for o in page]
            kind, version = f"{_PARTIAL}List", "meta.k8s.io/v1"
        else:
            items = [target.shown(o) for o in page]
            kind, version = f"{target.kind.name}List", target.api_version
        return json_answer({"kind": kind, "apiVersion": version, "metadata": meta, "items": items})

    def watch(self, request: HttpRequest, target: Target) -> HttpWatch:
        """Changes of a resource. BadRequest, Gone."""
        form = form_of(request.headers.get("accept", ""))

        def render(obj: Json) -> Any:
            if form.name == "Table":
                meta = {"resourceVersion": obj["metadata"]["resourceVersion"]}
                return self._table(request, target, [target.shown(obj)], meta)
            return _partial(obj) if form.name else target.shown(obj)

        timeout = request.number("timeoutSeconds")
        asked = Asked(
            since=_revision(request),
            initial=request.flag("sendInitialEvents"),
            bookmarks=request.flag("allowWatchBookmarks"),
            timeout_s=float(timeout) if timeout else None,
            matches=selection(request, target),
        )
        return HttpWatch(self._store, target, asked, render)


def _partial(obj: Json) -> Json:
    return {"kind": _PARTIAL, "apiVersion": "meta.k8s.io/v1", "metadata": obj["metadata"]}


def _revision(request: HttpRequest) -> int | None:
    text = request.query.get("resourceVersion", "")
    if not text:
        return None
    if not text.isdecimal():
        raise BadRequest(f'Invalid value: "{text}": strconv.ParseUint: parsing "{text}": invalid syntax')
    return int(text)


def selection(request: HttpRequest, target: Target) -> Callable[[Json], bool] | None:
    """A test of the selectors and the name that a request gives; None when all objects pass."""
    fields = request.query.get("fieldSelector", "")
    if target.name:  # a watch of one object by its path
        fields = ",".join(filter(None, (fields, f"metadata.name={target.name}")))
    found = [
        selectors.labels(request.query.get("labelSelector", "")),
        selectors.fields(fields, target.kind.id),
    ]
    tests = [test for test in found if test is not None]
    if not tests:
        return None
    return lambda obj: all(test(obj) for test in tests)
