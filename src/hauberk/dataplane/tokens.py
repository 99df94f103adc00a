"""Reads ServiceAccount tokens that come with events. Imported only where tokens are asked for.

`settings.oidc` of a contract: `issuer`, and `key`, the PEM of the public key that signs them.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from hauberk.pki.jws import claims_of


class Verifier:
    """Tokens of one issuer. ValueError when its key is none."""

    def __init__(self, oidc: Mapping[str, Any]) -> None:
        self._issuer = str(oidc.get("issuer", ""))
        key = load_pem_public_key(str(oidc.get("key", "")).encode())
        if not isinstance(key, ec.EllipticCurvePublicKey):
            raise ValueError("the tokens' key is not an EC key")
        self._claims = lru_cache(1024)(lambda token: claims_of(token, key))

    def subject(self, token: str, audience: str, now: float) -> str:
        """The subject of a token that counts. ValueError says why it does not."""
        claims = self._claims(token)
        if claims is None:
            raise ValueError("failed to verify signature")
        if claims.get("iss") != self._issuer:
            raise ValueError(f"id token issued by a different provider, expected {self._issuer!r}")
        meant = claims.get("aud")
        if audience not in ([meant] if isinstance(meant, str) else meant or []):
            raise ValueError(f"expected audience {audience!r} got {meant!r}")
        if not float(claims.get("nbf", 0)) <= now + 300 or now >= float(claims.get("exp", 0)):
            raise ValueError("token is expired")
        return str(claims.get("sub", ""))
