"""Whose a ServiceAccount token is, and every way in which it does not count."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from hauberk.apiserver.request import User
from hauberk.apiserver.tokens import by_token, claims_of
from hauberk.base.refs import Ref
from hauberk.node.tokens import ISSUER, signed
from hauberk.store.memory import Memory
from hauberk.testing.clock import FakeClock

NOW = 1_700_000_000.0
KEY = ec.generate_private_key(ec.SECP256R1())
PEM = KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
CLAIMS = {
    "aud": [ISSUER],
    "exp": NOW + 60,
    "nbf": NOW,
    "iss": ISSUER,
    "kubernetes.io": {
        "namespace": "ns",
        "pod": {"name": "p", "uid": "pod-uid"},
        "serviceaccount": {"name": "robot", "uid": "robot-uid"},
    },
}


def user_of(token: str, now: float = NOW) -> User | None:
    memory = Memory()
    for revision, (kind, name, uid) in enumerate(
        (("ServiceAccount", "robot", "robot-uid"), ("Pod", "p", "pod-uid")), 1
    ):
        meta = {"name": name, "namespace": "ns", "uid": uid}
        memory.apply(Ref(kind, "ns", name), {"apiVersion": "v1", "kind": kind, "metadata": meta}, revision)
    authenticate = by_token(PEM, ISSUER, lambda: memory, FakeClock(now))
    return authenticate({"authorization": f"Bearer {token}"})


def token(key: ec.EllipticCurvePrivateKey = KEY, **changed: Any) -> str:
    return signed({**CLAIMS, **changed}, key).decode()


def bound(**changed: Any) -> dict[str, Any]:
    return {"kubernetes.io": {**CLAIMS["kubernetes.io"], **changed}}  # type: ignore[dict-item]


def unsigned() -> str:
    head, body = ({"alg": "none", "typ": "JWT"}, CLAIMS)
    parts = [base64.urlsafe_b64encode(json.dumps(p).encode()).rstrip(b"=").decode() for p in (head, body)]
    return f"{parts[0]}.{parts[1]}."


def test_a_good_token_is_its_service_account_with_its_groups() -> None:
    groups = ("system:serviceaccounts", "system:serviceaccounts:ns", "system:authenticated")
    pod = (
        ("authentication.kubernetes.io/pod-name", ("p",)),
        ("authentication.kubernetes.io/pod-uid", ("pod-uid",)),
    )
    assert user_of(token()) == User("system:serviceaccount:ns:robot", groups, "robot-uid", pod)


def test_a_token_is_no_administrator() -> None:
    user = user_of(token())
    assert user is not None
    assert not user.is_master


@pytest.mark.parametrize(
    "bad",
    [
        pytest.param(token(ec.generate_private_key(ec.SECP256R1())), id="another-key"),
        pytest.param(unsigned(), id="alg-none"),
        pytest.param(token()[:-4], id="signature-cut"),
        pytest.param("a.b", id="no-token"),
        pytest.param("ä.b.c", id="not-base64"),
        pytest.param(token(aud=["vault"]), id="another-audience"),
        pytest.param(token(iss="https://example.com"), id="another-issuer"),
        pytest.param(token(exp=NOW), id="expired"),
        pytest.param(token(nbf=NOW + 1), id="not-yet"),
        pytest.param(token(**bound(pod={"name": "p", "uid": "before"})), id="pod-gone"),
        pytest.param(token(**bound(serviceaccount={"name": "robot", "uid": "before"})), id="account-remade"),
        pytest.param(token(**bound(serviceaccount=None)), id="no-account"),
    ],
)
def test_a_bad_token_is_nobody(bad: str) -> None:
    assert user_of(bad) is None


def test_claims_are_read_only_when_the_key_signed_them() -> None:
    head, body, signature = token().split(".")
    assert claims_of(f"{head}.{body}.{signature}", KEY.public_key()) == CLAIMS
    assert claims_of(f"{head}.{body[:-2]}AA.{signature}", KEY.public_key()) is None
