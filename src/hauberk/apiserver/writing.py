"""create, update, patch and delete of resources over HTTP."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hauberk.apiserver import patches, refuse, reviews
from hauberk.apiserver.advice import decoding_error
from hauberk.apiserver.catalog import VIRTUAL
from hauberk.apiserver.decode import decode, duplicate_keys
from hauberk.apiserver.deletion import Deletion
from hauberk.apiserver.http import JSON_TYPE, Answer, HttpRequest, json_answer
from hauberk.apiserver.pipeline import Pipeline
from hauberk.apiserver.reading import Reader, selection
from hauberk.apiserver.request import Call
from hauberk.apiserver.scale import scale_of, with_scale
from hauberk.apiserver.strategic import strategic_patch
from hauberk.apiserver.target import Target, check_body
from hauberk.base.apierrors import ApiError, BadRequest, UnsupportedMediaType
from hauberk.base.refs import Json
from hauberk.kinds.shape import kind_shape
from hauberk.store import Store

_MERGE = "application/merge-patch+json"
_JSON_PATCH = "application/json-patch+json"
_STRATEGIC = "application/strategic-merge-patch+json"
_APPLY = "application/apply-patch+yaml"
_POLICIES = ("Background", "Foreground", "Orphan")


class Writer:
    """Answers of writes."""

    def __init__(self, store: Store, pipeline: Pipeline, reader: Reader, *, strict: bool) -> None:
        self._store, self._pipeline, self._reader, self._strict = store, pipeline, reader, strict

    async def create(self, request: HttpRequest, target: Target) -> Answer:
        """POST to a resource, or to a subresource of a pod."""
        if target.name and not target.subresource:
            raise refuse.no_verb("create")
        obj, call = await self._body(request, target)
        if target.subresource:
            return await self._pod_action(request, target, obj, call)
        obj = check_body(target, obj)
        if target.kind.extra.get(VIRTUAL):
            return json_answer(reviews.answer(target.kind.id, obj, request.user), 201)
        stored = await self._pipeline.create(target.kind, obj, call)
        return self._answer(request, target, stored, call, 201)

    async def update(self, request: HttpRequest, target: Target) -> Answer:
        """PUT of an object."""
        obj, call = await self._body(request, target)
        if target.subresource == "scale":
            return await self._scaled(target, lambda _: obj, call)
        stored = await self._pipeline.update(target.kind, check_body(target, obj), call)
        return self._answer(request, target, stored, call)

    async def patch(self, request: HttpRequest, target: Target) -> Answer:
        """PATCH of an object, by the content type's rules."""
        media = request.headers.get("content-type", "").partition(";")[0].strip()
        patch, call = await self._body(request, target)
        if media == _APPLY:
            return await self._apply(request, target, patch, call)
        change = self._change(target, media, patch)
        if target.subresource == "scale":
            return await self._scaled(target, change, call)
        live = self._live(target)
        new = change(target.shown(live))
        _check_same(target, new)
        stored = await self._pipeline.update(target.kind, new, call)
        return self._answer(request, target, stored, call)

    def _change(self, target: Target, media: str, patch: Any) -> Callable[[Json], Any]:
        if media == _JSON_PATCH:
            return lambda live: patches.json_patch(live, patch)
        if media == _MERGE and isinstance(patch, dict):
            return lambda live: patches.merge_patch(live, patch)
        if media == _STRATEGIC and target.kind.builtin and isinstance(patch, dict):
            return lambda live: strategic_patch(live, patch, kind_shape(target.kind))
        if media in (_MERGE, _STRATEGIC) and not isinstance(patch, dict):
            raise BadRequest("json: cannot unmarshal array into Go value of type map[string]interface {}")
        taken = [_JSON_PATCH, _MERGE, *([_STRATEGIC] if target.kind.builtin else []), _APPLY]
        raise UnsupportedMediaType(
            "the body of the request was in an unknown format - accepted media types include: "
            + ", ".join(taken)
        )

    async def _apply(self, request: HttpRequest, target: Target, obj: Any, call: Call) -> Answer:
        if not request.query.get("fieldManager"):
            raise BadRequest(
                'PatchOptions.meta.k8s.io "" is invalid: fieldManager: Required value: '
                "is required for apply patch"
            )
        existed = self._store.latest(target.ref) is not None
        force = request.flag("force")
        if target.subresource == "scale":
            return await self._scaled(target, lambda _: obj, call)
        stored = await self._pipeline.apply(target.kind, check_body(target, obj), call, force=force)
        return self._answer(request, target, stored, call, 200 if existed else 201)

    async def _scaled(self, target: Target, change: Callable[[Json], Any], call: Call) -> Answer:
        live = self._live(target)
        wanted = change(scale_of(live))
        plain = Call(manager=call.manager, user=call.user, dry_run=call.dry_run)
        stored = await self._pipeline.update(target.kind, with_scale(live, wanted), plain)
        return json_answer(scale_of(stored))

    async def _pod_action(self, request: HttpRequest, target: Target, obj: Any, call: Call) -> Answer:
        live = self._live(target)
        plain = Call(manager=call.manager, user=call.user, dry_run=call.dry_run)
        if target.subresource == "binding":
            node = ((obj or {}).get("target") or {}).get("name", "")
            await self._pipeline.update(
                target.kind, {**live, "spec": {**live["spec"], "nodeName": node}}, plain
            )
        elif target.subresource == "eviction":
            asked = _deletion((obj or {}).get("deleteOptions") or {}, request)
            await self._pipeline.delete(target.kind, target.ref, asked, plain)
        else:
            raise refuse.no_verb("create")
        return json_answer(_success(), 201)

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
            return self._answer(request, target, last, call)
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
        for obj in taken:
            meta = obj["metadata"]
            one = Target(target.kind, target.version, meta.get("namespace", ""), meta["name"])
            try:
                await self._pipeline.delete(one.kind, one.ref, asked, call)
            except ApiError as error:
                if error.code != 404:  # somebody else was faster
                    raise
        kind, version = f"{target.kind.name}List", target.api_version
        items = [target.shown(o) for o in taken]
        meta = {"resourceVersion": str(self._store.snapshot().revision)}
        return json_answer({"kind": kind, "apiVersion": version, "metadata": meta, "items": items})

    async def _asked(self, request: HttpRequest, target: Target) -> tuple[Deletion, Call]:
        body = await request.body()
        options = decode(body, request.headers.get("content-type", JSON_TYPE)) if body.strip() else {}
        if not isinstance(options, dict):
            raise BadRequest("DeleteOptions must be an object")
        call = self._call(request, target)
        if options.get("dryRun"):
            call = Call(manager=call.manager, user=call.user, dry_run=True)
        return _deletion(options, request), call

    async def _body(self, request: HttpRequest, target: Target) -> tuple[Any, Call]:
        body = await request.body()
        content_type = request.headers.get("content-type", JSON_TYPE)
        obj = decode(body, content_type)
        call = self._call(request, target)
        if call.field_validation != "Ignore" and (found := duplicate_keys(body)):
            if self._strict and call.field_validation == "Strict" and isinstance(obj, dict):
                raise decoding_error(target.kind, obj, found)
            for text in found:
                call.warn(text)
        return obj, call

    def _call(self, request: HttpRequest, target: Target) -> Call:
        dry_run = request.query.get("dryRun", "")
        if dry_run not in ("", "All"):
            raise BadRequest(f'dryRun: Unsupported value: "{dry_run}": supported values: "All"')
        validation = request.query.get("fieldValidation", "Warn")
        match validation:
            case "Ignore" | "Warn" | "Strict":
                checked = validation
            case _:
                raise BadRequest(
                    f'fieldValidation: Unsupported value: "{validation}": '
                    'supported values: "Ignore", "Warn", "Strict"'
                )
        agent = request.headers.get("user-agent", "unknown").partition("/")[0]
        return Call(
            manager=request.query.get("fieldManager") or agent,
            user=request.user,
            subresource=target.subresource,
            api_version=target.api_version,
            dry_run=bool(dry_run),
            field_validation=checked,
            advise=True,
        )

    def _answer(self, request: HttpRequest, target: Target, obj: Json, call: Call, code: int = 200) -> Answer:
        return json_answer(self._reader.shown(request, target, obj), code, call.warnings)


def _success(details: Json | None = None) -> dict[str, Any]:
    status = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success"}
    return {**status, "details": details} if details else status


def _check_same(target: Target, new: Any) -> None:
    """A patch may not make another object of this one."""
    if not isinstance(new, dict) or not isinstance(new.get("metadata"), dict):
        raise BadRequest("the patched object is unrecognized (must be of type object)")
    check_body(target, new)


def _deletion(options: dict[str, Any], request: HttpRequest) -> Deletion:
    """DeleteOptions from the body, or from the query."""
    policy: Any = options.get("propagationPolicy") or request.query.get("propagationPolicy") or None
    orphan = options.get("orphanDependents")
    if policy is None and orphan is not None:
        policy = "Orphan" if orphan else "Background"
    if policy is not None and policy not in _POLICIES:
        raise BadRequest(
            f'DeleteOptions.meta.k8s.io "" is invalid: propagationPolicy: Unsupported value: "{policy}": '
            'supported values: "Foreground", "Background", "Orphan"'
        )
    grace = options.get("gracePeriodSeconds")
    if grace is None:
        grace = request.number("gracePeriodSeconds")
    given = options.get("preconditions") or {}
    return Deletion(
        grace_s=grace,
        uid=given.get("uid"),
        resource_version=given.get("resourceVersion"),
        propagation=policy,
    )
