"""The Kubernetes API of one cluster: in-process, and as an ASGI application."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from hauberk.apiserver.catalog import Catalog
from hauberk.apiserver.inprocess import InProcess
from hauberk.apiserver.pipeline import Pipeline
from hauberk.kinds import KINDS
from hauberk.kinds.meta import Kind
from hauberk.ports import Clock
from hauberk.ports_admission import Admission
from hauberk.store import Store


class Server(InProcess):
    """`hauberk.ports.Api` over one store."""

    def __init__(
        self,
        store: Store,
        *,
        clock: Clock,
        kinds: Iterable[Kind[Any]] = KINDS,
        admission: Sequence[Admission] = (),
        options: Mapping[str, Any] | None = None,
    ) -> None:
        catalog = Catalog.of(kinds)
        self.pipeline = Pipeline(store, catalog, admission, clock, options or {})
        super().__init__(store, catalog, self.pipeline)
