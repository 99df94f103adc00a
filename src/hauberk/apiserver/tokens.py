"""Who a bearer token is from: a ServiceAccount whose token this cluster signed and whose pod still runs.

A token counts only with our ES256 signature, our issuer, a wanted audience (the API's, unless a TokenReview
asks for others), within its time, and while the ServiceAccount and what it is bound to (a pod or a Secret)
exist under the same uid.
Source: kubernetes pkg/serviceaccount/jwt.go, claims.go (Validate);
pkg/registry/core/serviceaccount/storage/token.go.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hauberk.apiserver.auth import Authenticator
from hauberk.apiserver.request import AUTHENTICATED, User
from hauberk.base.apierrors import BadRequest, Conflict, Invalid, NotFound
from hauberk.base.fields import FieldError
from hauberk.base.refs import Json, Ref
from hauberk.base.times import rfc3339
from hauberk.pki.jws import claims_of, signed, signing_key
from hauberk.ports import Clock, Snapshot

__all__ = ["Tokens", "by_token", "claims_of", "judge"]

_BOUND = (("serviceaccount", "ServiceAccount"), ("pod", "Pod"), ("secret", "Secret"))
_CREDENTIAL = "authentication.kubernetes.io/"
_USUAL_S, _LEAST_S, _MOST_S = 3600, 600, 1 << 32


@dataclass(frozen=True)
class Tokens:
    """Reads and issues the tokens of one cluster."""

    key_pem: bytes  # EC P-256
    issuer: str
    snapshot: Callable[[], Snapshot]
    clock: Clock

    def user_of(self, token: str, audiences: Sequence[str] = ()) -> tuple[User, list[str]] | None:
        """Whose a token is, and for which of the audiences (none given: the API's) it counts."""
        claims = claims_of(token, signing_key(self.key_pem).public_key())
        return judged(claims, self.issuer, audiences, self.snapshot(), self.clock.now()) if claims else None

    def issue(self, namespace: str, name: str, body: Json) -> dict[str, Any]:
        """The answer to a TokenRequest for a ServiceAccount. NotFound, Invalid, BadRequest, Conflict."""
        snapshot, now = self.snapshot(), self.clock.now()
        account = snapshot.get(Ref("ServiceAccount", namespace, name))
        if account is None:
            raise NotFound(f'serviceaccounts "{name}" not found', ref=Ref("serviceaccounts", "", name))
        spec = body.get("spec") or {}
        life_s = _life(spec.get("expirationSeconds"))
        audiences = list(spec.get("audiences") or (self.issuer,))
        bound = bound_to(spec.get("boundObjectRef"), namespace, name, snapshot)
        claims = make_claims(self.issuer, account, audiences, life_s, bound, now)
        claims["jti"] = str(uuid.uuid4())
        filled = {**spec, "audiences": audiences, "expirationSeconds": life_s}
        filled.setdefault("boundObjectRef", None)
        status = {
            "token": signed(claims, signing_key(self.key_pem)).decode(),
            "expirationTimestamp": rfc3339(now + life_s),
        }
        meta = {**(body.get("metadata") or {}), "name": name, "namespace": namespace}
        head = {"kind": "TokenRequest", "apiVersion": "authentication.k8s.io/v1"}
        return {
            **head,
            "metadata": {**meta, "creationTimestamp": rfc3339(now)},
            "spec": filled,
            "status": status,
        }


def by_token(key_pem: bytes, issuer: str, snapshot: Callable[[], Snapshot], clock: Clock) -> Authenticator:
    """Authenticate `Authorization: Bearer` by tokens of that key and issuer."""
    public = signing_key(key_pem).public_key()

    def authenticate(headers: Mapping[str, str]) -> User | None:
        scheme, _, token = headers.get("authorization", "").partition(" ")
        claims = claims_of(token.strip(), public) if scheme.lower() == "bearer" else None
        return judge(claims, issuer, snapshot(), clock.now()) if claims else None

    return authenticate


def judge(claims: Mapping[str, Any], issuer: str, snapshot: Snapshot, now: float) -> User | None:
    """The user of signed claims, or None when they do not hold here and now. Pure."""
    found = judged(claims, issuer, (), snapshot, now)
    return found[0] if found else None


def judged(
    claims: Mapping[str, Any], issuer: str, audiences: Sequence[str], snapshot: Snapshot, now: float
) -> tuple[User, list[str]] | None:
    """The user of signed claims and the audiences that count. Pure."""
    matching = [a for a in audiences or (issuer,) if a in claims.get("aud", ())]
    if claims.get("iss") != issuer or not matching:
        return None
    if not claims.get("nbf", now + 1) <= now < claims.get("exp", 0):
        return None
    bound = claims.get("kubernetes.io") or {}
    namespace = bound.get("namespace", "")
    for key, kind in _BOUND:
        if key != "serviceaccount" and key not in bound:
            continue  # a token that no such object holds
        about = bound.get(key) or {}
        live = snapshot.get(Ref(kind, namespace, about.get("name", "")))
        if live is None or live["metadata"].get("uid") != about.get("uid"):
            return None
    account = bound["serviceaccount"]
    groups = ("system:serviceaccounts", f"system:serviceaccounts:{namespace}", AUTHENTICATED)
    name = f"system:serviceaccount:{namespace}:{account['name']}"
    return User(name, groups, account["uid"], _extra(claims, bound)), matching


def _extra(claims: Mapping[str, Any], bound: Json) -> tuple[tuple[str, tuple[str, ...]], ...]:
    pod, node = bound.get("pod") or {}, bound.get("node") or {}
    rows = (
        ("credential-id", f"JTI={claims['jti']}" if claims.get("jti") else ""),
        ("node-name", node.get("name", "")),
        ("pod-name", pod.get("name", "")),
        ("pod-uid", pod.get("uid", "")),
    )
    return tuple((f"{_CREDENTIAL}{key}", (value,)) for key, value in rows if value)


def make_claims(
    issuer: str, account: Json, audiences: Sequence[str], life_s: int, bound: Json, now: float
) -> dict[str, Any]:
    """The claims of one token. Pure. Source: kubernetes pkg/serviceaccount/claims.go, Claims."""
    at, meta = int(now), account["metadata"]
    return {
        "aud": list(audiences),
        "exp": at + life_s,
        "iat": at,
        "iss": issuer,
        "kubernetes.io": {
            "namespace": meta["namespace"],
            **bound,
            "serviceaccount": {"name": meta["name"], "uid": meta["uid"]},
        },
        "nbf": at,
        "sub": f"system:serviceaccount:{meta['namespace']}:{meta['name']}",
    }


def _life(wanted: Any) -> int:
    """Source: kubernetes pkg/apis/authentication/validation/validation.go."""
    life_s = _USUAL_S if wanted is None else int(wanted)
    why = ""
    if life_s < _LEAST_S:
        why = "may not specify a duration less than 10 minutes"
    elif life_s > _MOST_S:
        why = "may not specify a duration larger than 2^32 seconds"
    if why:
        cause = FieldError("spec.expirationSeconds", f"Invalid value: {life_s}: {why}", "FieldValueInvalid")
        text = f'TokenRequest.authentication.k8s.io "" is invalid: {cause}'
        raise Invalid(text, ref=Ref("TokenRequest.authentication.k8s.io", "", ""), causes=[cause])
    return life_s


def bound_to(wanted: Json | None, namespace: str, account: str, snapshot: Snapshot) -> dict[str, Any]:
    """The claims about the pod or Secret that a token shall end with. Pure."""
    if not wanted:
        return {}
    kind, name, uid = wanted.get("kind", ""), wanted.get("name", ""), wanted.get("uid") or ""
    if wanted.get("apiVersion", "v1") != "v1" or kind not in ("Pod", "Secret"):
        raise BadRequest(f"cannot bind token to object of type /{wanted.get('apiVersion', '')}, Kind={kind}")
    live = snapshot.get(Ref(kind, namespace, name))
    plural = f"{kind.lower()}s"
    if live is None:
        raise NotFound(f'{plural} "{name}" not found', ref=Ref(plural, "", name))
    if uid and live["metadata"]["uid"] != uid:
        raise Conflict(
            f'Operation cannot be fulfilled on {kind} "{name}": the UID in the bound object reference '
            f"({uid}) does not match the UID in record. "
            "The object might have been deleted and then recreated",
            ref=Ref(kind, "", name),
        )
    found = {kind.lower(): {"name": name, "uid": live["metadata"]["uid"]}}
    if kind == "Pod":
        _check_pod(live, account)
        node = (live.get("spec") or {}).get("nodeName")
        found |= {"node": {"name": node}} if node else {}
    return found


def _check_pod(pod: Json, account: str) -> None:
    if (pod.get("spec") or {}).get("serviceAccountName") != account:
        raise BadRequest(
            f'cannot bind token for serviceaccount "{account}" to pod running with different '
            "serviceaccount name."
        )
