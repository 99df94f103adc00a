"""Facts about PEM text, without opinions: who, until when, for what, does the key fit.

RSA, EC and Ed25519 keys are read; PKCS#1, SEC1 and PKCS#8 encodings alike.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.utils import CryptographyDeprecationWarning
from cryptography.x509.oid import NameOID


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateFacts:
    """What one certificate says."""

    subject: str  # RFC 4514
    issuer: str
    common_name: str
    serial: int
    version: int
    not_before: float  # seconds since the epoch
    not_after: float
    dns_names: tuple[str, ...]
    ip_addresses: tuple[str, ...]
    uris: tuple[str, ...]
    san_critical: bool
    is_ca: bool
    key_usage: tuple[str, ...]
    extended_key_usage: tuple[str, ...]
    algorithm: str  # `RSA-2048`, `EC-secp256r1`, `Ed25519`
    fingerprint: str  # SHA-256, hex


def certificates_of(pem: bytes) -> list[x509.Certificate]:
    """Every certificate in the text, in its order. Raises ValueError when there is none.

    The document's `-set_serial 0` is read without a word: what to say of it is for who asked.
    """
    with _unwarned():
        return x509.load_pem_x509_certificates(pem)


def facts_of(pem: bytes) -> list[CertificateFacts]:
    """Facts of every certificate in the text, in its order. Raises ValueError."""
    with _unwarned():
        return [_facts(certificate) for certificate in certificates_of(pem)]


@contextmanager
def _unwarned() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CryptographyDeprecationWarning)
        yield


def _facts(certificate: x509.Certificate) -> CertificateFacts:
    names = _extension(certificate, x509.SubjectAlternativeName)
    alt = names.value if names else None
    basic = _extension(certificate, x509.BasicConstraints)
    extended = _extension(certificate, x509.ExtendedKeyUsage)
    common = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return CertificateFacts(
        subject=certificate.subject.rfc4514_string(),
        issuer=certificate.issuer.rfc4514_string(),
        common_name=str(common[0].value) if common else "",
        serial=certificate.serial_number,
        version=certificate.version.value + 1,
        not_before=certificate.not_valid_before_utc.timestamp(),
        not_after=certificate.not_valid_after_utc.timestamp(),
        dns_names=tuple(alt.get_values_for_type(x509.DNSName)) if alt else (),
        ip_addresses=tuple(str(ip) for ip in alt.get_values_for_type(x509.IPAddress)) if alt else (),
        uris=tuple(alt.get_values_for_type(x509.UniformResourceIdentifier)) if alt else (),
        san_critical=bool(names and names.critical),
        is_ca=bool(basic and basic.value.ca),
        key_usage=_key_usage(certificate),
        extended_key_usage=tuple(oid._name for oid in extended.value) if extended else (),
        algorithm=_algorithm(certificate.public_key()),
        fingerprint=certificate.fingerprint(hashes.SHA256()).hex(),
    )


def _extension(certificate: x509.Certificate, kind: Any) -> Any:
    try:
        return certificate.extensions.get_extension_for_class(kind)
    except (x509.ExtensionNotFound, ValueError):
        return None


_USAGES = (
    "digital_signature", "content_commitment", "key_encipherment", "data_encipherment",
    "key_agreement", "key_cert_sign", "crl_sign",
)  # fmt: skip


def _key_usage(certificate: x509.Certificate) -> tuple[str, ...]:
    found = _extension(certificate, x509.KeyUsage)
    return tuple(name for name in _USAGES if found and getattr(found.value, name))


def _algorithm(key: Any) -> str:
    match key:
        case rsa.RSAPublicKey():
            return f"RSA-{key.key_size}"
        case ec.EllipticCurvePublicKey():
            return f"EC-{key.curve.name}"
        case ed25519.Ed25519PublicKey():
            return "Ed25519"
        case _:
            return type(key).__name__


def key_matches(chain: bytes, key: bytes) -> bool:
    """Whether the key belongs to the first certificate. False also when either cannot be read."""
    form = serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    try:
        private: Any = serialization.load_pem_private_key(key, password=None)
        leaf: Any = certificates_of(chain)[0].public_key()
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return False
    return bool(private.public_key().public_bytes(*form) == leaf.public_bytes(*form))


def is_signed_by(chain: bytes, roots: bytes) -> bool:
    """Whether the chain's certificates lead, signature by signature, to one of the roots."""
    try:
        links, anchors = certificates_of(chain), certificates_of(roots)
    except ValueError:
        return False
    current = links[0]
    for _ in range(len(links) + 1):
        if any(current == anchor or _issued(current, anchor) for anchor in anchors):
            return True
        parent = next((c for c in links if c != current and _issued(current, c)), None)
        if parent is None:
            return False
        current = parent
    return False


def _issued(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(issuer)
    except (InvalidSignature, ValueError, TypeError):
        return False
    return True
