"""A host of one's own, with one's own certificate, on the document's cluster."""

from __future__ import annotations

import base64
import json
import ssl
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from hauberk.testing.cluster import eventually

HOST = "shop.example.org"
LABEL = "networking.internal.knative.dev/certificate-uid"


def mapping(name: str = HOST, service: str = "mapped", **spec: Any) -> str:
    ref = {"kind": "Service", "apiVersion": "serving.knative.dev/v1", "name": service}
    made = {
        "apiVersion": "serving.knative.dev/v1beta1",
        "kind": "DomainMapping",
        "metadata": {"name": name, "namespace": "default"},
        "spec": {"ref": ref, **spec},
    }
    return json.dumps(made)


@pytest.fixture
def certificate(mesh: Any, tmp_path: Path) -> Iterator[Path]:
    """A certificate for the host, as Secret `shop` of the service's namespace."""
    key, chain = tmp_path / "k.pem", tmp_path / "c.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", f"/CN={HOST}",
         "-addext", f"subjectAltName=DNS:{HOST}", "-keyout", key, "-out", chain],
        check=True, capture_output=True,
    )  # fmt: skip
    mesh.cluster.must("create", "secret", "tls", "shop", f"--key={key}", f"--cert={chain}")
    yield chain
    mesh.cluster.run("delete", "dm", "--all", "-n", "default")
    mesh.cluster.run("delete", "secret", "shop", "-n", "default")


def ready(mesh: Any, name: str = HOST) -> Any:
    return mesh.condition(mesh.get("dm", name), "Ready")


def test_a_mapped_host_answers_with_its_own_certificate_once_the_secret_is_labelled(
    mesh: Any, gone: Any, certificate: Path
) -> None:
    gone("mapped")
    mesh.deploy("mapped", env={"TARGET": "mapped"})
    mesh.cluster.apply(mapping(tls={"secretName": "shop"}))
    said = eventually(lambda: (r := ready(mesh)).get("reason") and r, what="a reason")
    assert LABEL in said["message"]
    mesh.cluster.must("label", "secret", "shop", f"{LABEL}=shop")
    eventually(lambda: ready(mesh).get("status") == "True", what="the mapping is Ready")
    own = replace(mesh, roots=certificate)
    assert own.call(HOST).text == "Hello mapped!"
    # the gateway's other hosts keep their certificate
    assert mesh.call(mesh.host("mapped")).text == "Hello mapped!"
    with pytest.raises(ssl.SSLCertVerificationError):
        own.call(mesh.host("mapped"))
    mesh.cluster.must("delete", "dm", HOST)
    left = "secrets", "-n", "istio-system", "-l", "networking.internal.knative.dev/originSecretName=shop"
    eventually(lambda: not mesh.cluster.json(*left)["items"], what="the copy is gone")
    assert mesh.cluster.run("get", "cdc", HOST).code != 0


def test_a_mapping_to_nobody_says_so_and_follows_when_the_service_comes(
    mesh: Any, gone: Any, certificate: Path
) -> None:
    gone("later")
    name = "later.example.org"
    notes = {"serving.knative.openshift.io/enablePassthrough": "true"}
    made = json.loads(mapping(name, "later"))
    made["metadata"]["annotations"] = notes
    mesh.cluster.apply(json.dumps(made))
    eventually(lambda: ready(mesh, name).get("reason") == "ResolveFailed", what="it says so")
    mesh.deploy("later", env={"TARGET": "late"})
    eventually(lambda: ready(mesh, name).get("status") == "True", what="the mapping is Ready")
    anyone = replace(mesh, roots=None)
    assert anyone.call(name).text == "Hello late!"


def set_network(mesh: Any, key: str, value: str | None) -> None:
    """Through the KnativeServing, as an administrator does."""
    patch = json.dumps({"spec": {"config": {"network": {key: value}}}})
    place = "knativeserving", "knative-serving", "-n", "knative-serving"
    mesh.cluster.must("patch", *place, "--type=merge", "-p", patch)


@pytest.fixture
def issuing(mesh: Any) -> Iterator[None]:
    """Certificates for external hosts."""
    set_network(mesh, "external-domain-tls", "Enabled")
    yield
    set_network(mesh, "external-domain-tls", None)


def test_a_service_gets_a_certificate_of_its_own_where_certificates_are_issued(
    mesh: Any, gone: Any, issuing: None, tmp_path: Path
) -> None:
    gone("issued")
    rows = [{"latestRevision": True, "percent": 100, "tag": "new"}]
    host = mesh.deploy("issued", env={"TARGET": "issued"}, traffic=rows)

    def certificates() -> list[Any]:
        found = mesh.cluster.json("kcert", "-n", "default", "-l", "serving.knative.dev/route=issued")["items"]
        return [c for c in found if mesh.condition(c, "Ready").get("status") == "True"]

    eventually(lambda: len(certificates()) == 2, what="two certificates are issued")
    secret = mesh.get("secret", certificates()[0]["spec"]["secretName"])
    roots = tmp_path / "roots.crt"
    roots.write_bytes(base64.b64decode(secret["data"]["ca.crt"]))
    own = replace(mesh, roots=roots)

    def answers(name: str) -> bool:
        try:
            return bool(own.call(name).text == "Hello issued!")
        except ssl.SSLCertVerificationError:
            return False  # the wildcard's, until the gateway has the new one

    eventually(lambda: answers(host) and answers(f"new-{host}"), what="both hosts show their certificates")
    eventually(lambda: mesh.is_settled("issued"), what="Ready")
    route = mesh.get("routes.serving.knative.dev", "issued")
    row = mesh.condition(route, "CertificateProvisioned")
    assert (row["status"], row.get("reason")) == ("True", None)


def test_a_client_without_the_mesh_reaches_the_local_name_over_tls(mesh: Any, gone: Any) -> None:
    """The local gateway shows the Route's certificate on 8444; its Service must lead there."""
    gone("inner")
    cluster, url = mesh.cluster, "https://inner.default.svc.cluster.local"
    front = ("svc", "knative-local-gateway", "-n", "istio-system")
    before = cluster.json(*front)["spec"]["ports"]
    secure = {"name": "https", "port": 443, "targetPort": 8444, "protocol": "TCP"}

    def lead(ports: list[Any]) -> None:
        patch = [{"op": "replace", "path": "/spec/ports", "value": ports}]
        cluster.must("patch", *front, "--type=json", "-p", json.dumps(patch))

    set_network(mesh, "cluster-local-domain-tls", "Enabled")
    lead([*before, secure])
    try:
        mesh.deploy("inner", env={"TARGET": "inside"})
        eventually(lambda: mesh.get("ksvc", "inner")["status"]["address"]["url"] == url, what="https")
        eventually(lambda: mesh.is_settled("inner"), what="Ready")
        (row,) = cluster.json("kcert", "-n", "default", "-l", "serving.knative.dev/route=inner")["items"]
        roots = base64.b64decode(mesh.get("secret", row["spec"]["secretName"])["data"]["ca.crt"]).decode()
        ask = f'echo "$CA" > /tmp/ca; curl -sS --retry 5 --retry-connrefused --cacert /tmp/ca {url}'
        cluster.must(
            "run", "outsider", "-n", "default", "--image=hauberk.local/curl", "--restart=Never",
            f"--env=CA={roots}", "--command", "--", "sh", "-c", ask,
        )  # fmt: skip
        said = lambda: cluster.run("logs", "outsider", "-n", "default").out.strip()  # noqa: E731
        eventually(lambda: said() == "Hello inside!", within_s=15, what="hello through the local gateway")
    finally:
        cluster.run("delete", "pod", "outsider", "-n", "default", "--wait=false")
        lead(before)
        set_network(mesh, "cluster-local-domain-tls", None)
