"""What certificates and keys in PEM say. Pure; no key is ever part of an answer."""

from __future__ import annotations

import base64
import binascii
import warnings
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

from hauberk.base.certificates import is_pair
from hauberk.base.refs import Json
from hauberk.checks.world import dig


@dataclass(frozen=True, slots=True)
class Certificate:
    """The facts of one certificate. Times are seconds since the epoch."""

    subject: str
    issuer: str
    common_name: str
    names: tuple[str, ...]  # DNS names of the subjectAltName
    begins: float
    ends: float
    serial: int
    is_authority: bool


@dataclass(frozen=True, slots=True)
class Chain:
    """One or more certificates, the leaf first."""

    certificates: tuple[Certificate, ...]

    @property
    def leaf(self) -> Certificate:
        """The certificate that is served."""
        return self.certificates[0]


def text_of(secret: Json, key: str) -> str:
    """The text of a key of a Secret, of `stringData` or `data`; empty when there is none."""
    plain = dig(secret, ("stringData", key))
    if isinstance(plain, str):
        return plain
    coded = dig(secret, ("data", key))
    try:
        return base64.b64decode(coded, validate=True).decode() if isinstance(coded, str) else ""
    except (binascii.Error, UnicodeDecodeError):
        return ""


def _load(text: str) -> tuple[x509.Certificate, ...]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # serial 0 and the like are findings of ours, not warnings
        try:
            return tuple(x509.load_pem_x509_certificates(text.encode()))
        except ValueError:
            return ()


@lru_cache(maxsize=256)
def chain_of(text: str) -> Chain | None:
    """The certificates of a PEM text, or None when it holds none."""
    found = _load(text) if text else ()
    return Chain(tuple(_facts(c) for c in found)) if found else None


def _facts(cert: x509.Certificate) -> Certificate:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        common = cert.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
        return Certificate(
            subject=cert.subject.rfc4514_string(),
            issuer=cert.issuer.rfc4514_string(),
            common_name=str(common[0].value) if common else "",
            names=_names(cert),
            begins=cert.not_valid_before_utc.timestamp(),
            ends=cert.not_valid_after_utc.timestamp(),
            serial=cert.serial_number,
            is_authority=_is_authority(cert),
        )


def _names(cert: x509.Certificate) -> tuple[str, ...]:
    try:
        found = cert.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (x509.ExtensionNotFound, ValueError):
        return ()
    return tuple(found.get_values_for_type(x509.DNSName))


def _is_authority(cert: x509.Certificate) -> bool:
    try:
        return cert.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except (x509.ExtensionNotFound, ValueError):
        return False


def belongs(chain: str, key: str) -> bool:
    """Whether the key is the leaf's."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return is_pair(chain, key)


def first_break(chain: str, authorities: str) -> str:
    """The first certificate that the next one did not sign, in words; empty when the chain holds.

    A chain may end before its root; with `authorities` (`ca.crt`) its end must be signed by one of them.
    """
    found, roots = _load(chain), _load(authorities) if authorities else ()
    for cert, issuer in pairwise(found):
        if not _signed(cert, issuer):
            return f"{issuer.subject.rfc4514_string()} did not sign {cert.subject.rfc4514_string()}"
    if found and roots and not any(_signed(found[-1], root) for root in roots):
        return f"no certificate of ca.crt signed {found[-1].subject.rfc4514_string()}"
    return ""


def _signed(cert: x509.Certificate, issuer: x509.Certificate) -> bool:
    key = issuer.public_key()
    if not isinstance(key, rsa.RSAPublicKey | ec.EllipticCurvePublicKey):
        return cert.issuer == issuer.subject
    try:
        cert.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True
