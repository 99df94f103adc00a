"""Calling a webhook over HTTPS: a Service's pods, or a URL.

The API server is a machine of the pod network: it dials the pods behind a Service itself, under the
Service's DNS name, and verifies that name against `caBundle`.

Source: apiserver pkg/util/webhook/{client,serviceresolver}.go, pkg/admission/plugin/webhook.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import orjson

from hauberk.base.refs import Json, Ref
from hauberk.ports import Snapshot

_MOST_BYTES = 3 * 1024 * 1024
_SLICE = "EndpointSlice.discovery.k8s.io"


class CallFailed(Exception):
    """The webhook gave no answer that can be used."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where to call."""

    host: str  # what is dialled
    port: int
    name: str  # what the certificate is verified for, and the Host header
    path: str
    url: str  # as errors show it


def place_of(config: Json, snapshot: Snapshot, timeout_s: float) -> Place:
    """Where a `clientConfig` leads now. CallFailed."""
    if config.get("url"):
        return _of_url(str(config["url"]), timeout_s)
    service: Json = config.get("service") or {}
    namespace, name, port = service.get("namespace", ""), service.get("name", ""), service.get("port") or 443
    path = service.get("path") or "/"
    full = f"{name}.{namespace}.svc"
    url = f"https://{full}:{port}{path}?timeout={timeout_s:g}s"
    host, target = _pod_behind(snapshot, namespace, name, int(port), url)
    return Place(host, target, full, f"{path}?timeout={timeout_s:g}s", url)


def _of_url(text: str, timeout_s: float) -> Place:
    parts = urlsplit(text)
    query = f"{parts.query}&timeout={timeout_s:g}s" if parts.query else f"timeout={timeout_s:g}s"
    url = urlunsplit((parts.scheme, parts.netloc, parts.path or "/", query, ""))
    host = parts.hostname or ""
    return Place(host, parts.port or 443, host, f"{parts.path or '/'}?{query}", url)


def _pod_behind(snapshot: Snapshot, namespace: str, name: str, port: int, url: str) -> tuple[str, int]:
    service = snapshot.get(Ref("Service", namespace, name))
    if service is None:
        raise CallFailed(f'Post "{url}": service "{name}" not found')
    row = next((p for p in service["spec"].get("ports") or () if p.get("port") == port), None)
    if row is None:
        raise CallFailed(f'Post "{url}": no service port {port} found for service "{name}"')
    if service["spec"].get("type") == "ExternalName":
        return str(service["spec"].get("externalName", "")), port
    slices = snapshot.list(_SLICE, namespace, {"kubernetes.io/service-name": name})
    for piece in slices:
        ports = {p.get("name") or "": p.get("port") for p in piece.get("ports") or ()}
        target = ports.get(row.get("name") or "")
        for endpoint in piece.get("endpoints") or ():
            if target and (endpoint.get("conditions") or {}).get("ready", True) and endpoint.get("addresses"):
                return str(endpoint["addresses"][0]), int(target)
    raise CallFailed(f'Post "{url}": no endpoints available for service "{name}"')


@lru_cache(maxsize=64)
def _tls(bundle: str) -> ssl.SSLContext:
    context = ssl.create_default_context(cadata=_pem(bundle) if bundle else None)
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    return context


def _pem(bundle: str) -> str:
    try:
        return base64.b64decode(bundle, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError) as error:
        raise CallFailed("unable to load root certificates: unable to parse bytes as PEM block") from error


async def post(config: Json, snapshot: Snapshot, body: Json, timeout_s: float) -> Any:
    """Send a review and return the answer's JSON. CallFailed."""
    place = place_of(config, snapshot, timeout_s)
    try:
        async with asyncio.timeout(timeout_s):
            code, answer = await _exchange(place, str(config.get("caBundle") or ""), orjson.dumps(body))
    except TimeoutError as error:
        raise CallFailed(f'Post "{place.url}": context deadline exceeded') from error
    except ssl.SSLCertVerificationError as error:
        text = f"tls: failed to verify certificate: x509: {error.verify_message}"
        raise CallFailed(f'Post "{place.url}": {text}') from error
    except (OSError, ValueError, EOFError, asyncio.IncompleteReadError) as error:
        told = f"dial tcp {place.host}:{place.port}: connect: connection refused"
        why = told if isinstance(error, ConnectionRefusedError) else str(error) or type(error).__name__
        raise CallFailed(f'Post "{place.url}": {why}') from error
    if code != 200:
        shown = answer[:512].decode(errors="replace").strip()
        text = f"the server responded with the status code {code}"
        raise CallFailed(f"{text}: {shown}" if shown else f"{text} but did not return more information")
    try:
        return orjson.loads(answer)
    except orjson.JSONDecodeError as error:
        raise CallFailed(f"the answer is not JSON: {error}") from error


async def _exchange(place: Place, bundle: str, body: bytes) -> tuple[int, bytes]:
    """One request on a connection of its own."""
    reader, writer = await asyncio.open_connection(
        place.host, place.port, ssl=_tls(bundle), server_hostname=place.name, limit=_MOST_BYTES
    )
    try:
        head = (
            f"POST {place.path} HTTP/1.1",
            f"Host: {place.name}:{place.port}",
            "User-Agent: kube-apiserver-admission",
            "Content-Type: application/json",
            "Accept: application/json",
            "Connection: close",
            f"Content-Length: {len(body)}",
            "\r\n",
        )
        writer.write("\r\n".join(head).encode() + body)
        await writer.drain()
        return await _answer(reader)
    finally:
        writer.close()


async def _answer(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    first, *lines = head.split("\r\n")
    code = int(first.split(" ")[1])
    headers = {k.strip().lower(): v.strip() for k, _, v in (line.partition(":") for line in lines)}
    return code, await _body(reader, headers)


async def _body(reader: asyncio.StreamReader, headers: Mapping[str, str]) -> bytes:
    if "chunked" in headers.get("transfer-encoding", "").lower():
        return await _chunks(reader)
    if length := headers.get("content-length"):
        return await reader.readexactly(min(int(length), _MOST_BYTES))
    return await reader.read(_MOST_BYTES)


async def _chunks(reader: asyncio.StreamReader) -> bytes:
    out = bytearray()
    while size := int((await reader.readline()).split(b";")[0], 16):
        if len(out) + size > _MOST_BYTES:
            raise ValueError("the answer is too large")
        out += await reader.readexactly(size)
        await reader.readexactly(2)
    return bytes(out)
