"""The Kubernetes API as a pod's ServiceAccount sees it: requests, and watches that go on.

Source: client-go rest/config.go, InClusterConfig (files and environment).
"""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import httptools

from hauberk.base.refs import Json
from hauberk.dataplane.client import Client
from hauberk.dataplane.messages import Answer

ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
_TIMEOUT_S = 30.0
_QUIET_S = 330.0  # a watch ends by itself before
_WATCH_S = 300
_CHUNK = 64 * 1024


class Gone(Exception):
    """The watch cannot go on from where it was: list again."""


class ApiFailed(Exception):
    """The API answered something else than asked for. The text is its message."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


@dataclass
class KubeApi:
    """Requests as one ServiceAccount. `client` carries all but watches."""

    env: Mapping[str, str]
    client: Client
    account: Path = ACCOUNT
    base: str = field(init=False)

    def __post_init__(self) -> None:
        """Know where the API is."""
        host = self.env.get("KUBERNETES_SERVICE_HOST", "kubernetes.default.svc")
        self.host, self.port = host, int(self.env.get("KUBERNETES_SERVICE_PORT", "443"))
        self.base = f"https://{host}:{self.port}"

    @property
    def ca(self) -> str:
        """The authority of the API, PEM."""
        return (self.account / "ca.crt").read_text()

    @property
    def _authorization(self) -> tuple[str, str]:
        return "authorization", f"Bearer {(self.account / 'token').read_text().strip()}"

    def _tls(self) -> ssl.SSLContext | None:
        return ssl.create_default_context(cadata=self.ca)

    async def request(self, method: str, path: str, body: Json | None = None) -> Answer:
        """Any request. Raises NoAnswer."""
        headers = [self._authorization, ("accept", "application/json")]
        if body is not None:
            headers.append(("content-type", "application/json"))
        data = b"" if body is None else json.dumps(body).encode()
        url = f"{self.base}{path}"
        return await self.client.request(method, url, headers, data, timeout_s=_TIMEOUT_S, ca=self.ca)

    async def ask(self, method: str, path: str, body: Json | None = None) -> Any:
        """The decoded answer. Raises NoAnswer; ApiFailed for any status but 2xx."""
        answer = await self.request(method, path, body)
        if not 200 <= answer.status < 300:
            raise ApiFailed(answer.status, message_of(answer))
        return json.loads(answer.body)

    async def watch(self, path: str, selector: str, revision: str) -> AsyncIterator[dict[str, Any]]:
        """The changes after a revision, until the server ends it. Raises OSError, ApiFailed, Gone."""
        query = {"watch": "1", "resourceVersion": revision, "timeoutSeconds": _WATCH_S}
        query |= {"labelSelector": selector} if selector else {}
        context = self._tls()
        name = self.host if context is not None else None
        reader, writer = await asyncio.open_connection(
            self.host, self.port, ssl=context, server_hostname=name
        )
        try:
            header, token = self._authorization
            lines = (f"GET {path}?{urlencode(query)} HTTP/1.1", f"host: {self.host}", f"{header}: {token}")
            writer.write("\r\n".join((*lines, "connection: close", "", "")).encode())
            async for event in _events(reader):
                yield event
        finally:
            writer.close()


async def _events(reader: asyncio.StreamReader) -> AsyncIterator[dict[str, Any]]:
    lines = Lines()
    parser = httptools.HttpResponseParser(lines)
    while not lines.ended:
        async with asyncio.timeout(_QUIET_S):
            data = await reader.read(_CHUNK)
        if not data:
            return
        try:
            parser.feed_data(data)
        except httptools.HttpParserError as error:
            raise ApiFailed(0, f"the answer is not HTTP: {error}") from error
        status = int(parser.get_status_code() or 0)
        if status >= 400:
            if lines.ended:
                raise ApiFailed(status, message_of(Answer(status, {}, lines.rest)))
            continue
        for line in lines.take():
            event = _decoded(line)
            if event.get("type") == "ERROR":
                text = str((event.get("object") or {}).get("message", ""))
                raise Gone(text)
            yield event


def _decoded(line: bytes) -> dict[str, Any]:
    try:
        event = json.loads(line)
    except ValueError as error:
        raise ApiFailed(0, f"a change is not JSON: {error}") from error
    if not isinstance(event, dict):
        raise ApiFailed(0, "a change is not an object")
    return event


class Lines:
    """Collects a body and cuts it into lines."""

    def __init__(self) -> None:
        self.rest = b""
        self.ended = False

    def on_body(self, body: bytes) -> None:
        """A piece of it."""
        self.rest += body

    def on_message_complete(self) -> None:
        """That was all."""
        self.ended = True

    def take(self) -> list[bytes]:
        """The whole lines so far."""
        *whole, self.rest = self.rest.split(b"\n")
        return [line for line in whole if line.strip()]


def message_of(answer: Answer) -> str:
    """What a Status says, or the body."""
    try:
        found = json.loads(answer.body)
    except ValueError:
        return answer.body.decode("utf-8", "replace").strip() or f"HTTP {answer.status}"
    return str(found.get("message", "")) if isinstance(found, dict) else str(found)


def path_of(group: str, version: str, resource: str, namespace: str = "", name: str = "") -> str:
    """The path of a resource, or of one object."""
    root = f"/apis/{group}/{version}" if group else f"/api/{version}"
    where = f"/namespaces/{quote(namespace, safe='')}" if namespace else ""
    return f"{root}{where}/{resource}" + (f"/{quote(name, safe='')}" if name else "")
