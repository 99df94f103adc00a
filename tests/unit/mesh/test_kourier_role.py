from __future__ import annotations

import base64
import datetime
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from hauberk.base.refs import Json, ref_of
from hauberk.kinds.knative_internal.ingress import network_hash
from hauberk.mesh.ingress_roles import kourier_role
from hauberk.store.memory import Memory

NOTES = {"networking.knative.dev/ingress.class": "kourier.ingress.networking.knative.dev"}
HOST = "a.example"


def made_pair(name: str) -> tuple[str, str]:
    key, since = ec.generate_private_key(ec.SECP256R1()), datetime.datetime(2026, 1, 1)
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    until = since + datetime.timedelta(days=9)
    chain = x509.CertificateBuilder(subject, subject, key.public_key(), 1, since, until).sign(
        key, hashes.SHA256()
    )
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    return chain.public_bytes(Encoding.PEM).decode(), private


PAIR, OTHER = made_pair("a"), made_pair("b")


def secret(name: str, chain: str, key: str) -> Json:
    data = {
        "tls.crt": base64.b64encode(chain.encode()).decode(),
        "tls.key": base64.b64encode(key.encode()).decode(),
    }
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name, "namespace": "n"}, "data": data}


def ingress(**spec: Any) -> Json:
    rules = [{"hosts": [HOST], "http": {"paths": [{"splits": []}]}, "visibility": "ExternalIP"}]
    meta = {"name": "a", "namespace": "n", "annotations": NOTES}
    api = "networking.internal.knative.dev/v1alpha1"
    return {"apiVersion": api, "kind": "Ingress", "metadata": meta, "spec": {"rules": rules, **spec}}


def controller(**env: str) -> Json:
    meta = {"name": "c", "namespace": "knative-serving-ingress", "labels": {"app": "net-kourier-controller"}}
    rows = [{"name": k, "value": v} for k, v in env.items()]
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": meta,
        "spec": {"containers": [{"name": "controller", "env": rows}]},
    }


def role_of(*objs: Json) -> Any:
    memory = Memory()
    for i, obj in enumerate(objs, 1):
        memory.apply(ref_of(obj), obj, i)
    return kourier_role(memory, {})


TLS = {"tls": [{"hosts": [HOST], "secretName": "s", "secretNamespace": "n"}]}
NAMED = {"CERTS_SECRET_NAMESPACE": "n", "CERTS_SECRET_NAME": "s"}


@pytest.mark.parametrize(
    ("situation", "objs", "want"),
    [
        ("nobody names a certificate", (ingress(), secret("s", *PAIR)), []),
        ("the Ingress names one", (ingress(**TLS), secret("s", *PAIR)), [(HOST,)]),
        ("the Secret is missing", (ingress(**TLS),), []),
        ("the key is another's", (ingress(**TLS), secret("s", PAIR[0], OTHER[1])), []),
        ("the controller names one for all", (ingress(), controller(**NAMED), secret("s", *PAIR)), [()]),
        ("both", (ingress(**TLS), controller(**NAMED), secret("s", *PAIR)), [(HOST,), ()]),
    ],
)
def test_certificates(situation: str, objs: tuple[Json, ...], want: list[tuple[str, ...]]) -> None:
    assert [c.hosts for c in role_of(*objs).certificates] == want, situation


def test_a_certificate_does_not_show_its_key() -> None:
    assert PAIR[1] not in repr(role_of(ingress(**TLS), secret("s", *PAIR)))


def test_routes_carry_the_hash_of_their_ingress() -> None:
    own = ingress()
    (route,) = role_of(own).routes
    assert route.probe_hash == network_hash(own)
    (other,) = role_of(ingress(httpOption="Redirected")).routes
    assert other.probe_hash != route.probe_hash


def test_a_placeholder_leads_to_the_service_that_it_stands_for() -> None:
    api = {"apiVersion": "v1", "kind": "Service"}
    outside = {"type": "ExternalName", "externalName": "kourier-internal.k.svc.cluster.local"}
    port = {"name": "http2", "port": 80}
    memory = Memory()
    rule = {
        "hosts": [HOST],
        "http": {"paths": [{"rewriteHost": "a.n.svc.cluster.local", "splits": [{"serviceName": "a"}]}]},
        "visibility": "ExternalIP",
    }
    for i, obj in enumerate(
        (
            ingress(rules=[rule]),
            {**api, "metadata": {"name": "a", "namespace": "n"}, "spec": {**outside, "ports": [port]}},
            {**api, "metadata": {"name": "kourier-internal", "namespace": "k"}, "spec": {"ports": [port]}},
        ),
        1,
    ):
        memory.apply(ref_of(obj), obj, i)
    piece = {"ports": [{"name": "http2", "port": 8081}], "endpoints": [{"addresses": ["10.0.0.9"]}]}
    (route,) = kourier_role(memory, {("k", "kourier-internal"): [piece]}).routes
    (split,) = route.splits
    assert [(b.address, b.port) for b in split.backends] == [("10.0.0.9", 8081)]
    assert route.rewrite_host == "a.n.svc.cluster.local"
