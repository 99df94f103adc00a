"""get, list and watch of resources over HTTP."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from hauberk.apiserver import pages, refuse, selectors, table
from hauberk.apiserver.http import Answer, HttpRequest, NotAcceptable, json_answer
from hauberk.apiserver.options import list_options, revision_of, too_large
from hauberk.apiserver.scale import scale_of
from hauberk.apiserver.target import Target
from hauberk.apiserver.watching import HttpWatch, Lines
from hauberk.base.apierrors import BadRequest
from hauberk.base.refs import Json, Ref
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
        self._store, self._clock, self._lines = store, clock, Lines()

    def get(self, request: HttpRequest, target: Target) -> Answer:
        """One object. NotFound."""
        snapshot = self._store.snapshot()
        if (asked := revision_of(request)) and asked > snapshot.revision:
            raise too_large(asked, snapshot.revision)
        found = snapshot.get(target.ref)
        if found is None:
            raise refuse.not_found(target.kind, target.name)
        if target.subresource == "scale":
            return json_answer(scale_of(found, target.kind.extra.get("scale")))
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
        include = request.query.get("includeObject") or "Metadata"
        if include not in table.INCLUDED:
            raise BadRequest(f"unrecognized includeObject value: {include}")
        now = self._clock.now()
        return table.make_table(target.kind, objects, now, include, meta, headers=headers)

    def list(self, request: HttpRequest, target: Target) -> Answer:
        """All objects of a resource that the selectors take, page by page when asked.

        BadRequest, Invalid, Gone, Timeout.
        """
        asked = list_options(request)
        test = selection(request, target)

        def at(revision: int) -> Sequence[Json] | None:
            objects = self._at(request, target, revision)
            return objects if objects is None or test is None else [o for o in objects if test(o)]

        page, meta = pages.page(at, self._store.snapshot().revision, asked, counted=test is None)
        form = form_of(request.headers.get("accept", ""))
        if form.name == "Table":
            return json_answer(self._table(request, target, [target.shown(o) for o in page], meta))
        if form.name:
            items: list[Any] = [_partial(o) for o in page]
            kind, version = f"{_PARTIAL}List", "meta.k8s.io/v1"
        else:
            items = [target.shown(o) for o in page]
            kind, version = target.kind.list_name, target.api_version
        return json_answer({"kind": kind, "apiVersion": version, "metadata": meta, "items": items})

    def _at(self, request: HttpRequest, target: Target, revision: int) -> Sequence[Json] | None:
        snapshot = self._store.snapshot()
        name = target.name or selectors.only_name(request.query.get("fieldSelector", ""))
        if name and target.namespace and revision == snapshot.revision:
            found = snapshot.get(Ref(target.kind.id, target.namespace, name))
            return () if found is None else (found,)
        return self._store.list_at(target.kind.id, target.namespace or None, revision)

    def watch(self, request: HttpRequest, target: Target) -> HttpWatch:
        """Changes of a resource. BadRequest, Invalid, Timeout."""
        form = form_of(request.headers.get("accept", ""))

        def render(obj: Json) -> Any:
            if form.name == "Table":
                meta = {"resourceVersion": obj["metadata"]["resourceVersion"]}
                return self._table(request, target, [target.shown(obj)], meta)
            return _partial(obj) if form.name else target.shown(obj)

        # A Table says how old an object is, so it is another one each time.
        shared = None if form.name == "Table" else f"{form.name or target.api_version} {target.kind.id}"
        asked = list_options(request, watch=True)
        matches = selection(request, target)
        return HttpWatch(self._store, target, asked, matches, render, self._lines, shared)


def _partial(obj: Json) -> Json:
    return {"kind": _PARTIAL, "apiVersion": "meta.k8s.io/v1", "metadata": obj["metadata"]}


def selection(request: HttpRequest, target: Target) -> Callable[[Json], bool] | None:
    """A test of the selectors and the name that a request gives; None when all objects pass."""
    fields = request.query.get("fieldSelector", "")
    if target.name:  # a watch of one object by its path
        fields = ",".join(filter(None, (fields, f"metadata.name={target.name}")))
    found = [
        selectors.labels(request.query.get("labelSelector", "")),
        selectors.fields(fields, target.kind.id, target.kind.extra.get("selectable", frozenset())),
    ]
    tests = [test for test in found if test is not None]
    if not tests:
        return None
    return lambda obj: all(test(obj) for test in tests)
