"""Who a bearer token is from: a ServiceAccount whose token this cluster signed and whose pod still runs.

A token counts only with our ES256 signature, our issuer, the API's audience, within its time, and
while the ServiceAccount and the pod that it is bound to exist under the same uid.
Source: kubernetes pkg/serviceaccount/jwt.go, claims.go (Validate).
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping
from typing import Any

import orjson
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from hauberk.apiserver.auth import Authenticator
from hauberk.apiserver.request import AUTHENTICATED, User
from hauberk.base.refs import Ref
from hauberk.ports import Clock, Snapshot

_NUMBER_BYTES = 32  # of P-256
_LONGEST = 16 * 1024
_HEAD = {"alg": "ES256", "typ": "JWT"}
_BOUND = (("serviceaccount", "ServiceAccount"), ("pod", "Pod"))


def by_token(key_pem: bytes, issuer: str, snapshot: Callable[[], Snapshot], clock: Clock) -> Authenticator:
    """Authenticate `Authorization: Bearer` by tokens of that key and issuer."""
    key = load_pem_private_key(key_pem, None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise TypeError("tokens are signed with an EC key")
    public = key.public_key()

    def authenticate(headers: Mapping[str, str]) -> User | None:
        scheme, _, token = headers.get("authorization", "").partition(" ")
        claims = claims_of(token.strip(), public) if scheme.lower() == "bearer" else None
        return judge(claims, issuer, snapshot(), clock.now()) if claims else None

    return authenticate


def claims_of(token: str, key: ec.EllipticCurvePublicKey) -> Mapping[str, Any] | None:
    """The claims of a compact JWS that the key has signed, or None. Source: RFC 7515 section 5.2."""
    parts = token.split(".")
    if len(parts) != 3 or len(token) > _LONGEST:
        return None
    try:
        head, body, signature = (_bytes(part) for part in parts)
        if orjson.loads(head) != _HEAD or len(signature) != 2 * _NUMBER_BYTES:
            return None
        r, s = (int.from_bytes(n) for n in (signature[:_NUMBER_BYTES], signature[_NUMBER_BYTES:]))
        key.verify(encode_dss_signature(r, s), f"{parts[0]}.{parts[1]}".encode(), ec.ECDSA(hashes.SHA256()))
        claims = orjson.loads(body)
    except (ValueError, binascii.Error, InvalidSignature):
        return None
    return claims if isinstance(claims, dict) else None


def judge(claims: Mapping[str, Any], issuer: str, snapshot: Snapshot, now: float) -> User | None:
    """The user of signed claims, or None when they do not hold here and now. Pure."""
    if claims.get("iss") != issuer or issuer not in claims.get("aud", ()):
        return None
    if not claims.get("nbf", now + 1) <= now < claims.get("exp", 0):
        return None
    bound = claims.get("kubernetes.io") or {}
    namespace = bound.get("namespace", "")
    for key, kind in _BOUND:
        if key == "pod" and key not in bound:
            continue  # a token that no pod holds
        about = bound.get(key) or {}
        live = snapshot.get(Ref(kind, namespace, about.get("name", "")))
        if live is None or live["metadata"].get("uid") != about.get("uid"):
            return None
    account = bound["serviceaccount"]
    groups = ("system:serviceaccounts", f"system:serviceaccounts:{namespace}", AUTHENTICATED)
    return User(f"system:serviceaccount:{namespace}:{account['name']}", groups, account["uid"])


def _bytes(part: str) -> bytes:
    return base64.b64decode(part + "=" * (-len(part) % 4), altchars=b"-_", validate=True)
