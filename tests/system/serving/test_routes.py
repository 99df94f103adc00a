"""OpenShift Routes through the router, made by Serving and by hand."""

from __future__ import annotations

import base64
import json
import ssl
import time
from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

import pytest

from hauberk.testing.cluster import eventually

pytestmark = pytest.mark.system
Gone: TypeAlias = Callable[..., None]
DOMAIN = "apps.openshift.example.com"
PAGE = "Application is not available"
PLAIN = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: plain, namespace: plain}
spec:
  selector: {matchLabels: {app: plain}}
  template:
    metadata: {labels: {app: plain}}
    spec:
      containers:
      - name: c
        image: hauberk.local/helloworld
        env: [{name: TARGET, value: plain}]
        ports: [{containerPort: 8080}]
---
apiVersion: v1
kind: Service
metadata: {name: plain, namespace: plain}
spec:
  selector: {app: plain}
  ports: [{name: http, port: 80, targetPort: 8080}]
"""


def route(name: str, *, namespace: str = "plain", host: str = "", **spec: Any) -> str:
    made = {
        "apiVersion": "route.openshift.io/v1",
        "kind": "Route",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"host": host or f"{name}.{DOMAIN}", "to": {"kind": "Service", "name": "plain"}, **spec},
    }
    return json.dumps(made)


@pytest.fixture(scope="module")
def plain(mesh: Any) -> Iterator[Any]:
    """The cluster with a Deployment and a Service outside the mesh, in a namespace of their own."""
    mesh.cluster.run("create", "namespace", "plain")
    mesh.cluster.apply(PLAIN)
    mesh.cluster.must("rollout", "status", "deployment/plain", "-n", "plain", "--timeout=20s")
    yield mesh.__class__(mesh.cluster)
    mesh.cluster.run("delete", "namespace", "plain", "--wait=false")


@pytest.mark.parametrize(
    ("name", "tls", "secure", "insecure"),
    [
        ("edge-none", {"termination": "edge"}, "Hello plain!", "503"),
        (
            "edge-allow",
            {"termination": "edge", "insecureEdgeTerminationPolicy": "Allow"},
            "Hello plain!",
            "200",
        ),
        (
            "edge-to",
            {"termination": "edge", "insecureEdgeTerminationPolicy": "Redirect"},
            "Hello plain!",
            "302",
        ),
        ("insecure", None, PAGE, "200"),
    ],
)
def test_a_route_by_hand(plain: Any, name: str, tls: Any, secure: str, insecure: str) -> None:
    host = f"{name}.{DOMAIN}"
    plain.cluster.apply(route(name, **({"tls": tls} if tls else {})))
    eventually(lambda: secure in plain.call(host).text, within_s=5, what=secure)
    # Asked until it holds: to a client of TLS a host with an insecure route looks like no host at all.
    eventually(lambda: str(plain.plain(host, "/x?y=1").status) == insecure, within_s=5, what=insecure)
    if insecure == "302":
        port = plain.cluster.options.https_port
        where = host if port == 443 else f"{host}:{port}"
        assert plain.plain(host, "/x?y=1").headers["location"] == f"https://{where}/x?y=1"


def test_an_unknown_host_gets_the_routers_page(plain: Any) -> None:
    for ask in (plain.call, plain.plain):
        reply = ask(f"nobody.{DOMAIN}")
        assert (reply.status, PAGE in reply.text) == (503, True)
        assert reply.headers["content-type"].startswith("text/html")


def test_the_older_route_keeps_its_host_and_the_younger_says_so(plain: Any) -> None:
    plain.cluster.run("create", "namespace", "plain-two")
    try:
        plain.cluster.apply(route("claimed", tls={"termination": "edge"}))
        time.sleep(1.1)  # ages are whole seconds
        plain.cluster.apply(route("claimed", namespace="plain-two", tls={"termination": "edge"}))
        admitted = lambda: next(  # noqa: E731
            iter(
                plain.get("routes.route.openshift.io", "claimed", "plain-two")
                .get("status", {})
                .get("ingress", ())
            ),
            None,
        )
        (row,) = eventually(admitted, what="a verdict")["conditions"]
        assert (row["type"], row["status"], row["reason"]) == ("Admitted", "False", "HostAlreadyClaimed")
        listing = plain.cluster.must("get", "routes.route.openshift.io", "-n", "plain-two")
        assert "HostAlreadyClaimed" in listing
        assert plain.call(f"claimed.{DOMAIN}").text == "Hello plain!"
    finally:
        plain.cluster.run("delete", "namespace", "plain-two", "--wait=false")


def shown(site: Any, host: str) -> str:
    """The certificate that a host is served with, as PEM."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with site.connect(host) as sock:
        return ssl.DER_cert_to_PEM_cert(sock.getpeercert(binary_form=True))


def test_passthrough_shows_the_gateways_certificate_and_edge_the_routes_own(plain: Any, mesh: Any) -> None:
    folder = plain.cluster.folder
    certificate, key = ((folder / f"wildcard.{end}").read_text() for end in ("crt", "key"))
    own = {"termination": "edge", "certificate": certificate, "key": key}
    plain.cluster.apply(route("own", tls=own))
    plain.cluster.apply(route("default", tls={"termination": "edge"}))
    eventually(
        lambda: shown(plain, f"own.{DOMAIN}").strip() in certificate, within_s=5, what="its certificate"
    )
    eventually(lambda: plain.call(f"default.{DOMAIN}").status == 200)
    assert shown(plain, f"default.{DOMAIN}").strip() not in certificate
    assert shown(mesh, f"hello-default.{DOMAIN}").strip() in certificate


def routes_of(site: Any, name: str) -> list[Any]:
    label = f"serving.knative.openshift.io/ingressName={name}"
    return list(site.cluster.json("routes.route.openshift.io", "-A", "-l", label)["items"])


def test_without_the_passthrough_annotation_the_route_is_edge_with_the_routers_certificate(
    mesh: Any, gone: Gone
) -> None:
    gone("edged")
    mesh.cluster.apply(
        json.dumps({**mesh.manifest("edged"), "metadata": {"name": "edged", "namespace": "default"}})
    )
    eventually(lambda: mesh.is_settled("edged"), what="edged Ready")
    (made,) = eventually(lambda: routes_of(mesh, "edged"), what="its Route")
    assert made["spec"]["tls"] == {"termination": "edge", "insecureEdgeTerminationPolicy": "Allow"}
    assert made["spec"]["port"] == {"targetPort": "http2"}
    anyone = mesh.__class__(mesh.cluster)
    host = mesh.host("edged")
    eventually(lambda: mesh.cluster.options and anyone.call(host), within_s=5)
    assert shown(anyone, host).strip() not in (mesh.cluster.folder / "wildcard.crt").read_text()
    with pytest.raises(ssl.SSLCertVerificationError):
        mesh.call(host)


@pytest.mark.parametrize(
    ("notes", "timeout"),
    [
        ({}, "600s"),
        ({"serving.knative.openshift.io/setRouteTimeout": "800"}, "800s"),
        ({"serving.knative.openshift.io/disableRoute": "true"}, None),
    ],
)
def test_annotations_of_the_service_shape_its_route(
    mesh: Any, gone: Gone, notes: dict[str, str], timeout: str | None
) -> None:
    name = f"shaped-{len(notes) and len(next(iter(notes.values())))}"
    gone(name)
    mesh.cluster.apply(json.dumps(mesh.manifest(name, own=notes)))
    eventually(lambda: mesh.is_settled(name), what="Ready")
    if timeout is None:
        assert not routes_of(mesh, name)
        return
    (made,) = eventually(lambda: routes_of(mesh, name), what="its Route")
    assert made["metadata"]["annotations"]["haproxy.router.openshift.io/timeout"] == timeout


def test_the_listing_has_openshifts_columns(mesh: Any) -> None:
    head, *rows = mesh.cluster.must("get", "routes.route.openshift.io", "-n", "istio-system").splitlines()
    assert head.split() == ["NAME", "HOST/PORT", "PATH", "SERVICES", "PORT", "TERMINATION", "WILDCARD"]
    assert any("istio-ingressgateway" in row and "passthrough/Redirect" in row for row in rows)


REENCRYPT = """
import http.server, os, ssl
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain("/certs/tls.crt", "/certs/tls.key")
class Say(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.send_header("content-length", "9"); self.end_headers()
        self.wfile.write(b"encrypted")
server = http.server.ThreadingHTTPServer(("", 8443), Say)
server.socket = context.wrap_socket(server.socket, server_side=True)
server.serve_forever()
"""


def test_reencrypt_speaks_tls_to_the_backend_and_verifies_it(plain: Any, tmp_path: Any) -> None:
    (tmp_path / "Procfile").write_text("web: python3 tls.py\n")
    (tmp_path / "tls.py").write_text(REENCRYPT)
    image = plain.image("tls", tmp_path)
    folder = plain.cluster.folder
    files = {"tls.crt": "wildcard.crt", "tls.key": "wildcard.key"}
    data = {k: base64.b64encode((folder / v).read_bytes()).decode() for k, v in files.items()}
    container = {
        "name": "c",
        "image": image,
        "volumeMounts": [{"name": "certs", "mountPath": "/certs"}],
        "readinessProbe": {"tcpSocket": {"port": 8443}, "periodSeconds": 1},
    }
    objects = [
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": "certs", "namespace": "plain"},
            "data": data,
        },
        {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": "tls", "namespace": "plain", "labels": {"app": "tls"}},
            "spec": {
                "containers": [container],
                "volumes": [{"name": "certs", "secret": {"secretName": "certs"}}],
            },
        },
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": "tls", "namespace": "plain"},
            "spec": {
                "selector": {"app": "tls"},
                "ports": [{"name": "https", "port": 443, "targetPort": 8443}],
            },
        },
    ]
    plain.cluster.apply(json.dumps({"apiVersion": "v1", "kind": "List", "items": objects}))
    plain.cluster.must("wait", "--for=condition=Ready", "pod/tls", "-n", "plain", "--timeout=15s")
    roots = (folder / "root.crt").read_text()
    back = {"to": {"kind": "Service", "name": "tls"}}
    good = {"termination": "reencrypt", "destinationCACertificate": roots}
    other = {**good, "destinationCACertificate": shown(plain, f"nobody.{DOMAIN}")}
    plain.cluster.apply(route("mistrusted", tls=other, **back))  # first, so that it is served with the next
    plain.cluster.apply(route("reencrypted", tls=good, **back))
    plain.cluster.apply(route("through", tls={"termination": "passthrough"}, **back))
    eventually(lambda: plain.call(f"reencrypted.{DOMAIN}").text == "encrypted", within_s=5, what="encrypted")
    assert plain.call(f"mistrusted.{DOMAIN}").status == 503
    eventually(lambda: mesh_like(plain, folder).call(f"through.{DOMAIN}").text == "encrypted", within_s=5)


def mesh_like(site: Any, folder: Any) -> Any:
    """A client that trusts the document's root."""
    return site.__class__(site.cluster, folder / "root.crt")
