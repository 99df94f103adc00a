"""Users' kinds join and leave the served API as their definitions are written.

Guarantees: when the write of a definition is answered, its kind is served (or gone) everywhere:
paths, discovery, schemas.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from hauberk.apiserver import refuse
from hauberk.apiserver.catalog import Catalog
from hauberk.apiserver.crd import names, rules
from hauberk.apiserver.crd.kind import Converted, CustomKind, kinds_of
from hauberk.base.apierrors import BadRequest
from hauberk.base.refs import Json
from hauberk.base.times import rfc3339
from hauberk.kinds.meta import Kind
from hauberk.ports import Clock, Snapshot
from hauberk.ports_admission import Admission, Outcome, Request
from hauberk.store import Store

CRD = "CustomResourceDefinition.apiextensions.k8s.io"
FINALIZER = "customresourcecleanup.apiextensions.k8s.io"


class Definitions:
    """The definitions of one cluster."""

    def __init__(
        self, store: Store, catalog: Catalog, clock: Clock, converted: Converted | None = None
    ) -> None:
        self._store, self._catalog, self._clock, self._converted = store, catalog, clock, converted
        self._made: dict[tuple[Any, ...], CustomKind] = {}
        self.refresh()

    def refresh(self) -> None:
        """Serve what the committed definitions say."""
        made: dict[tuple[Any, ...], CustomKind] = {}
        for crd in self._store.snapshot().list(CRD):
            served = any(v.get("served") for v in crd["spec"].get("versions") or ())
            if not served or not names.is_established(crd) or self.own_kind(crd) is not None:
                continue
            key = _key(crd)
            made[key] = self._made.get(key) or kinds_of(crd, self._converted)
        if self._made or made:
            self._made = made
            self._catalog.serve(made.values())

    def own_kind(self, crd: Json) -> Kind[Any] | None:
        """The product's own kind that a definition is about."""
        spec: Json = crd.get("spec") or {}
        wanted: Json = spec.get("names") or {}
        for kind in self._catalog.own:
            if kind.group == spec.get("group") and wanted.get("kind") == kind.name:
                return kind
        return None

    def status_of(self, crd: Json, snapshot: Snapshot) -> dict[str, Any]:
        """What is to stand in the status of a definition."""
        now = rfc3339(self._clock.now())
        group = str((crd.get("spec") or {}).get("group", ""))
        others = [o for o in snapshot.list(CRD) if o["metadata"]["name"] != crd["metadata"].get("name")]
        own = () if self.own_kind(crd) is not None else self._catalog.own
        return names.status_of(crd, names.taken_by(own, others, group), now)

    def admission(self) -> tuple[Admission, ...]:
        """The steps of admission that definitions pass."""
        return (
            Admission(name="definition-names", kinds=(CRD,), admit=self._accept, mutates=True),
            Admission(name="definition-rules", kinds=(CRD,), admit=self._check),
        )

    def _accept(self, request: Request) -> Outcome:
        crd = request.obj or {}
        return Outcome(obj={**crd, "status": self.status_of(crd, request.snapshot)})

    def _check(self, request: Request) -> Outcome:
        crd = request.obj or {}
        try:
            errors = list(rules.problems(crd))
        except (TypeError, AttributeError, KeyError, ValueError) as error:
            raise unreadable("CustomResourceDefinition", error) from error
        if request.old is not None:
            errors += rules.update_problems(request.old, crd)
        if errors:
            raise refuse.invalid(self._catalog.by_id[CRD], crd["metadata"].get("name", ""), errors)
        own = self.own_kind(crd)
        return Outcome(warnings=tuple(_served_already(crd, own))) if own is not None else Outcome()


def unreadable(kind: str, error: Exception) -> BadRequest:
    """A part of the object has another form than its API gives it."""
    text = f'{kind} in version "v1" cannot be handled as a {kind}: json: cannot unmarshal: {error}'
    return BadRequest(text)


def _key(crd: Json) -> tuple[Any, ...]:
    meta, status = crd["metadata"], crd.get("status") or {}
    return (
        meta["uid"],
        meta.get("generation"),
        bool(meta.get("deletionTimestamp")),
        repr(status.get("acceptedNames")),
    )


def _served_already(crd: Json, own: Kind[Any]) -> Iterator[str]:
    yield (
        f"{own.id} is served by Hauberk itself: this definition is kept, but fields, defaults, rules and "
        "columns stay Hauberk's, and deleting it deletes no objects"
    )
    served = {row["name"] for row in (crd.get("spec") or {}).get("versions") or () if row.get("served")}
    missing = sorted(served - set(own.versions))
    if missing:
        yield f"{own.id} is not served in {', '.join(missing)}: use {', '.join(own.versions)}"
