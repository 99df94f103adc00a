"""A webhook over HTTPS, for tests: answers what it is told, and remembers what it was asked."""

from __future__ import annotations

import asyncio
import base64
import datetime
import ipaddress
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

Answer = Callable[[Any], Any]


@dataclass
class Webhook:
    """A running webhook. `answer` makes the `response` of a review from its `request`."""

    url: str
    bundle: str  # base64 of its certificate
    answer: Answer
    asked: list[Any] = field(default_factory=list)
    code: int = 200
    delay_s: float = 0.0

    @property
    def client(self) -> dict[str, Any]:
        """The `clientConfig` that leads here."""
        return {"url": self.url, "caBundle": self.bundle}


def certificate(*names: str) -> tuple[bytes, bytes]:
    """A self-signed certificate for these names and its key, PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0])])
    sans: list[x509.GeneralName] = [
        x509.IPAddress(ipaddress.ip_address(n)) if n[0].isdigit() else x509.DNSName(n) for n in names
    ]
    start = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(start + datetime.timedelta(days=36500))
        .add_extension(x509.SubjectAlternativeName(sans), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return made.public_bytes(serialization.Encoding.PEM), private


@asynccontextmanager
async def served(folder: Path, answer: Answer, host: str = "127.0.0.1") -> AsyncIterator[Webhook]:
    """A webhook on a free port of this machine."""
    chain, key = certificate(host, "localhost")
    (folder / "hook.pem").write_bytes(chain + key)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "hook.pem")
    hook = Webhook("", base64.b64encode(chain).decode(), answer)

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await _exchange(hook, reader, writer)
        finally:
            writer.close()

    server = await asyncio.start_server(handle, host, 0, ssl=context)
    hook.url = f"https://{host}:{server.sockets[0].getsockname()[1]}/review"
    try:
        yield hook
    finally:
        server.close()


async def _exchange(hook: Webhook, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    head = (await reader.readuntil(b"\r\n\r\n")).decode()
    length = next(
        int(row.split(":")[1]) for row in head.split("\r\n") if row.lower().startswith("content-length")
    )
    review = orjson.loads(await reader.readexactly(length))
    hook.asked.append(review["request"])
    await asyncio.sleep(hook.delay_s)
    response = {"uid": review["request"]["uid"], **hook.answer(review["request"])}
    body = orjson.dumps({"apiVersion": review["apiVersion"], "kind": review["kind"], "response": response})
    writer.write(f"HTTP/1.1 {hook.code} X\r\ncontent-length: {len(body)}\r\n\r\n".encode() + body)
    await writer.drain()


def patch(*operations: dict[str, Any]) -> dict[str, Any]:
    """An answer that allows a write and changes its object."""
    text = base64.b64encode(orjson.dumps(list(operations))).decode()
    return {"allowed": True, "patchType": "JSONPatch", "patch": text}
