"""The Kubernetes API of one cluster: in-process, and as an ASGI application."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from hauberk.apiserver.asgi import Application
from hauberk.apiserver.audit import Audit
from hauberk.apiserver.auth import Authenticator, by_client_certificate
from hauberk.apiserver.catalog import Catalog
from hauberk.apiserver.crd.cleaning import Cleaner
from hauberk.apiserver.extensions import Extensions
from hauberk.apiserver.inprocess import InProcess
from hauberk.apiserver.pipeline import Pipeline
from hauberk.apiserver.rbac.authorizer import Authorizer
from hauberk.apiserver.rbac.escalation import guard
from hauberk.apiserver.reading import Reader
from hauberk.apiserver.reviews import Reviews
from hauberk.apiserver.tokens import Tokens
from hauberk.apiserver.writing import Writer
from hauberk.kinds import KINDS
from hauberk.kinds.meta import Kind
from hauberk.ports import Clock, Doors, LogSource, Meter
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
        tokens: Tokens | None = None,
        doors: Doors | None = None,
        meter: Meter | None = None,
        audit: Audit | None = None,
    ) -> None:
        """Build the server; nothing listens.

        `options`: `strict` refuses unknown fields and defects; admission steps see all of them.
        `authenticators` are asked in order who a request is from; `logs` reads pods' output;
        `tokens` issues and reads ServiceAccounts' tokens; `doors` lead into pods; `meter`
        measures what they use; `audit` is told every request.
        """
        options = options or {}
        catalog = Catalog.of(kinds)
        authorizer = Authorizer(store.snapshot)
        self.extensions = Extensions(store, catalog, clock)
        pipeline = Pipeline(
            store,
            catalog,
            (*admission, *self.extensions.admission()),
            clock,
            options,
            guard=guard(authorizer, store.snapshot),
            extensions=self.extensions,
        )
        self.cleaner = Cleaner(self, self.extensions.definitions, clock)
        super().__init__(store, catalog, pipeline)
        reader = Reader(store, clock)
        reviews = Reviews(authorizer, tokens.user_of if tokens else None)
        writer = Writer(
            store,
            pipeline,
            reader,
            reviews,
            tokens,
            strict=bool(options.get("strict")),
            conversions=self.extensions.conversions,
        )
        self.asgi = Application(
            store, catalog, reader, writer, authenticators, authorizer, logs, doors, meter, audit
        )
