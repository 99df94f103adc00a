"""create, update, patch and delete of resources over HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from hauberk.apiserver import patches, refuse
from hauberk.apiserver.advice import decoding_error
from hauberk.apiserver.catalog import VIRTUAL
from hauberk.apiserver.crd.conversion import Conversions
from hauberk.apiserver.decode import decode, duplicate_keys
from hauberk.apiserver.deletion import Deletion
from hauberk.apiserver.http import JSON_TYPE, Answer, HttpRequest, NotBuilt, json_answer
from hauberk.apiserver.pipeline import Pipeline
from hauberk.apiserver.reading import Reader, selection
from hauberk.apiserver.request import Call
from hauberk.apiserver.reviews import Reviews
from hauberk.apiserver.scale import scale_of, with_scale
from hauberk.apiserver.strategic import strategic_patch
from hauberk.apiserver.target import Target, check_body
from hauberk.apiserver.tokens import Tokens
from hauberk.apiserver.write_options import APPLY, call_of, deletion_of
from hauberk.base.apierrors import ApiError, BadRequest, Conflict, NotFound, UnsupportedMediaType
from hauberk.base.refs import Json
from hauberk.kinds.shape import kind_shape
from hauberk.store import Store

_MERGE = "application/merge-patch+json"
_JSON_PATCH = "application/json-patch+json"
_STRATEGIC = "application/strategic-merge-patch+json"
_PATCH_TRIES = 5  # upstream's, for patches that others overtake
_AT_ONCE = 64  # deletions of one collection that wait for the disk together


class Writer:
    """Answers of writes."""

    def __init__(
        self,
        store: Store,
        pipeline: Pipeline,
        reader: Reader,
        reviews: Reviews,
        tokens: Tokens | None,
        *,
        strict: bool,
        conversions: Conversions,
    ) -> None:
        self.conversions = conversions
        self._store, self._pipeline, self._reader, self._strict = store, pipeline, reader, strict
        self._reviews, self._tokens = reviews, tokens

    async def create(self, request: HttpRequest, target: Target) -> Answer:
        """POST to a resource, or to a subresource of a pod."""
        if target.name and not target.subresource:
            raise refuse.no_verb("create")
        obj, call = await self._body(request, target)
        if target.subresource:
            return await self._pod_action(request, target, obj, call)
        obj = check_body(target, obj)
        if target.kind.extra.get(VIRTUAL):
            return json_answer(self._reviews.answer(target.kind.id, obj, request.user), 201)
        kept = await self.conversions.to_stored(target.kind, obj, call)
        stored = await self._pipeline.create(target.kind, kept, call)
        return await self._answer(request, target, stored, call, 201)

    async def update(self, request: HttpRequest, target: Target) -> Answer:
        """PUT of an object."""
        obj, call = await self._body(request, target)
        if target.subresource == "scale":
            return await self._scaled(target, lambda _: obj, call)
        wanted = check_body(target, obj)
        if not target.kind.builtin and wanted["metadata"].get("resourceVersion") in (None, "", "0"):
            raise refuse.unconditional(target.kind, target.name)
        kept = await self.conversions.to_stored(target.kind, wanted, call)
        stored = await self._pipeline.update(target.kind, kept, call)
        return await self._answer(request, target, stored, call)

    async def patch(self, request: HttpRequest, target: Target) -> Answer:
        """PATCH of an object, by the content type's rules."""
        media = request.headers.get("content-type", "").partition(";")[0].strip()
        patch, call = await self._body(request, target)
        if media == APPLY:
            return await self._apply(request, target, patch, call)
        change = self._change(target, media, patch)
        if target.subresource == "scale":
            return await self._scaled(target, change, call)
        for left in reversed(range(_PATCH_TRIES)):
            live = self._live(target)
            await self.conversions.prepare(target.kind, [live], target.version)
            new = change(target.shown(live))
            _check_same(target, new)
            new = await self.conversions.to_stored(target.kind, new, call)
            try:
                stored = await self._pipeline.update(target.kind, new, call)
            except Conflict:
                if not left or self._store.latest(target.ref) is live:
                    raise
                continue  # somebody else wrote while webhooks were asked
            return await self._answer(request, target, stored, call)
        raise AssertionError("the last try returns or raises")

    def _change(self, target: Target, media: str, patch: Any) -> Callable[[Json], Any]:
        if media == _JSON_PATCH:
            return lambda live: patches.json_patch(live, patch)
        if media == _MERGE and isinstance(patch, dict):
            return lambda live: patches.merge_patch(live, patch)
        if media == _STRATEGIC and target.kind.builtin and isinstance(patch, dict):
            return lambda live: strategic_patch(live, patch, kind_shape(target.kind))
        if media in (_MERGE, _STRATEGIC) and not isinstance(patch, dict):
            raise BadRequest("json: cannot unmarshal array into Go value of type map[string]interface {}")
        taken = [_JSON_PATCH, _MERGE, *([_STRATEGIC] if target.kind.builtin else []), APPLY]
        raise UnsupportedMediaType(
            "the body of the request was in an unknown format - accepted media types include: "
            + ", ".join(taken)
        )

    async def _apply(self, request: HttpRequest, target: Target, obj: Any, call: Call) -> Answer:
        existed = self._store.latest(target.ref) is not None
        force = request.flag("force")
        if target.subresource == "scale":
            return await self._scaled(target, lambda _: obj, call)
        said = await self.conversions.to_stored(target.kind, check_body(target, obj), call, whole=False)
        stored = await self._pipeline.apply(target.kind, said, call, force=force)
        return await self._answer(request, target, stored, call, 200 if existed else 201)

    async def _scaled(self, target: Target, change: Callable[[Json], Any], call: Call) -> Answer:
        live = self._live(target)
        paths = target.kind.extra.get("scale")
        wanted = change(scale_of(live, paths))
        plain = Call(manager=call.manager, user=call.user, dry_run=call.dry_run)
        stored = await self._pipeline.update(target.kind, with_scale(live, wanted, paths), plain)
        return json_answer(scale_of(stored, paths))

    async def _pod_action(self, request: HttpRequest, target: Target, obj: Any, call: Call) -> Answer:
        live = self._live(target)
        plain = Call(manager=call.manager, user=call.user, dry_run=call.dry_run)
        if target.subresource == "binding":
            node = ((obj or {}).get("target") or {}).get("name", "")
            await self._pipeline.update(
                target.kind, {**live, "spec": {**live["spec"], "nodeName": node}}, plain
            )
        elif target.subresource == "token":
            return self._token(target, obj)
        elif target.subresource == "eviction":
            asked, dry_run = deletion_of((obj or {}).get("deleteOptions") or {}, request)
            plain = replace(plain, dry_run=dry_run or plain.dry_run, subresource="eviction")
            await self._pipeline.delete(target.kind, target.ref, asked, plain)
        else:
            raise refuse.no_verb("create")
        return json_answer(_success(), 201)

    def _token(self, target: Target, obj: Any) -> Answer:
        if self._tokens is None:
            raise NotBuilt("this API server has no key to sign tokens with")
        if not isinstance(obj, dict):
            raise BadRequest("the object provided is unrecognized (must be of type TokenRequest)")
        return json_answer(self._tokens.issue(target.namespace, target.name, obj), 201)

    def _live(self, target: Target) -> Json:
        found = self._store.latest(target.ref)
        if found is None:
            raise refuse.not_found(target.kind, target.name)
        return found

    async def delete(self, request: HttpRequest, target: Target) -> Answer:
        """DELETE of an object."""
        asked, call = await self._asked(request, target)
        last, gone = await self._pipeline.delete(target.kind, target.ref, asked, call)
        if not gone:
            return await self._answer(request, target, last, call)
        details = {
            "name": target.name,
            **({"group": target.kind.group} if target.kind.group else {}),
            "kind": target.kind.plural,
            "uid": last["metadata"]["uid"],
        }
        return json_answer(_success(details), warnings=call.warnings)

    async def delete_collection(self, request: HttpRequest, target: Target) -> Answer:
        """DELETE of a resource: all its objects that the selectors take."""
        asked, call = await self._asked(request, target)
        test = selection(request, target)
        found = self._store.snapshot().list(target.kind.id, target.namespace or None)
        taken = [o for o in found if test is None or test(o)]
        at_once = asyncio.Semaphore(_AT_ONCE)
        failed: list[ApiError] = []
        async with asyncio.TaskGroup() as group:
            for obj in taken:
                group.create_task(self._delete_one(target, obj, asked, call, at_once, failed))
        if failed:
            raise failed[0]
        kind, version = target.kind.list_name, target.api_version
        await self.conversions.prepare(target.kind, taken, target.version)
        items = [target.shown(o) for o in taken]
        meta = {"resourceVersion": str(self._store.snapshot().revision)}
        return json_answer({"kind": kind, "apiVersion": version, "metadata": meta, "items": items})

    async def _delete_one(
        self,
        target: Target,
        obj: Json,
        asked: Deletion,
        call: Call,
        at_once: asyncio.Semaphore,
        failed: list[ApiError],
    ) -> None:
        meta = obj["metadata"]
        one = Target(target.kind, target.version, meta.get("namespace", ""), meta["name"])
        async with at_once:
            try:
                await self._pipeline.delete(one.kind, one.ref, asked, call)
            except NotFound:
                return  # somebody else was faster
            except ApiError as error:
                failed.append(error)

    async def _asked(self, request: HttpRequest, target: Target) -> tuple[Deletion, Call]:
        body = await request.body()
        options = decode(body, request.headers.get("content-type", JSON_TYPE)) if body.strip() else {}
        asked, dry_run = deletion_of(options, request)
        call = call_of(request, target)
        return asked, replace(call, dry_run=True) if dry_run else call

    async def _body(self, request: HttpRequest, target: Target) -> tuple[Any, Call]:
        body = await request.body()
        content_type = request.headers.get("content-type", JSON_TYPE)
        obj = decode(body, content_type)
        call = call_of(request, target)
        if call.field_validation != "Ignore" and (found := duplicate_keys(body)):
            if self._strict and call.field_validation == "Strict" and isinstance(obj, dict):
                raise decoding_error(target.kind, obj, found)
            for text in found:
                call.warn(text)
        return obj, call

    async def _answer(
        self, request: HttpRequest, target: Target, obj: Json, call: Call, code: int = 200
    ) -> Answer:
        await self.conversions.prepare(target.kind, [obj], target.version)
        return json_answer(self._reader.shown(request, target, obj), code, call.warnings)


def _success(details: Json | None = None) -> dict[str, Any]:
    status = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success"}
    return {**status, "details": details} if details else status


def _check_same(target: Target, new: Any) -> None:
    """A patch may not make another object of this one."""
    if not isinstance(new, dict) or not isinstance(new.get("metadata"), dict):
        raise BadRequest("the patched object is unrecognized (must be of type object)")
    check_body(target, new)
