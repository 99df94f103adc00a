"""ServiceAccount tokens for pods: JWTs bound to the pod, signed with the cluster key (ES256).

Source: kubernetes pkg/serviceaccount/claims.go, Claims; pkg/kubelet/token/token_manager.go. A token
is renewed when 80 % of its life is over; it lives at least 10 minutes, 1 hour unless asked otherwise.
"""

from __future__ import annotations

import base64
import json
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from hauberk.base.refs import Ref
from hauberk.kinds.core.volume import TokenProjection
from hauberk.ports import Api, Clock

from .pod.deps import IssueToken
from .pod.fields import ConfigError
from .pod.spec import Pod

ISSUER = "https://kubernetes.default.svc.cluster.local"
LEAST_S, USUAL_S = 600, 3600
RENEW_AT = 0.8
_NUMBER_BYTES = 32  # of P-256


def issuer(api: Api, key_pem: bytes, clock: Clock) -> IssueToken:
    """Issue tokens with that EC P-256 key; the same token is handed out until it is due for renewal."""
    key = load_pem_private_key(key_pem, None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise TypeError("tokens are signed with an EC key")
    known: dict[tuple[str, str, int], tuple[float, bytes]] = {}

    def issue(pod: Pod, wanted: TokenProjection) -> bytes:
        now = clock.now()
        life_s = max(wanted.expiration_seconds or USUAL_S, LEAST_S)
        audience = wanted.audience or ISSUER
        slot = (pod.uid, audience, life_s)
        renew_at, token = known.get(slot, (0.0, b""))
        if now < renew_at:
            return token
        account = api.snapshot().get(Ref("ServiceAccount", pod.namespace, pod.service_account))
        if account is None:
            said = f'serviceaccounts "{pod.service_account}" not found'
            raise ConfigError(f"failed to fetch token: {said}")
        claims = make_claims(pod, str(account["metadata"]["uid"]), audience, life_s, now)
        token = signed(claims, key)
        for old in [k for k, (due, _) in known.items() if due < now]:
            del known[old]
        known[slot] = (now + life_s * RENEW_AT, token)
        return token

    return issue


def make_claims(pod: Pod, account_uid: str, audience: str, life_s: int, now: float) -> dict[str, Any]:
    """The claims of one token. Pure."""
    at = int(now)
    return {
        "aud": [audience],
        "exp": at + life_s,
        "iat": at,
        "iss": ISSUER,
        "kubernetes.io": {
            "namespace": pod.namespace,
            "node": {"name": pod.spec.node_name},
            "pod": {"name": pod.name, "uid": pod.uid},
            "serviceaccount": {"name": pod.service_account, "uid": account_uid},
        },
        "nbf": at,
        "sub": f"system:serviceaccount:{pod.namespace}:{pod.service_account}",
    }


def signed(claims: dict[str, Any], key: ec.EllipticCurvePrivateKey) -> bytes:
    """A compact JWS. Source: RFC 7515 section 7.1, RFC 7518 section 3.4."""
    head = _base64(b'{"alg":"ES256","typ":"JWT"}')
    body = _base64(json.dumps(claims, separators=(",", ":")).encode())
    text = head + b"." + body
    r, s = decode_dss_signature(key.sign(text, ec.ECDSA(hashes.SHA256())))
    return text + b"." + _base64(r.to_bytes(_NUMBER_BYTES, "big") + s.to_bytes(_NUMBER_BYTES, "big"))


def _base64(data: bytes) -> bytes:
    return base64.urlsafe_b64encode(data).rstrip(b"=")
