"""Secrets by name, and when they are renewed."""

from __future__ import annotations

from typing import Any

import pytest

from hauberk.pki.issuing import DAY_S, Issuer, Wanted, authority
from hauberk.ports import KeyPair
from hauberk.xds.sds import Secrets, gateway_secret, renewal

NOW = 1_800_000_000.0
ID = "spiffe://cluster.local/ns/a/sa/b"


class Signing:
    """A signer that counts."""

    trust_domain = "cluster.local"

    def __init__(self) -> None:
        root = authority("r", "", now=NOW, life_s=100 * DAY_S)
        self._issuer, self.roots, self.issued = Issuer(root), root.chain, 0

    def issue(self, identity: str, *, now: float, life_s: float = DAY_S) -> KeyPair:
        self.issued += 1
        return self._issuer.issue(Wanted(uris=(identity,), life_s=life_s), now=now)


def secrets(signer: Signing) -> Secrets:
    extra: dict[str, Any] = {"own": lambda now: signer.issue("x", now=now), "ca": b"PEM"}
    return Secrets(signer, lambda *_: None, extra)


def test_a_certificate_is_kept_until_half_of_its_life() -> None:
    signer = Signing()
    held = secrets(signer)
    first = held.get("p", ID, "ns", "default", NOW)
    assert held.get("p", ID, "ns", "default", NOW + 10 * 3600) == first
    assert held.get("p", ID, "ns", "default", NOW + 12.1 * 3600) != first
    assert signer.issued == 2
    due = held.next_renewal()
    assert due is not None
    assert NOW + 22 * 3600 < due <= NOW + 24.1 * 3600


def test_a_shorter_life_is_renewed_at_half_of_it() -> None:
    signer = Signing()
    held = secrets(signer)
    held.get("p", ID, "ns", "default", NOW, 60)
    assert NOW + 27 <= held.soonest <= NOW + 30
    held.get("p", ID, "ns", "default", NOW + 31, 60)
    assert signer.issued == 2


def test_another_identity_gets_another_certificate() -> None:
    held = secrets(Signing())
    first = held.get("p", ID, "ns", "default", NOW)
    assert held.get("p", ID + "2", "ns", "default", NOW) != first


@pytest.mark.parametrize(
    ("identity", "name", "found"),
    [
        (ID, "default", True),
        ("", "default", False),
        ("", "ROOTCA", True),
        ("", "own", True),
        ("", "ca", True),
        ("", "unknown", False),
        ("", "kubernetes://none", False),
    ],
)
def test_names(identity: str, name: str, found: bool) -> None:
    assert (secrets(Signing()).get("p", identity, "ns", name, NOW) is not None) == found


def test_what_was_issued_to_a_proxy_that_is_gone_is_forgotten() -> None:
    held = secrets(Signing())
    held.get("p", ID, "ns", "default", NOW)
    held.forget("p")
    assert held.next_renewal() is None


def test_renewals_of_many_proxies_are_spread() -> None:
    chain = Signing().issue(ID, now=NOW).chain
    due = {renewal(chain, f"proxy-{n}", NOW) for n in range(50)}
    assert len(due) > 20
    assert all(NOW + 0.44 * DAY_S <= when <= NOW + 0.5 * DAY_S + 1 for when in due)


TLS = {"tls.crt": b"c", "tls.key": b"k"}


@pytest.mark.parametrize(
    ("stored", "name", "expected"),
    [
        ({"w": TLS}, "w", "tls_certificate"),
        ({"w": {"cert": b"c", "key": b"k"}}, "w", "tls_certificate"),
        ({"w": {"tls.crt": b"c"}}, "w", ""),
        ({}, "w", ""),
        ({"w": {**TLS, "ca.crt": b"a"}}, "w-cacert", "validation_context"),
        ({"w": {"cacert": b"a"}}, "w-cacert", "validation_context"),
        ({"w": TLS, "w-cacert": {"ca.crt": b"a"}}, "w-cacert", "validation_context"),
        ({"w": TLS}, "w-cacert", ""),
    ],
)
def test_gateway_credentials(stored: dict[str, dict[str, bytes]], name: str, expected: str) -> None:
    made = gateway_secret("ns", f"kubernetes://{name}", lambda ns, n: stored.get(n) if ns == "ns" else None)
    assert (made.message().WhichOneof("type") if made else "") == expected
