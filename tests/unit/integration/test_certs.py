"""Certificates as files: openssl agrees and continues them; bad ones are named; keys are private."""

from __future__ import annotations

import base64
import shutil
import stat
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from hauberk.base.problems import Problem
from hauberk.base.refs import Ref
from hauberk.integration.certs import (
    Renew,
    create,
    import_pair,
    leaves_of,
    make_requests,
    read_pair,
    report,
    secrets_of,
)
from hauberk.integration.load import parse
from hauberk.integration.model import Integration
from hauberk.pki import inspect
from hauberk.pki.issuing import DAY_S, Issuer, Wanted, authority
from hauberk.ports import KeyPair

NOW = 1_800_000_000.0
HEAD = (
    "apiVersion: hauberk/v1alpha1\nkind: Integration\ndomain: apps.example.com\n"
    "members: [knative-serving, knative-eventing, shop]\n"
)
FAST = "key: ecdsa-p256"
needs_openssl = pytest.mark.skipif(not shutil.which("openssl"), reason="openssl is not installed")


def integration(more: str = FAST) -> Integration:
    return parse(f"{HEAD}certificate: {{{more}}}\n")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "hauberk.yaml"


def told(wanted: Integration, file: Path, now: float = NOW, renew: Renew | None = None) -> dict[str, str]:
    return dict(create(wanted, file, now, renew))


def openssl(*args: str, cwd: Path) -> str:
    done = subprocess.run(["openssl", *args], cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize(
    ("key", "algorithm"),
    [("rsa-2048", "RSA-2048"), ("ecdsa-p256", "EC-secp256r1"), ("ecdsa-p384", "EC-secp384r1")],
)
def test_both_certificates_are_made_with_the_key_asked_for(file: Path, key: str, algorithm: str) -> None:
    wanted = integration(f"key: {key}")
    assert told(wanted, file) == {"root.crt": "made", "wildcard.crt": "made"}
    rows = report(wanted, file.parent / "certs", NOW)
    assert [(row.problem, row.algorithm, row.days_left) for row in rows] == [("", algorithm, 365)] * 2


def test_the_certificate_has_what_the_documents_lacks(file: Path) -> None:
    create(integration(), file, NOW)
    (facts,) = inspect.facts_of((file.parent / "certs" / "wildcard.crt").read_bytes())
    assert facts.dns_names == ("*.apps.example.com",)
    assert facts.version == 3
    assert facts.serial > 0
    assert facts.extended_key_usage == ("serverAuth",)
    assert facts.subject == "CN=*.apps.example.com,O=Example Inc."


def test_keys_are_private_and_certificates_readable(file: Path) -> None:
    create(integration(), file, NOW)
    modes = {p.name: stat.S_IMODE(p.stat().st_mode) for p in (file.parent / "certs").iterdir()}
    assert modes == {"root.crt": 0o644, "root.key": 0o600, "wildcard.crt": 0o644, "wildcard.key": 0o600}
    assert stat.S_IMODE((file.parent / "certs").stat().st_mode) == 0o700


@needs_openssl
def test_openssl_verifies_what_is_made_here(file: Path) -> None:
    create(integration("key: rsa-2048"), file, time.time())
    folder = file.parent / "certs"
    assert "wildcard.crt: OK" in openssl("verify", "-CAfile", "root.crt", "wildcard.crt", cwd=folder)
    line = openssl(
        "x509", "-in", "wildcard.crt", "-noout", "-checkhost", "hello-default.apps.example.com", cwd=folder
    )
    assert "does match" in line


@needs_openssl
def test_the_documents_root_is_continued_here(file: Path) -> None:
    folder = file.parent / "certs"
    folder.mkdir()
    openssl(
        "req", "-x509", "-sha256", "-nodes", "-days", "365", "-newkey", "rsa:2048",
        "-subj", "/O=Example Inc./CN=example.com", "-keyout", "root.key", "-out", "root.crt", cwd=folder,
    )  # fmt: skip
    now = time.time()
    assert told(integration(), file, now) == {"root.crt": "kept", "wildcard.crt": "made"}
    assert "OK" in openssl("verify", "-CAfile", "root.crt", "wildcard.crt", cwd=folder)


@needs_openssl
def test_the_documents_commands_continue_a_root_made_here_and_lack_a_name(file: Path) -> None:
    now = time.time()
    wanted = integration("key: rsa-2048")
    create(wanted, file, now)
    folder = file.parent / "certs"
    openssl(
        "req", "-nodes", "-newkey", "rsa:2048", "-subj", "/CN=*.apps.example.com/O=Example Inc.",
        "-keyout", "wildcard.key", "-out", "wildcard.csr", cwd=folder,
    )  # fmt: skip
    openssl(
        "x509", "-req", "-days", "365", "-set_serial", "0", "-CA", "root.crt", "-CAkey", "root.key",
        "-in", "wildcard.csr", "-out", "wildcard.crt", cwd=folder,
    )  # fmt: skip
    assert "OK" in openssl("verify", "-CAfile", "root.crt", "wildcard.crt", cwd=folder)
    assert "no subjectAltName" in report(wanted, folder, now)[1].problem  # D1
    assert told(wanted, file, now) == {"root.crt": "kept", "wildcard.crt": "renewed"}


def test_a_second_time_keeps_everything(file: Path) -> None:
    wanted = integration()
    create(wanted, file, NOW)
    before = {p: p.read_bytes() for p in (file.parent / "certs").iterdir()}
    assert set(told(wanted, file, NOW + DAY_S).values()) == {"kept"}
    assert {p: p.read_bytes() for p in (file.parent / "certs").iterdir()} == before


@pytest.mark.parametrize(
    ("after_days", "renew", "want"),
    [
        (0, Renew(leaves=True), ("kept", "renewed")),
        (0, Renew(leaves=True, root=True), ("renewed", "renewed")),
        (340, None, ("kept", "renewed")),
        (366, None, ("renewed", "renewed")),
    ],
)
def test_renewal_is_asked_for_or_due(
    file: Path, after_days: int, renew: Renew | None, want: tuple[str, str]
) -> None:
    wanted = integration()
    create(wanted, file, NOW)
    now = NOW + after_days * DAY_S
    assert tuple(told(wanted, file, now, renew).values()) == want
    if after_days != 340:  # cut short where the root ends
        assert not [row.problem for row in report(wanted, file.parent / "certs", now) if row.problem]


def test_another_domain_makes_another_certificate(file: Path) -> None:
    create(integration(), file, NOW)
    other = parse(HEAD.replace("apps.example", "other.example") + f"certificate: {{{FAST}}}\n")
    row = report(other, file.parent / "certs", NOW)[1]
    assert row.problem == "does not cover *.other.example.com"
    assert told(other, file)["wildcard.crt"] == "renewed"


CUSTOM = f"{FAST}, customDomains: [{{host: shop.example.org, namespace: shop, service: front}}]"


def test_a_custom_domain_has_files_and_a_labelled_secret_of_its_own(file: Path) -> None:
    wanted = integration(CUSTOM)
    assert told(wanted, file)["shop.example.org.crt"] == "made"
    secrets = secrets_of(wanted, file, NOW)
    assert list(secrets) == [
        Ref("Secret", "istio-system", "wildcard-certs"),
        Ref("Secret", "shop", "shop-example-org-tls"),
    ]
    secret = secrets[Ref("Secret", "shop", "shop-example-org-tls")]
    assert secret["type"] == "kubernetes.io/tls"
    label = "networking.internal.knative.dev/certificate-uid"
    assert secret["metadata"]["labels"] == {label: "shop-example-org-tls"}
    assert base64.b64decode(secret["data"]["tls.crt"]).startswith(b"-----BEGIN CERTIFICATE")


def organisation(folder: Path, **more: Any) -> KeyPair:
    pair = authority("Corporate CA", "Corp", now=NOW, life_s=1000 * DAY_S, **more)
    (folder / "ca.crt").write_bytes(pair.chain)
    (folder / "ca.key").write_bytes(pair.key)
    return pair


CA = f"{FAST}, source: ca, caCertificate: ca.crt, caKey: ca.key"


def test_the_organisations_ca_signs_and_its_key_is_not_copied(file: Path) -> None:
    pair = organisation(file.parent)
    create(integration(CA), file, NOW)
    folder = file.parent / "certs"
    assert (folder / "root.crt").read_bytes() == pair.chain
    assert not (folder / "root.key").exists()
    assert inspect.is_signed_by((folder / "wildcard.crt").read_bytes(), pair.chain)
    assert set(told(integration(CA), file).values()) == {"kept"}


@pytest.mark.parametrize("fault", ["missing", "no-ca", "other-key", "encrypted"])
def test_a_ca_that_cannot_sign_is_refused(file: Path, fault: str) -> None:
    pair = organisation(file.parent)
    if fault == "missing":
        (file.parent / "ca.crt").unlink()
    elif fault == "no-ca":
        leaf = Issuer(pair).issue(Wanted(common_name="x", life_s=DAY_S), now=NOW)
        (file.parent / "ca.crt").write_bytes(leaf.chain)
        (file.parent / "ca.key").write_bytes(leaf.key)
    elif fault == "other-key":
        (file.parent / "ca.key").write_bytes(authority("y", "", now=NOW, life_s=DAY_S).key)
    else:
        (file.parent / "ca.key").write_bytes(b"-----BEGIN ENCRYPTED PRIVATE KEY-----\n")
    with pytest.raises(Problem, match="organisation's CA"):
        create(integration(CA), file, NOW)
    assert not (file.parent / "certs" / "wildcard.crt").exists()


@needs_openssl
def test_a_request_is_signed_elsewhere_and_taken_over(file: Path) -> None:
    wanted, folder, now = integration(), file.parent / "certs", time.time()
    assert make_requests(wanted, folder) == ("wildcard.csr",)
    assert make_requests(wanted, folder) == ()
    pair = authority("Corporate CA", "Corp", now=now, life_s=1000 * DAY_S)
    (folder / "ca.crt").write_bytes(pair.chain)
    (folder / "ca.key").write_bytes(pair.key)
    openssl(
        "x509", "-req", "-in", "wildcard.csr", "-CA", "ca.crt", "-CAkey", "ca.key", "-days", "90",
        "-copy_extensions", "copyall", "-out", "signed.crt", cwd=folder,
    )  # fmt: skip
    signed = KeyPair((folder / "signed.crt").read_bytes(), (folder / "wildcard.key").read_bytes())
    row = import_pair(leaves_of(wanted)[0], folder, signed, pair.chain, now)
    assert row.problem == ""
    assert not [r.problem for r in report(wanted, folder, now) if r.problem]
    assert set(told(wanted, file, now).values()) == {"kept"}  # nothing to sign: no key of the root needed


@pytest.mark.parametrize("fault", ["other host", "other key", "expired", "no key", "other CA", "not PEM"])
def test_a_certificate_that_does_not_fit_is_not_taken_over(file: Path, fault: str) -> None:
    ca = authority("Corporate CA", "", now=NOW, life_s=1000 * DAY_S)
    other = authority("Other CA", "", now=NOW, life_s=1000 * DAY_S)
    host = "*.elsewhere.com" if fault == "other host" else "*.apps.example.com"
    pair = Issuer(ca).issue(Wanted(hosts=(host,), life_s=90 * DAY_S), now=NOW)
    key = {"other key": ca.key, "no key": b""}.get(fault, pair.key)
    chain = b"hello" if fault == "not PEM" else pair.chain
    now = NOW + 91 * DAY_S if fault == "expired" else NOW
    roots = other.chain if fault == "other CA" else ca.chain
    folder = file.parent / "certs"
    with pytest.raises(Problem):
        import_pair(leaves_of(integration())[0], folder, KeyPair(chain, key), roots, now)
    assert not folder.exists()


def test_an_unusable_certificate_makes_no_secret(file: Path) -> None:
    wanted = integration()
    with pytest.raises(Problem, match="is not there"):
        secrets_of(wanted, file, NOW)
    create(wanted, file, NOW)
    with pytest.raises(Problem, match="has expired"):
        secrets_of(wanted, file, NOW + 400 * DAY_S)


@pytest.mark.parametrize("source", ["source: secret", "source: cert-manager, issuer: {name: i}"])
def test_what_others_make_is_not_made_here(file: Path, source: str) -> None:
    assert secrets_of(integration(source), file, NOW) == {}
    with pytest.raises(Problem, match="is not made here"):
        create(integration(source), file, NOW)


def test_the_intermediate_ca_is_sent_along(file: Path) -> None:
    root = authority("Root", "", now=NOW, life_s=1000 * DAY_S)
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization

    key: Any = serialization.load_pem_private_key(root.key, password=None)
    middle = authority("Middle", "", now=NOW, life_s=900 * DAY_S)
    own: Any = x509.load_pem_x509_certificate(middle.chain)
    signed = (
        x509.CertificateBuilder(
            issuer_name=x509.load_pem_x509_certificate(root.chain).subject,
            subject_name=own.subject,
            public_key=own.public_key(),
            serial_number=5,
            not_valid_before=own.not_valid_before_utc,
            not_valid_after=own.not_valid_after_utc,
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    (file.parent / "ca.crt").write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    (file.parent / "ca.key").write_bytes(middle.key)
    create(integration(CA), file, NOW)
    pair = read_pair(file.parent / "certs", "wildcard")
    assert pair is not None
    assert len(inspect.certificates_of(pair.chain)) == 2
    assert inspect.is_signed_by(pair.chain, root.chain)
