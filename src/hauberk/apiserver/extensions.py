"""What users add to the API: kinds, webhooks, policies. All of it is data that takes effect when written."""

from __future__ import annotations

from typing import Any

from hauberk.apiserver.catalog import Catalog
from hauberk.apiserver.crd.conversion import Conversions
from hauberk.apiserver.crd.definitions import CRD, Definitions
from hauberk.apiserver.request import Call
from hauberk.apiserver.webhooks.attempt import Attempt, Verb
from hauberk.apiserver.webhooks.chain import MUTATING, VALIDATING, Chain
from hauberk.apiserver.webhooks.policies import BINDING, POLICY, Policies
from hauberk.base.apierrors import MethodNotAllowed
from hauberk.base.refs import Json, Ref
from hauberk.kinds.meta import Kind
from hauberk.ports import Clock
from hauberk.ports_admission import Admission
from hauberk.store import Store


class Extensions:
    """The users' part of one API server."""

    def __init__(self, store: Store, catalog: Catalog, clock: Clock) -> None:
        self._store, self._catalog = store, catalog
        self.conversions = Conversions(store)
        self.definitions = Definitions(store, catalog, clock, self.conversions.converted)
        self._chain = Chain(store)
        self._policies = Policies(store, catalog)

    def admission(self) -> tuple[Admission, ...]:
        """The built-in steps that definitions and policies pass."""
        return (*self.definitions.admission(), *self._policies.admission())

    async def write(self, event: Any, ref: Ref, obj: dict[str, Any]) -> Json:
        """Store an object; what it adds to the API acts when this returns."""
        if (kind := self._catalog.by_id.get(ref.kind)) is None or not kind.extra.get("custom"):
            written = await self._store.write(event, ref, obj)
            self._committed(ref.kind)
            return written
        try:
            await self.conversions.before_write(kind, obj)
            return await self._store.write(event, ref, obj)
        finally:
            self.conversions.after_write(obj)

    def _committed(self, kind: str) -> None:
        if kind == CRD:
            self.definitions.refresh()
        elif kind in (MUTATING, VALIDATING):
            self._chain.refresh()
        elif kind in (POLICY, BINDING):
            self._policies.refresh()

    def check_create(self, kind: Kind[Any]) -> None:
        """Refuse new objects of a kind that goes."""
        if kind.extra.get("terminating"):
            raise MethodNotAllowed("create not allowed while custom resource definition is terminating")

    async def mutate(self, verb: Verb, kind: Kind[Any], obj: Json, old: Json | None, call: Call) -> Json:
        """The object after the mutating webhooks. Denied, Unanswered."""
        if not self._chain.mutates:
            return obj
        return await self._chain.mutate(Attempt(kind, verb, obj, old, call, self._store.snapshot()))

    async def validate(
        self, verb: Verb, kind: Kind[Any], obj: Json | None, old: Json | None, call: Call
    ) -> None:
        """Ask policies, then webhooks. Denied, Unanswered, Forbidden."""
        if not self._policies.any and not self._chain.validates:
            return
        attempt = Attempt(kind, verb, obj, old, call, self._store.snapshot())
        self._policies.check(attempt)
        await self._chain.validate(attempt)
