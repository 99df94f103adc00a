"""Certificates: what they say, how long they last, and that keys stay private."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from hypothesis import given
from hypothesis import strategies as st

from hauberk.pki.authority import Authority
from hauberk.pki.inspect import facts_of, is_signed_by, key_matches
from hauberk.pki.issuing import DAY_S, Issuer, Wanted, authority, key_pem, new_key

NOW = 1_800_000_000.0
ID = "spiffe://cluster.local/ns/a/sa/b"


@pytest.fixture(scope="module")
def made() -> Authority:
    names = {"mesh": ("", "cluster.local"), "cluster": ("c", ""), "ingress": ("i", ""), "service": ("s", "")}
    issuers = {k: Issuer(authority(*v, now=NOW, life_s=3650 * DAY_S)) for k, v in names.items()}
    return Authority(issuers, key_pem(new_key()))


def test_a_workload_certificate_says_only_its_spiffe_id(made: Authority) -> None:
    pair = made.issue(ID, now=NOW)
    (facts,) = facts_of(pair.chain)
    assert (facts.uris, facts.san_critical, facts.subject) == ((ID,), True, "")
    assert facts.issuer == "O=cluster.local"
    assert facts.not_after - NOW == DAY_S
    assert not facts.is_ca
    assert facts.extended_key_usage == ("serverAuth", "clientAuth")
    assert facts.algorithm == "EC-secp256r1"
    assert key_matches(pair.chain, pair.key)
    assert is_signed_by(pair.chain, made.roots)
    assert not is_signed_by(pair.chain, made.cluster_roots)


@pytest.mark.parametrize("identity", ["", "spiffe://other/ns/a/sa/b", "cluster.local/ns/a"])
def test_identities_of_another_trust_domain_are_refused(made: Authority, identity: str) -> None:
    with pytest.raises(ValueError, match="not a SPIFFE ID"):
        made.issue(identity, now=NOW)


@given(life=st.floats(1, 20 * DAY_S), at=st.floats(0, 12 * DAY_S))
def test_no_certificate_outlives_its_issuer(life: float, at: float) -> None:
    root = authority("r", "", now=NOW, life_s=10 * DAY_S)
    issued = Issuer(root).issue(Wanted(uris=(ID,), life_s=life), now=NOW + at)
    leaf, ca = facts_of(issued.chain)[0], facts_of(root.chain)[0]
    assert ca.not_before <= leaf.not_before < leaf.not_after <= ca.not_after


def test_a_client_certificate_names_user_and_groups(made: Authority) -> None:
    (facts,) = facts_of(made.client_certificate("system:admin", ["system:masters"], now=NOW).chain)
    assert (facts.common_name, facts.subject) == ("system:admin", "CN=system:admin,O=system:masters")
    assert facts.extended_key_usage == ("clientAuth",)


def test_a_serving_certificate_names_hosts_and_addresses(made: Authority) -> None:
    (facts,) = facts_of(made.serving_certificate(["localhost", "k"], ["127.0.0.1"], now=NOW).chain)
    assert (facts.dns_names, facts.ip_addresses) == (("localhost", "k"), ("127.0.0.1",))
    assert facts.extended_key_usage == ("serverAuth",)


def test_an_rsa_authority_signs_too() -> None:
    import datetime

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes

    key = rsa.generate_private_key(65537, 2048)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "rsa")])
    since = datetime.datetime.fromtimestamp(NOW, datetime.UTC)
    root = (
        x509.CertificateBuilder(name, name, key.public_key(), 1, since, since + datetime.timedelta(days=9))
        .add_extension(x509.BasicConstraints(True, None), True)
        .sign(key, hashes.SHA256())
        .public_bytes(serialization.Encoding.PEM)
    )
    pkcs1 = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.NoEncryption(),
    )
    from hauberk.ports import KeyPair

    issued = Issuer(KeyPair(root, pkcs1)).issue(Wanted(hosts=("a",)), now=NOW)
    assert is_signed_by(issued.chain, root)
    assert key_matches(root, pkcs1)
    assert facts_of(root)[0].algorithm == "RSA-2048"


def test_what_is_not_pem_matches_nothing() -> None:
    assert not key_matches(b"x", b"y")
    assert not is_signed_by(b"x", b"y")
