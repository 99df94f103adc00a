"""Objects of a version that is not the stored one: by a webhook, asked before anybody waits for the answer.

Guarantees: an object is never shown in a version that it was not converted to: a watch that would
have to is ended with 410, and the client lists again.

Source: apiextensions-apiserver pkg/apiserver/conversion/webhook_converter.go.
Deviation: the webhook is asked for every served version when an object is written, not when it is watched.
"""

from __future__ import annotations

import logging
import uuid
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from typing import Any

from hauberk.apiserver import refuse
from hauberk.apiserver.advice import advise
from hauberk.apiserver.crd.definitions import CRD
from hauberk.apiserver.crd.kind import CustomKind
from hauberk.apiserver.crd.shaping import pruned
from hauberk.apiserver.request import Call
from hauberk.apiserver.target import Target
from hauberk.apiserver.webhooks.call import CallFailed, post
from hauberk.base.apierrors import ApiError, Gone
from hauberk.base.refs import Json
from hauberk.kinds.meta import Kind
from hauberk.store import Store

log = logging.getLogger(__name__)

_KEPT = 20_000
_TIMEOUT_S = 30.0


class ConversionFailed(ApiError):
    """The conversion webhook did not convert."""

    code, reason = 500, "InternalError"


class Conversions:
    """What webhooks answered, by the stored object and the version asked for."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._known: OrderedDict[tuple[str, str, str], Json] = OrderedDict()
        # Between the write and its commit an object has no version yet: it is known by itself.
        self._fresh: dict[tuple[int, str], tuple[Json, Json]] = {}

    def converted(self, obj: Json, api_version: str) -> Json | None:
        """The object in a version. None when its kind needs no webhook. Gone when it was not asked for."""
        if not self._webhook(obj):
            return None
        meta = obj["metadata"]
        found = self._known.get((meta.get("uid", ""), meta.get("resourceVersion", ""), api_version))
        if found is None:
            found = self._fresh.get((id(obj), api_version), (obj, None))[1]
        if found is None:
            raise Gone(f"the object has not been converted to {api_version} yet: list again")
        return {**found, "apiVersion": api_version, "metadata": _meta(obj, found)}

    def _webhook(self, obj: Json) -> Json | None:
        group = obj["apiVersion"].partition("/")[0]
        for crd in self._store.snapshot().list(CRD):
            spec: Json = crd["spec"]
            if spec["group"] == group and spec["names"]["kind"] == obj["kind"]:
                conversion: Json = spec.get("conversion") or {}
                hook: Json | None = (
                    conversion.get("webhook") if conversion.get("strategy") == "Webhook" else None
                )
                return hook
        return None

    async def prepare(self, kind: Kind[Any], objects: Iterable[Json], version: str) -> None:
        """Have these stored objects converted. ConversionFailed."""
        wanted = f"{kind.group}/{version}"
        todo = [o for o in objects if o["apiVersion"] != wanted and not self._has(o, wanted)]
        if not todo or not (hook := self._webhook(todo[0])):
            return
        for obj, answer in zip(todo, await self._ask(hook, todo, wanted), strict=True):
            meta = obj["metadata"]
            self._known[meta.get("uid", ""), meta.get("resourceVersion", ""), wanted] = answer
        while len(self._known) > _KEPT:
            self._known.popitem(last=False)

    async def before_read(self, target: Target) -> None:
        """Have converted what a read will show. ConversionFailed."""
        kind = target.kind
        if isinstance(kind, CustomKind) and kind.version != kind.storage:
            snapshot = self._store.snapshot()
            one = snapshot.get(target.ref) if target.name else None
            rows = (
                snapshot.list(kind.id, target.namespace or None) if not target.name else [one] if one else []
            )
            await self.prepare(kind, rows, kind.version)

    def _has(self, obj: Json, wanted: str) -> bool:
        meta = obj["metadata"]
        return (meta.get("uid", ""), meta.get("resourceVersion", ""), wanted) in self._known

    async def before_write(self, kind: Kind[Any], obj: Json) -> None:
        """Have an object converted that is about to be stored, for those who watch it in other versions."""
        if not isinstance(kind, CustomKind) or not (hook := self._webhook(obj)):
            return
        for version in kind.versions:
            wanted = f"{kind.group}/{version}"
            if wanted == obj["apiVersion"]:
                continue
            try:
                answer = (await self._ask(hook, [obj], wanted))[0]
            except ConversionFailed as error:
                log.debug("not converted", extra={"error": error.message})
                return  # those who read that version will be told
            self._fresh[id(obj), wanted] = (obj, answer)

    def after_write(self, obj: Json) -> None:
        """The object has its version now, or was not written."""
        meta = obj["metadata"]
        for key in [k for k in self._fresh if k[0] == id(obj)]:
            _, answer = self._fresh.pop(key)
            self._known[meta.get("uid", ""), meta.get("resourceVersion", ""), key[1]] = answer

    async def to_stored(self, kind: Kind[Any], obj: Json, call: Call, *, whole: bool = True) -> Json:
        """A client's object in the version that is stored. Invalid, ConversionFailed."""
        if not isinstance(kind, CustomKind) or kind.version == kind.storage:
            return obj
        advise(kind, obj, call, strict=False)
        new = kind.incoming(dict(obj)) if whole else pruned(kind.schema, obj)
        errors = list(kind.check(None, new)) if whole and not call.subresource else []
        if errors:
            raise refuse.invalid(kind, obj["metadata"].get("name", ""), errors)
        if hook := self._webhook(obj):
            answer = (await self._ask(hook, [new], kind.api_version))[0]
            return {**answer, "metadata": _meta(obj, answer)}
        stored: Json = pruned(kind.stored.schema, {**new, "apiVersion": kind.api_version})
        return stored

    async def _ask(self, hook: Json, objects: Sequence[Json], wanted: str) -> list[Json]:
        versions = hook.get("conversionReviewVersions") or ["v1"]
        version = next((v for v in versions if v in ("v1", "v1beta1")), "v1")
        uid = str(uuid.uuid4())
        review = {
            "kind": "ConversionReview",
            "apiVersion": f"apiextensions.k8s.io/{version}",
            "request": {"uid": uid, "desiredAPIVersion": wanted, "objects": list(objects)},
        }
        first = objects[0]
        what = f"conversion webhook for {first['apiVersion']}, Kind={first['kind']} failed"
        try:
            answer = await post(hook.get("clientConfig") or {}, self._store.snapshot(), review, _TIMEOUT_S)
        except CallFailed as error:
            raise ConversionFailed(f"{what}: {error}") from error
        return _read(answer, objects, wanted, uid, what)


def _read(answer: Any, objects: Sequence[Json], wanted: str, uid: str, what: str) -> list[Json]:
    response: Json = (answer.get("response") if isinstance(answer, dict) else None) or {}
    if response.get("uid") != uid:
        raise ConversionFailed(f'{what}: expected response.uid="{uid}", got "{response.get("uid", "")}"')
    result: Json = response.get("result") or {}
    if result.get("status") != "Success":
        raise ConversionFailed(f"{what}: {result.get('message') or 'the webhook refused'}")
    made = response.get("convertedObjects") or []
    if len(made) != len(objects):
        raise ConversionFailed(f"{what}: webhook returned {len(made)} objects, expected {len(objects)}")
    for i, obj in enumerate(made):
        if not isinstance(obj, dict) or obj.get("apiVersion") != wanted:
            found = obj.get("apiVersion") if isinstance(obj, dict) else obj
            raise ConversionFailed(
                f"{what}: webhook returned invalid converted object at index {i}: "
                f"invalid groupVersion, expected={wanted}, got={found}"
            )
    return list(made)


def _meta(obj: Json, converted: Json) -> dict[str, Any]:
    """Of the metadata a webhook may change labels and annotations only."""
    theirs: Json = converted.get("metadata") or {}
    kept = {k: v for k, v in obj["metadata"].items() if k not in ("labels", "annotations")}
    return {**kept, **{k: theirs[k] for k in ("labels", "annotations") if theirs.get(k)}}
