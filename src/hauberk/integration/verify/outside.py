"""Requests from this machine to a service's host, as any client on the Internet sends them.

The connection may be led elsewhere (`Edge`), the name in TLS and in `Host` stays. A certificate without a
subjectAltName is judged by its common name, as curl does it: the document's own has none.
"""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hauberk.integration.verify.judges import Answer

if TYPE_CHECKING:
    import httpx2

PATIENCE_S = 20.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Edge:
    """Where connections go. `address` empty: where DNS says. `roots`: PEM; empty: the system's."""

    address: str = ""
    roots: str = ""


def context_of(roots: str) -> ssl.SSLContext:
    """Verifies with these roots, by the common name where a certificate has nothing else."""
    context = ssl.create_default_context(cadata=roots or None)
    context.hostname_checks_common_name = True
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    return context


@dataclass(frozen=True, slots=True)
class Outside:
    """A client with its connections; `open_` makes one."""

    http: httpx2.AsyncClient
    host: str
    edge: Edge

    async def get(self, path: str = "/") -> Answer:
        """One request. Never raises for a request that fails."""
        import httpx2

        url = f"https://{self.edge.address or self.host}{path}"
        try:
            answer = await self.http.get(
                url, headers={"host": self.host}, extensions={"sni_hostname": self.host}
            )
        except httpx2.HTTPError as error:
            return _failed(error)
        return Answer(status=answer.status_code)


@asynccontextmanager
async def open_(host: str, edge: Edge, *, patience_s: float = PATIENCE_S) -> AsyncIterator[Outside]:
    """A client of one host; its connections are closed at the end."""
    import httpx2

    async with httpx2.AsyncClient(
        verify=context_of(edge.roots), timeout=patience_s, trust_env=False, follow_redirects=False
    ) as http:
        yield Outside(http, host, edge)


def _failed(error: Exception) -> Answer:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return Answer(problem=f"certificate refused: {cause.verify_message}", certificate=True)
        cause = cause.__cause__ or cause.__context__
    said = str(error)
    return Answer(
        problem=f"{type(error).__name__}: {said}" if said else type(error).__name__,
        certificate="CERTIFICATE_VERIFY_FAILED" in said,
    )
