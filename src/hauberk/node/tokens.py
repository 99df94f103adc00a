"""ServiceAccount tokens for pods: JWTs bound to the pod, signed with the cluster key (ES256).

Source: kubernetes pkg/serviceaccount/claims.go, Claims; pkg/kubelet/token/token_manager.go. A token
is renewed when 80 % of its life is over; it lives at least 10 minutes, 1 hour unless asked otherwise.
"""

from __future__ import annotations

from typing import Any

from hauberk.base.refs import Ref
from hauberk.kinds.core.volume import TokenProjection
from hauberk.pki.jws import signed, signing_key
from hauberk.ports import Api, Clock

from .pod.deps import IssueToken
from .pod.fields import ConfigError
from .pod.spec import Pod

ISSUER = "https://kubernetes.default.svc.cluster.local"
LEAST_S, USUAL_S = 600, 3600
RENEW_AT = 0.8


def issuer(api: Api, key_pem: bytes, clock: Clock) -> IssueToken:
    """Issue tokens with that EC P-256 key; the same token is handed out until it is due for renewal."""
    key = signing_key(key_pem)
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
