"""The Kubernetes API of one cluster: in-process, and as an ASGI application."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from hauberk.apiserver.asgi import Application
from hauberk.apiserver.auth import Authenticator, by_client_certificate
from hauberk.apiserver.catalog import Catalog
from hauberk.apiserver.inprocess import InProcess
from hauberk.apiserver.pipeline import Pipeline
from hauberk.apiserver.reading import Reader
from hauberk.apiserver.writing import Writer
from hauberk.kinds import KINDS
from hauberk.kinds.meta import Kind
from hauberk.ports import Clock, LogSource
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
        authenticators: Sequence[Authenticator] = (by_client_certificate,),
        logs: LogSource | None = None,
    ) -> None:
        """Build the server; nothing listens.

        `options`: `strict` refuses unknown fields and defects; admission steps see all of them.
        `authenticators` are asked in order who a request is from; `logs` reads pods' output.
        """
        options = options or {}
        catalog = Catalog.of(kinds)
        pipeline = Pipeline(store, catalog, admission, clock, options)
        super().__init__(store, catalog, pipeline)
        reader = Reader(store, clock)
        writer = Writer(store, pipeline, reader, strict=bool(options.get("strict")))
        self.asgi = Application(store, catalog, reader, writer, authenticators, logs)
