"""Making certificates: values in, PEM out. Keys are fresh each time, P-256 unless asked otherwise.

A certificate never outlives its issuer.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, TypeAlias

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from hauberk.ports import KeyPair

DAY_S = 86_400.0
SKEW_S = 120.0  # backdated by this, for clocks that are behind (istiod does the same)

KeyKind: TypeAlias = Literal["rsa-2048", "rsa-3072", "rsa-4096", "ecdsa-p256", "ecdsa-p384"]
_CURVES: dict[str, type[ec.EllipticCurve]] = {"ecdsa-p256": ec.SECP256R1, "ecdsa-p384": ec.SECP384R1}


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What a certificate should say."""

    common_name: str = ""
    organizations: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    ips: tuple[str, ...] = ()
    uris: tuple[str, ...] = ()
    life_s: float = DAY_S
    server: bool = True
    client: bool = True


def new_key(kind: KeyKind = "ecdsa-p256") -> ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey:
    """A fresh key."""
    if curve := _CURVES.get(kind):
        return ec.generate_private_key(curve())
    return rsa.generate_private_key(public_exponent=65537, key_size=int(kind.removeprefix("rsa-")))


def key_pem(key: Any) -> bytes:
    """PKCS#8, not encrypted."""
    return bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )


def _name(common_name: str, organizations: tuple[str, ...]) -> x509.Name:
    rows = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, org) for org in organizations]
    if common_name:
        rows.append(x509.NameAttribute(NameOID.COMMON_NAME, common_name))
    return x509.Name(rows)


def _time(seconds: float) -> datetime:
    return datetime.fromtimestamp(int(seconds), UTC)


def _usage(*, ca: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True, content_commitment=False, key_encipherment=not ca,
        data_encipherment=False, key_agreement=False, key_cert_sign=ca, crl_sign=ca,
        encipher_only=False, decipher_only=False,
    )  # fmt: skip


def authority(
    common_name: str, organization: str, *, now: float, life_s: float, kind: KeyKind = "ecdsa-p256"
) -> KeyPair:
    """A self-signed CA."""
    key = new_key(kind)
    name = _name(common_name, (organization,) if organization else ())
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(_time(now - SKEW_S))
        .not_valid_after(_time(now + life_s))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(_usage(ca=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )
    certificate = builder.sign(key, hashes.SHA256())
    return KeyPair(certificate.public_bytes(serialization.Encoding.PEM), key_pem(key))


class Issuer:
    """A CA's certificate and key, read once. Any key type that can sign."""

    def __init__(self, pair: KeyPair) -> None:
        self.chain = pair.chain
        self.certificate = x509.load_pem_x509_certificate(pair.chain)
        self._key: Any = serialization.load_pem_private_key(pair.key, password=None)

    def issue(self, wanted: Wanted, *, now: float, kind: KeyKind = "ecdsa-p256") -> KeyPair:
        """A new key and its certificate, leaf only; cut short where the issuer ends."""
        key = new_key(kind)
        until = min(_time(now + wanted.life_s), self.certificate.not_valid_after_utc)
        since = max(_time(now - SKEW_S), self.certificate.not_valid_before_utc)
        if until <= since:
            since = until - timedelta(seconds=1)
        builder = (
            x509.CertificateBuilder()
            .subject_name(_name(wanted.common_name, wanted.organizations))
            .issuer_name(self.certificate.subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(since)
            .not_valid_after(until)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(ca=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage(_purposes(wanted)), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False
            )
        )
        if names := _alternatives(wanted):
            # An empty subject makes the alternative name critical (RFC 5280, 4.2.1.6).
            critical = not wanted.common_name and not wanted.organizations
            builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=critical)
        digest = None if isinstance(self._key, ed25519.Ed25519PrivateKey) else hashes.SHA256()
        certificate = builder.sign(self._key, digest)
        return KeyPair(certificate.public_bytes(serialization.Encoding.PEM), key_pem(key))


def request(wanted: Wanted, *, kind: KeyKind) -> KeyPair:
    """A new key and a signing request for another CA; the `chain` of the pair is the request, PEM."""
    key = new_key(kind)
    subject = _name(wanted.common_name, wanted.organizations)
    builder = x509.CertificateSigningRequestBuilder().subject_name(subject)
    if names := _alternatives(wanted):
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    asked = builder.sign(key, hashes.SHA256())
    return KeyPair(asked.public_bytes(serialization.Encoding.PEM), key_pem(key))


def _alternatives(wanted: Wanted) -> list[x509.GeneralName]:
    return [
        *(x509.DNSName(host) for host in wanted.hosts),
        *(x509.IPAddress(ipaddress.ip_address(ip)) for ip in wanted.ips),
        *(x509.UniformResourceIdentifier(uri) for uri in wanted.uris),
    ]


def _purposes(wanted: Wanted) -> list[x509.ObjectIdentifier]:
    rows = [
        (wanted.server, ExtendedKeyUsageOID.SERVER_AUTH),
        (wanted.client, ExtendedKeyUsageOID.CLIENT_AUTH),
    ]
    return [oid for asked, oid in rows if asked]
