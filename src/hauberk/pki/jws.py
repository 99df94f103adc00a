"""Signed JSON (compact JWS, ES256): how ServiceAccount tokens are written and read.

Source: RFC 7515 sections 5.2 and 7.1, RFC 7518 section 3.4.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.serialization import load_pem_private_key

_NUMBER_BYTES = 32  # of P-256
_LONGEST = 16 * 1024
_HEAD = {"alg": "ES256", "typ": "JWT"}


def signing_key(key_pem: bytes) -> ec.EllipticCurvePrivateKey:
    """The EC P-256 key in a PEM. TypeError when it is another one."""
    key = load_pem_private_key(key_pem, None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise TypeError("tokens are signed with an EC key")
    return key


def signed(claims: Mapping[str, Any], key: ec.EllipticCurvePrivateKey) -> bytes:
    """The claims as a compact JWS."""
    head = _base64(json.dumps(_HEAD, separators=(",", ":")).encode())
    text = head + b"." + _base64(json.dumps(claims, separators=(",", ":")).encode())
    r, s = decode_dss_signature(key.sign(text, ec.ECDSA(hashes.SHA256())))
    return text + b"." + _base64(r.to_bytes(_NUMBER_BYTES, "big") + s.to_bytes(_NUMBER_BYTES, "big"))


def claims_of(token: str, key: ec.EllipticCurvePublicKey) -> Mapping[str, Any] | None:
    """The claims of a compact JWS that the key has signed, or None."""
    parts = token.split(".")
    if len(parts) != 3 or len(token) > _LONGEST:
        return None
    try:
        head, body, signature = (_bytes(part) for part in parts)
        if json.loads(head) != _HEAD or len(signature) != 2 * _NUMBER_BYTES:
            return None
        r, s = (int.from_bytes(n) for n in (signature[:_NUMBER_BYTES], signature[_NUMBER_BYTES:]))
        key.verify(encode_dss_signature(r, s), f"{parts[0]}.{parts[1]}".encode(), ec.ECDSA(hashes.SHA256()))
        claims = json.loads(body)
    except (ValueError, RecursionError, binascii.Error, InvalidSignature):
        return None
    return claims if isinstance(claims, dict) else None


def _base64(data: bytes) -> bytes:
    return base64.urlsafe_b64encode(data).rstrip(b"=")


def _bytes(part: str) -> bytes:
    return base64.b64decode(part + "=" * (-len(part) % 4), altchars=b"-_", validate=True)
