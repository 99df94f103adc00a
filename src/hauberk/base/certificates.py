"""What can be told of certificates from their text alone. Pure."""

from __future__ import annotations

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat


def is_pair(chain: str, key: str) -> bool:
    """Whether the PEM key belongs to the first certificate of the PEM chain."""
    try:
        leaf = x509.load_pem_x509_certificate(chain.encode()).public_key()
        own = serialization.load_pem_private_key(key.encode(), password=None).public_key()
    except (ValueError, TypeError):
        return False
    form = (Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return leaf.public_bytes(*form) == own.public_bytes(*form)
