"""Certificates in Secrets: each defect by itself."""

from __future__ import annotations

import base64
import datetime
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from hauberk.testing.worlds import NOW, add, codes, made, put, report

GOOD = list(yaml.safe_load_all((Path(__file__).parent / "document.yaml").read_text()))
DOMAIN = "apps.example.com"
SECRET = "Secret/wildcard-certs"
DAY = datetime.timedelta(days=1)
TODAY = datetime.datetime.fromtimestamp(NOW, datetime.UTC)
INGRESS_CONFIG = f"""
apiVersion: config.openshift.io/v1
kind: Ingress
metadata: {{name: cluster}}
spec: {{domain: {DOMAIN}}}
"""


@cache
def key(name: str) -> ec.EllipticCurvePrivateKey:
    del name
    return ec.generate_private_key(ec.SECP256R1())


def pem_key(name: str) -> str:
    form = serialization.PrivateFormat.PKCS8
    made_key = key(name).private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())
    return made_key.decode()


def subject(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def certificate(
    name: str = f"*.{DOMAIN}", *, issuer: str = "root", san: str = f"*.{DOMAIN}",
    days: tuple[int, int] = (-10, 355), serial: int = 7, ca: bool = False, signer: str = "",
) -> str:  # fmt: skip
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject(name))
        .issuer_name(subject(issuer))
        .public_key(key(name).public_key())
        .serial_number(serial)
        .not_valid_before(TODAY + days[0] * DAY)
        .not_valid_after(TODAY + days[1] * DAY)
    )
    if san:
        builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(san)]), critical=False)
    if ca:
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    return (
        builder.sign(key(signer or issuer), hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()
    )


LEAF = f"*.{DOMAIN}"


def secret(**changes: Any) -> dict[str, Any]:
    root = certificate("root", san="", ca=True, serial=1, days=(-10, 3000))
    data = {"tls.crt": certificate(), "tls.key": pem_key(LEAF), "ca.crt": root, **changes.pop("data", {})}
    obj = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "wildcard-certs", "namespace": "istio-system"},
        "type": "kubernetes.io/tls",
        "stringData": {k: v for k, v in data.items() if v is not None},
    }
    return {**obj, **changes}


def world(**changes: Any) -> list[dict[str, Any]]:
    return [*made(GOOD, [add(INGRESS_CONFIG)]), secret(**changes)]


def test_a_good_certificate_is_not_mentioned() -> None:
    assert codes(world()) == set()


def with_zero_serial() -> str:
    """x509 refuses to make serial 0, as the document's openssl does not: the byte is changed in the DER."""
    der = x509.load_pem_x509_certificate(certificate(serial=77).encode()).public_bytes(
        serialization.Encoding.DER
    )
    cert = der.replace(b"\x02\x01\x4d", b"\x02\x01\x00", 1)
    body = base64.encodebytes(cert).decode()
    return f"-----BEGIN CERTIFICATE-----\n{body}-----END CERTIFICATE-----\n"


@pytest.mark.parametrize(
    ("code", "changes"),
    [
        ("HBK1101", {"metadata": {"name": "wildcard-certs", "namespace": "knative-serving"}}),
        ("HBK1102", {"type": "Opaque"}),
        ("HBK1102", {"data": {"tls.key": None}}),
        ("HBK1103", {"data": {"tls.crt": "-----BEGIN CERTIFICATE-----\n"}}),
        ("HBK1104", {"data": {"tls.key": pem_key("another")}}),
        ("HBK1105", {"data": {"tls.crt": certificate(days=(-400, -1))}}),
        ("HBK1105", {"data": {"tls.crt": certificate(days=(1, 365))}}),
        ("HBK1106", {"data": {"tls.crt": certificate(days=(-335, 30))}}),
        ("HBK1107", {"data": {"tls.crt": certificate(san="")}}),
        ("HBK1108", {"data": {"tls.crt": certificate(san="*.apps.other.com")}}),
        ("HBK1110", {"data": {"tls.crt": certificate(signer="somebody")}}),
        ("HBK1110", {"data": {"tls.crt": certificate() + certificate("else", ca=True, san="", serial=9),
                              "ca.crt": None}}),
        ("HBK1111", {"data": {"ca.crt": certificate("root", san="", serial=1)}}),
    ],
)  # fmt: skip
def test_a_defect_is_named(code: str, changes: dict[str, Any]) -> None:
    assert codes(world(**changes)) == {code}


def test_serial_zero_is_named() -> None:
    assert "HBK1109" in codes(world(data={"tls.crt": with_zero_serial(), "ca.crt": None}))


def test_a_short_lived_certificate_may_have_few_days_left() -> None:
    assert codes(world(data={"tls.crt": certificate(days=(-10, 50))})) == set()


def test_no_finding_shows_a_key() -> None:
    found = report(world(data={"tls.key": pem_key("another")}))
    assert "PRIVATE" not in str(found)


def test_a_secret_of_another_gateway_is_none_of_ours() -> None:
    stray = secret(metadata={"name": "other", "namespace": "shop"}, data={"tls.crt": certificate(san="")})
    assert codes([*world(), stray]) == set()


def test_the_domain_of_serving_counts_as_well() -> None:
    objects = made(GOOD, [put("KnativeServing/knative-serving", "spec.config.domain", {"else~1com": ""})])
    objects[5]["spec"]["config"]["domain"] = {"else.com": ""}
    assert codes([*objects, secret()]) == {"HBK1108"}
