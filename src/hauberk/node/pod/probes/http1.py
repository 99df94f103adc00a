"""A GET as probes and hooks need it: one request on one connection, over asyncio streams.

Follows redirects to the same host as the kubelet does; never verifies a certificate; reads at most 10 KiB
of the body.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urljoin, urlsplit

USER_AGENT = "kube-probe/1.32"
BODY_BYTES = 10 * 1024
MOST_REDIRECTS = 10


class HttpError(Exception):
    """No answer; the text is what an `Unhealthy` event says after the colon."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A response. `location` is set for redirects."""

    status: int
    body: bytes
    location: str = ""
    warning: str = ""


async def get(
    url: str,
    headers: Sequence[tuple[str, str]] = (),
    *,
    timeout_s: float,
    user_agent: str = USER_AGENT,
) -> Answer:
    """GET a URL (http or https). Raises HttpError with Go's words for what went wrong.

    A redirect to another host ends the walk and counts as success, with a warning.
    Source: kubernetes pkg/probe/http/http.go, RedirectChecker.
    """
    try:
        async with asyncio.timeout(timeout_s):
            return await _follow(url, headers, user_agent)
    except TimeoutError:
        said = "context deadline exceeded (Client.Timeout exceeded while awaiting headers)"
        raise HttpError(f'Get "{url}": {said}') from None


async def _follow(url: str, headers: Sequence[tuple[str, str]], user_agent: str) -> Answer:
    here = url
    for _ in range(MOST_REDIRECTS):
        answer = await _once(here, headers, user_agent)
        if not answer.location or not 300 <= answer.status < 400:
            return answer
        there = urljoin(here, answer.location)
        if urlsplit(there).hostname != urlsplit(url).hostname:
            warning = (
                f"Probe terminated redirects, Response body: {answer.body[:200].decode(errors='replace')}"
            )
            return Answer(answer.status, answer.body, warning=warning)
        here = there
    raise HttpError(f'Get "{url}": stopped after 10 redirects')


async def _once(url: str, headers: Sequence[tuple[str, str]], user_agent: str) -> Answer:
    parts = urlsplit(url)
    secure = parts.scheme == "https"
    port = parts.port or (443 if secure else 80)
    host = parts.hostname or ""
    try:
        reader, writer = await asyncio.open_connection(host, port, ssl=_any_certificate() if secure else None)
    except ssl.SSLError as error:
        raise HttpError(f'Get "{url}": tls: {error.reason or error}') from None
    except OSError as error:
        raise HttpError(f'Get "{url}": dial tcp {host}:{port}: {said(error)}') from None
    try:
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        return await exchange(reader, writer, "GET", path, parts.netloc, headers, user_agent)
    except (OSError, EOFError, ValueError) as error:
        raise HttpError(f'Get "{url}": {said(error)}') from None
    finally:
        writer.close()


async def post_unix(path: Path, target: str, *, timeout_s: float) -> Answer:
    """POST without a body over a unix socket (an Envoy's admin interface). Raises HttpError."""
    return await _unix(path, "POST", target, timeout_s)


async def get_unix(path: Path, target: str, *, timeout_s: float) -> Answer:
    """GET over a unix socket. Raises HttpError."""
    return await _unix(path, "GET", target, timeout_s)


async def _unix(path: Path, method: str, target: str, timeout_s: float) -> Answer:
    try:
        async with asyncio.timeout(timeout_s):
            reader, writer = await asyncio.open_unix_connection(str(path))
            try:
                return await exchange(reader, writer, method, target, "localhost", (), USER_AGENT)
            finally:
                writer.close()
    except (OSError, EOFError, ValueError) as error:  # TimeoutError is an OSError
        raise HttpError(f"{method} {target}: {said(error)}") from None


async def exchange(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    method: str,
    target: str,
    host: str,
    headers: Sequence[tuple[str, str]],
    user_agent: str,
) -> Answer:
    """Send one request and read its answer. Raises OSError, EOFError, ValueError."""
    given = {name.lower(): (name, value) for name, value in headers}
    standard = {
        "host": ("Host", host),
        "user-agent": ("User-Agent", user_agent),
        "accept": ("Accept", "*/*"),
        "connection": ("Connection", "close"),
    }
    if method == "POST":
        standard["content-length"] = ("Content-Length", "0")
    lines = [f"{method} {target} HTTP/1.1"]
    # A header that the probe gives without a value takes the standard one away.
    lines += [
        f"{name}: {value}" for name, value in ({**standard, **given}).values() if value or name == "Host"
    ]
    writer.write(("\r\n".join(lines) + "\r\n\r\n").encode("latin-1", errors="replace"))
    await writer.drain()
    status = 100
    while 100 <= status < 200:
        head = await reader.readuntil(b"\r\n\r\n")
        status, fields = parse_head(head)
    body = b"" if status in (204, 304) else await _body(reader, fields)
    return Answer(status, body, fields.get("location", ""))


def parse_head(head: bytes) -> tuple[int, dict[str, str]]:
    """Status and lower-case header fields of a response head. Raises ValueError."""
    first, *rest = head.decode("latin-1").split("\r\n")
    version, _, tail = first.partition(" ")
    if not version.startswith("HTTP/"):
        raise ValueError(f"malformed HTTP response {first[:60]!r}")
    fields = {}
    for line in rest:
        name, colon, value = line.partition(":")
        if colon:
            fields[name.strip().lower()] = value.strip()
    return int(tail[:3]), fields


async def _body(reader: asyncio.StreamReader, fields: dict[str, str]) -> bytes:
    """As much of the body as is shown; its framing beyond that does not matter, the connection ends."""
    length = fields.get("content-length", "")
    wanted = min(int(length), BODY_BYTES) if length.isdigit() else BODY_BYTES
    body = b""
    while len(body) < wanted:
        piece = await reader.read(wanted - len(body))
        if not piece:
            break
        body += piece
        if fields.get("transfer-encoding", "").lower() == "chunked" and body.endswith(b"0\r\n\r\n"):
            break
    return body


def _any_certificate() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def said(error: BaseException) -> str:
    """An error in the words Go has for it."""
    if isinstance(error, ConnectionRefusedError):
        return "connect: connection refused"
    if isinstance(error, ConnectionResetError):
        return "read: connection reset by peer"
    if isinstance(error, TimeoutError):
        return "i/o timeout"
    if isinstance(error, EOFError):
        return "EOF"
    text = getattr(error, "strerror", None) or str(error)
    return text.lower() if isinstance(error, OSError) else text
