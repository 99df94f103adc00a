"""Subscribers behind TLS, and tokens that come with events."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from tests.wire.dataplane.conftest import Mesh

from hauberk.dataplane.client import Client, NoAnswer
from hauberk.dataplane.tokens import Verifier
from hauberk.events.contract import Contract, Policy, Resource, Target
from hauberk.pki.jws import signed
from hauberk.testing.dataplane import headers_of

pytestmark = pytest.mark.wire
KEY = ec.generate_private_key(ec.SECP256R1())
PUBLIC = (
    KEY.public_key()
    .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    .decode()
)
CLAIMS = {"iss": "https://here", "sub": "system:serviceaccount:ns:a", "aud": ["me"], "exp": 2000, "nbf": 0}


def certificate() -> bytes:
    """A certificate of its own for 127.0.0.1."""
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "subscriber")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(KEY.public_key())
        .serial_number(7)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(KEY, hashes.SHA256())
    )
    return made.public_bytes(serialization.Encoding.PEM)


@pytest.fixture
async def secured(tmp_path: Path) -> AsyncIterator[tuple[str, str]]:
    """A server with TLS: its URL and its certificate."""
    pem = certificate()
    key = KEY.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (tmp_path / "both.pem").write_bytes(key + pem)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "both.pem")

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0, ssl=context)
    yield f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}/", pem.decode()
    server.close()
    await server.wait_closed()
    await asyncio.sleep(0.05)


async def test_a_target_with_its_ca_is_trusted_and_without_it_is_not(secured: tuple[str, str]) -> None:
    url, ca = secured
    client = Client()
    assert (await client.post(url, (), b"", ca=ca)).status == 202
    with pytest.raises(NoAnswer, match="certificate verify failed"):
        await client.post(url, (), b"")
    client.close()


async def test_a_bundle_without_certificates_is_no_answer_and_no_crash() -> None:
    with pytest.raises(NoAnswer):
        await Client().post("https://127.0.0.1:1/", (), b"", ca="nonsense")


def verifier() -> Verifier:
    return Verifier({"issuer": "https://here", "key": PUBLIC})


def test_a_good_token_has_a_subject() -> None:
    token = signed(CLAIMS, KEY).decode()
    assert verifier().subject(token, "me", 1000) == "system:serviceaccount:ns:a"


@pytest.mark.parametrize(
    ("change", "audience", "now", "said"),
    [
        ({}, "you", 1000, "audience"),
        ({}, "me", 3000, "expired"),
        ({"iss": "https://there"}, "me", 1000, "issued by"),
        ({"nbf": 5000}, "me", 1000, "expired"),
    ],
)
def test_a_token_that_does_not_count(change: dict[str, object], audience: str, now: float, said: str) -> None:
    token = signed({**CLAIMS, **change}, KEY).decode()
    with pytest.raises(ValueError, match=said):
        verifier().subject(token, audience, now)


def test_a_token_that_somebody_else_signed() -> None:
    token = signed(CLAIMS, ec.generate_private_key(ec.SECP256R1())).decode()
    with pytest.raises(ValueError, match="signature"):
        verifier().subject(token, "me", 1000)


def test_a_key_that_is_none() -> None:
    with pytest.raises(ValueError, match=r"(?i)pem|key"):
        Verifier({"issuer": "x", "key": "nonsense"})


@pytest.mark.parametrize(
    ("token", "kind", "status"),
    [
        (None, "test.kind", 401),
        ("nonsense", "test.kind", 401),
        ({}, "test.kind", 202),
        ({}, "other.kind", 403),
        ({"sub": "system:serviceaccount:elsewhere:a"}, "test.kind", 403),
        ({"aud": ["you"]}, "test.kind", 401),
    ],
)
async def test_ingress_asks_for_tokens_where_it_is_told_to(
    mesh: Mesh, token: dict[str, object] | str | None, kind: str, status: int
) -> None:
    await mesh.tell()
    policy = Policy(("system:serviceaccount:ns:*",), ({"exact": {"type": "test.kind"}},))
    target = Target(f"{mesh.imc.url}/ns/kne-trigger")
    broker = Resource("b", "Broker", "ns", "default", target=target, policies=(policy,), audience="me")
    settings = {"oidc": {"issuer": "https://here", "key": PUBLIC}}
    served = await mesh.ingress.tell(Contract(9, (broker,), settings))
    assert not served.problems
    headers = headers_of("1", kind)
    if isinstance(token, dict):
        token = signed({**CLAIMS, "exp": 10**11, **token}, KEY).decode()
    if token is not None:
        headers.append(("authorization", f"Bearer {token}"))
    answer = await mesh.client.post(f"{mesh.ingress.url}/ns/default", headers, b"")
    assert answer.status == status, answer.body
