"""The one way of every write: default → mutate → validate → admit → store.

Guarantees: between reading the current object and ordering the write nothing else runs, so
decisions are never stale; a write that changes nothing stores nothing; an awaited write is
committed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import orjson

from hauberk.apiserver import deletion, managers, metadata, refuse
from hauberk.apiserver.advice import advise
from hauberk.apiserver.catalog import Catalog
from hauberk.apiserver.deletion import Deletion
from hauberk.apiserver.extensions import Extensions
from hauberk.apiserver.managers import Operation, Writer
from hauberk.apiserver.request import Call, User
from hauberk.apiserver.validation import check_rules, check_structure, normal
from hauberk.base.apierrors import BadRequest
from hauberk.base.fields import FieldError
from hauberk.base.refs import Json, Ref
from hauberk.base.times import rfc3339
from hauberk.kinds.meta import Kind
from hauberk.kinds.shape import kind_shape
from hauberk.ports import Clock
from hauberk.ports_admission import Admission, Request
from hauberk.ports_admission import Operation as Verb
from hauberk.store import Store

_NAMESPACE = "Namespace"
_NAME_TRIES = 8  # KEP-4420
Guard = Callable[[Json, Json | None, User], None]


class Overtaken(Exception):
    """Another write came first while webhooks were asked."""


class Pipeline:
    """Writes to one store."""

    def __init__(
        self,
        store: Store,
        catalog: Catalog,
        admission: Sequence[Admission],
        clock: Clock,
        options: Mapping[str, Any],
        *,
        guard: Guard | None = None,
        extensions: Extensions,
    ) -> None:
        """`guard` refuses what the user may not give to others; `extensions` are what users added."""
        self._guard, self._extensions = guard, extensions
        self._store, self._catalog, self._clock, self._options = store, catalog, clock, options
        self._strict = bool(options.get("strict"))
        self._steps: dict[str, list[Admission]] = {}
        # Mutating steps run before the others, each in table order.
        for step in sorted(admission, key=lambda s: not s.mutates):
            for kind in step.kinds:
                self._steps.setdefault(kind, []).append(step)

    async def create(self, kind: Kind[Any], obj: Json, call: Call) -> Json:
        """Store a new object. AlreadyExists, Invalid, NotFound (its namespace)."""
        kind = kind.stored
        new = self._plain(kind, obj, call)
        if new["metadata"].get("resourceVersion"):
            raise BadRequest("resourceVersion should not be set on objects to be created")
        return await self._create(kind, new, call, "Update")

    async def _create(self, kind: Kind[Any], new: dict[str, Any], call: Call, operation: Operation) -> Json:
        said = managers.set_of(_said(kind, new, ""), kind_shape(kind)) if operation == "Apply" else {}
        if "status" in kind.subresources:
            new = {k: v for k, v in new.items() if k != "status"}
        new = dict(new)
        self._extensions.check_create(kind)
        generated = metadata.for_create(kind, new, self._clock.now())
        name, namespace = new["metadata"].get("name", ""), new["metadata"].get("namespace", "")
        if kind.namespaced:
            self._check_namespace(kind, name, namespace)
        new = await self._admit(kind, new, None, call)
        ref = Ref(kind.id, namespace, new["metadata"].get("name", ""))
        for _ in range(_NAME_TRIES if generated else 0):
            if self._store.latest(ref) is None:
                break
            new["metadata"]["name"] = metadata.generated_name(new["metadata"]["generateName"])
            ref = replace(ref, name=new["metadata"]["name"])
        if self._store.latest(ref) is not None:
            raise refuse.already_exists(kind, ref.name)
        writer, now = self._writer(kind, call, operation), rfc3339(self._clock.now())
        if operation == "Apply":
            entries: list[Json] = [writer.entry(said, now)] if said else []
        else:
            entries = managers.after_update((), None, new, writer, kind_shape(kind), now)
        if entries:
            new["metadata"]["managedFields"] = entries
        return await self._commit("ADDED", ref, new, call)

    async def update(self, kind: Kind[Any], obj: Json, call: Call) -> Json:
        """Replace an object, or the part that the subresource covers. NotFound, Conflict, Invalid."""
        kind = kind.stored
        new = self._plain(kind, obj, call)
        meta = new["metadata"]
        ref = Ref(kind.id, meta.get("namespace", "") if kind.namespaced else "", meta.get("name", ""))
        while True:
            live = self._store.latest(ref)
            if live is None:
                raise refuse.not_found(kind, ref.name)
            try:
                return await self._update(kind, ref, dict(new), live, call)
            except Overtaken as error:
                if meta.get("resourceVersion") not in (None, "", "0"):
                    raise refuse.modified(kind, ref.name) from error

    async def _update(self, kind: Kind[Any], ref: Ref, new: dict[str, Any], live: Json, call: Call) -> Json:
        entries = managers.given_entries(new, live)
        metadata.for_update(kind, new, live)
        new = await self._admit(kind, _part(kind, new, live, call.subresource), live, call)
        self._check_current(ref, live)
        writer, now = self._writer(kind, call, "Update"), rfc3339(self._clock.now())
        entries = managers.after_update(entries, live, new, writer, kind_shape(kind), now)
        return await self._replace(kind, ref, new, live, entries, call)

    async def apply(self, kind: Kind[Any], obj: Json, call: Call, *, force: bool) -> Json:
        """Server-side apply. Conflict when another manager owns a field and `force` is not set."""
        while True:
            try:
                return await self._apply(kind.stored, obj, call, force=force)
            except Overtaken:
                continue

    async def _apply(self, kind: Kind[Any], obj: Json, call: Call, *, force: bool) -> Json:
        config = self._plain(kind, obj, call)
        meta = config["metadata"]
        if meta.get("managedFields"):
            raise BadRequest("metadata.managedFields must be nil")
        namespace = meta.get("namespace", "") if kind.namespaced else ""
        ref = Ref(kind.id, namespace, meta.get("name", ""))
        live = self._store.latest(ref)
        if live is None:
            if call.subresource or meta.get("resourceVersion") or meta.get("uid"):
                raise refuse.not_found(kind, ref.name)
            return await self._create(kind, config, call, "Apply")
        said = _said(kind, config, call.subresource)
        now = rfc3339(self._clock.now())
        writer = self._writer(kind, call, "Apply")
        applied = managers.apply(live, said, writer, kind_shape(kind), now, force=force)
        new = managers.with_last_applied(applied.obj, config, writer)
        new["metadata"] = {**new["metadata"], **{k: meta[k] for k in ("uid", "resourceVersion") if k in meta}}
        if all(new.get(k) == v for k, v in live.items()) and len(new) == len(live):
            new = dict(live)  # defaults and admission have seen this very object before
        else:
            metadata.for_update(kind, new, live)
            new = await self._admit(kind, _copy(_part(kind, new, live, call.subresource)), live, call)
            self._check_current(ref, live)
        return await self._replace(kind, ref, new, live, applied.entries, call)

    async def _replace(
        self, kind: Kind[Any], ref: Ref, new: dict[str, Any], live: Json, entries: Sequence[Json], call: Call
    ) -> Json:
        metadata.bump_generation(kind, new, live)
        meta = new["metadata"] = {**new["metadata"], "managedFields": list(entries)}
        if not entries:
            del meta["managedFields"]
        if new == live:
            await self._store.settled(ref)
            return live
        if not metadata.is_finished(new):
            return await self._commit("MODIFIED", ref, new, call)
        return await self._commit("DELETED", ref, new, call)

    async def delete(self, kind: Kind[Any], ref: Ref, asked: Deletion, call: Call) -> tuple[Json, bool]:
        """Begin or finish a deletion; returns the object and whether it is gone."""
        live = self._store.latest(ref)
        if live is None:
            raise refuse.not_found(kind, ref.name)
        self._run_steps("DELETE", kind, None, live, call)
        await self._extensions.validate("DELETE", kind, None, live, call)
        live = self._store.latest(ref) or live
        outcome = deletion.decide(kind, live, asked, self._clock.now())
        if outcome.gone:
            last = {**outcome.obj, "metadata": dict(outcome.obj["metadata"])}
            return await self._commit("DELETED", ref, last, call), True
        if outcome.obj == live:
            await self._store.settled(ref)
            return live, False
        return await self._commit("MODIFIED", ref, outcome.obj, call), False

    async def _commit(self, event: Any, ref: Ref, obj: dict[str, Any], call: Call) -> Json:
        if call.dry_run:
            return obj
        return await self._extensions.write(event, ref, obj)

    def _check_current(self, ref: Ref, live: Json) -> None:
        """Whether an update was decided upon the newest state: webhooks take their time. Overtaken."""
        found = self._store.latest(ref)
        if found is not live and (
            found is None or found["metadata"]["resourceVersion"] != live["metadata"]["resourceVersion"]
        ):
            raise Overtaken

    def _plain(self, kind: Kind[Any], obj: Json, call: Call) -> dict[str, Any]:
        """A copy of its own, as JSON would carry it."""
        copied = _copy(obj)
        if not isinstance(copied.get("metadata"), dict):
            copied["metadata"] = {}
        advise(kind, copied, call, strict=self._strict)
        return normal(kind, copied)

    async def _admit(
        self, kind: Kind[Any], new: dict[str, Any], live: Json | None, call: Call
    ) -> dict[str, Any]:
        """Defaults, mutating steps, rules, then the other steps. Returns the object to store.

        Waits only for webhooks; without one nothing else runs meanwhile.

        Deviation: of a write through a subresource of a built-in kind only the structure is checked.
        """
        check_structure(kind, new)
        verb: Verb = "CREATE" if live is None else "UPDATE"
        if call.subresource:
            return await self._admit_part(kind, new, live, call)
        stamped = {k: new["metadata"].get(k) for k in _STAMPED}
        new = kind.default(new)
        new = self._run_steps(verb, kind, new, live, call, mutating=True)
        changed = await self._extensions.mutate(verb, kind, new, live, call)
        if changed is not new:
            new = kind.default(normal(kind, _copy(changed)))
            check_structure(kind, new)
        new["metadata"].update({k: v for k, v in stamped.items() if v is not None})
        problems = list(metadata.check_finalizers(new, live)) if live is not None else []
        if problems:
            raise refuse.invalid(kind, new["metadata"]["name"], problems)
        check_rules(kind, new, live, strict=self._strict)
        if self._guard is not None:
            self._guard(new, live, call.user)
        self._run_steps(verb, kind, new, live, call, mutating=False)
        await self._extensions.validate(verb, kind, new, live, call)
        return new

    async def _admit_part(
        self, kind: Kind[Any], new: dict[str, Any], live: Json | None, call: Call
    ) -> dict[str, Any]:
        """Admit a write through a subresource."""
        changed = await self._extensions.mutate("UPDATE", kind, new, live, call)
        if changed is not new:
            new = normal(kind, _copy(changed))
        if kind.extra.get("custom"):
            new = kind.default(new)
            check_rules(kind, new, live, strict=self._strict)
        await self._extensions.validate("UPDATE", kind, new, live, call)
        return new

    def _run_steps(
        self,
        verb: Verb,
        kind: Kind[Any],
        new: Any,
        live: Json | None,
        call: Call,
        *,
        mutating: bool | None = None,
    ) -> Any:
        about = new if new is not None else live or {}
        for step in self._steps.get(kind.id, ()):
            if verb not in step.operations or (mutating is not None and step.mutates != mutating):
                continue
            outcome = step.admit(
                Request(
                    kind=kind.id,
                    operation=verb,
                    obj=new,
                    old=live,
                    namespace=about["metadata"].get("namespace", ""),
                    subresource=call.subresource,
                    user=call.user.name,
                    snapshot=self._store.snapshot(),
                    options=self._options,
                )
            )
            for text in outcome.warnings:
                call.warn(text)
            if step.mutates and outcome.obj is not None:
                new = _copy(outcome.obj)
        return new

    def _check_namespace(self, kind: Kind[Any], name: str, namespace: str) -> None:
        if not namespace:
            raise BadRequest(f'an empty namespace may not be set during creation of {kind.plural} "{name}"')
        row = self._catalog.by_id.get(_NAMESPACE)
        if row is None:
            return
        found = self._store.latest(Ref(_NAMESPACE, "", namespace))
        if found is None:
            raise refuse.not_found(row, namespace)
        if found["metadata"].get("deletionTimestamp"):
            why = f"unable to create new content in namespace {namespace} because it is being terminated"
            told = f"namespace {namespace} is being terminated"
            cause = FieldError("metadata.namespace", told, "NamespaceTerminating")
            raise refuse.forbidden(kind, name, why, [cause])

    def _writer(self, kind: Kind[Any], call: Call, operation: Operation) -> Writer:
        return Writer(call.manager, operation, call.api_version or kind.api_version, call.subresource)


_STAMPED = ("name", "namespace", "uid", "creationTimestamp", "generation")


_SPARE = 60
"""Levels of the 254 that can be encoded which an object may not use: lists and managed fields nest it."""


def _copy(obj: Json) -> dict[str, Any]:
    wrapped: Any = obj
    for _ in range(_SPARE):
        wrapped = [wrapped]
    try:
        copied = orjson.loads(orjson.dumps(wrapped)[_SPARE:-_SPARE])
    except (TypeError, orjson.JSONDecodeError) as error:
        told = "nested too deeply" if "Recursion" in str(error) else f"not JSON: {error}"
        raise BadRequest(f"the object is {told}") from error
    if not isinstance(copied, dict):
        raise BadRequest("the object is not a JSON object")
    return copied


def _part(kind: Kind[Any], new: Json, live: Json, subresource: str) -> dict[str, Any]:
    """The object after a write through a subresource, which changes its own part only."""
    if subresource == "status":
        kept = {k: v for k, v in live.items() if k not in ("status", "metadata")}
        status = {"status": new["status"]} if "status" in new else {}
        return {**kept, "metadata": dict(live["metadata"]), **status}
    if subresource == "finalize":
        finalizers = (new.get("spec") or {}).get("finalizers") or []
        return {
            **live,
            "metadata": dict(live["metadata"]),
            "spec": {**(live.get("spec") or {}), "finalizers": finalizers},
        }
    if "status" not in kind.subresources:
        return dict(new)
    kept = {k: v for k, v in new.items() if k != "status"}
    return {**kept, "status": live["status"]} if "status" in live else kept


def _said(kind: Kind[Any], config: Json, subresource: str) -> dict[str, Any]:
    """What of an applied object counts for this subresource."""
    if subresource == "status":
        base = {k: config[k] for k in ("apiVersion", "kind", "metadata")}
        base["metadata"] = {k: v for k, v in config["metadata"].items() if k in ("name", "namespace")}
        return {**base, "status": config.get("status") or {}}
    drop = ("status",) if "status" in kind.subresources else ()
    return {k: v for k, v in config.items() if k not in drop}
