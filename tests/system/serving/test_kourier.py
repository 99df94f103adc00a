"""Serving with Kourier: a gateway without the mesh, and the way to Istio."""

from __future__ import annotations

import base64
import json
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509

from hauberk.kinds.knative_internal.ingress import network_hash
from hauberk.testing.cluster import Cluster, eventually, hauberk, started

pytestmark = pytest.mark.system
EXAMPLES = Path(__file__).parents[3] / "examples"
ROUTE = "routes.route.openshift.io"


@pytest.fixture(scope="module")
def kourier(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A cluster with the README's tour applied; the idle go within seconds."""
    name = f"t-{secrets.token_hex(3)}"
    try:
        cluster = started(name, tmp_path_factory.mktemp("kourier"), "--ephemeral")
        cluster.must("create", "namespace", "knative-serving")
        cluster.must("apply", "-f", str(EXAMPLES / "kourier.yaml"))
        ready = ("wait", "--for=condition=Ready", "--timeout=60s")
        cluster.must(*ready, "knativeserving/knative-serving", "-n", "knative-serving")
        cluster.must("apply", "-f", str(EXAMPLES / "hello.yaml"))
        cluster.must(*ready, "ksvc/hello")
        yield cluster
    finally:
        hauberk("down", "--name", name)


@pytest.fixture(scope="module")
def site(kourier: Cluster, site_of: Any) -> Any:
    return site_of(kourier)


def answered(site: Any) -> bool:
    try:
        return bool(site.call(site.host("hello")).text == "Hello Hauberk!")
    except OSError:
        return False


def test_the_service_stays_ready_and_answers_through_an_edge_route(kourier: Cluster, site: Any) -> None:
    assert answered(site)  # at once: Ready waits for the router
    for _ in range(20):
        assert site.is_settled("hello")
    (route,) = kourier.json(ROUTE, "-n", "knative-serving-ingress")["items"]
    assert route["spec"]["to"]["name"] == "kourier"
    assert route["spec"]["tls"]["termination"] == "edge"
    assert route["spec"]["port"] == {"targetPort": "http2"}
    assert site.plain(site.host("hello")).text == "Hello Hauberk!"
    names = [c["name"] for p in site.pods("hello") for c in p["spec"]["containers"]]
    assert "istio-proxy" not in names


@pytest.mark.must("loss-no-mesh")
def test_without_the_mesh_pods_come_and_go_without_a_loss(kourier: Cluster, site: Any) -> None:
    """A rollout, then deleted pods: through the router, Kourier and the activator, on kept connections."""
    notes = {"autoscaling.knative.dev/min-scale": "2"}
    host = site.deploy("spared", "autoscale", notes=notes)
    try:
        eventually(lambda: len(site.pods("spared")) == 2, what="two pods")
        with site.steady(host, "/?sleep=150") as load:
            eventually(lambda: load.seen["200"] > 20)
            site.deploy("spared", "autoscale", notes=notes, env={"N": "2"})
            second = "serving.knative.dev/revision=spared-00002"
            kourier.must("delete", "pod", "-n", "default", "-l", second, "--wait=false")
            eventually(lambda: len(site.pods("spared")) >= 2, what="two pods again")
            before = load.seen["200"]
            eventually(lambda: load.seen["200"] > before + 60)
    finally:
        site.forget("spared")
    assert not load.lost, load.lost[:3]
    assert set(load.seen) == {"200"}, load.seen


def annotate(kourier: Cluster, *notes: str) -> None:
    kourier.must("annotate", "ksvc", "hello", "--overwrite", *notes)


def plainly(site: Any) -> Any:
    return site.plain(site.host("hello"))


def test_a_redirect_is_made_by_the_route_and_not_again_by_kourier(kourier: Cluster, site: Any) -> None:
    """Behind an edge Route every request is plain: Kourier must not send it round in circles."""
    annotate(kourier, "networking.knative.dev/http-protocol=redirected")
    eventually(lambda: plainly(site).status == 302, within_s=10, what="a redirect")
    assert plainly(site).headers["location"].startswith(f"https://{site.host('hello')}")
    assert answered(site)
    (route,) = kourier.json(ROUTE, "-n", "knative-serving-ingress")["items"]
    assert route["spec"]["tls"]["insecureEdgeTerminationPolicy"] == "Redirect"
    annotate(kourier, "networking.knative.dev/http-protocol-")
    eventually(lambda: plainly(site).status == 200, within_s=10, what="no redirect")


def test_a_probe_gets_the_hash_of_the_ingress_that_the_gateway_serves(kourier: Cluster, site: Any) -> None:
    asked = {"K-Network-Probe": "probe", "K-Network-Hash": "override"}
    reply = site.call(site.host("hello"), headers=asked)
    ingress = kourier.json("king", "hello", "-n", "default")
    assert (reply.status, reply.headers["k-network-hash"]) == (200, network_hash(ingress))
    missing = site.call(site.host("hello"), headers={"K-Network-Probe": "probe"})
    assert missing.status == 400


def shown(site: Any, host: str) -> str:
    """Who the certificate says it is; empty when there is no TLS."""
    try:
        with site.connect(host, timeout_s=3) as sock:
            found = x509.load_der_x509_certificate(sock.getpeercert(binary_form=True))
    except OSError:
        return ""
    return str(found.subject.rfc4514_string())


def test_passthrough_needs_a_certificate_that_kourier_is_told_of(
    kourier: Cluster, site: Any, tmp_path: Path
) -> None:
    """As upstream: 8443 is closed until net-kourier-controller's environment names a Secret."""
    host = site.host("hello")
    annotate(kourier, "serving.knative.openshift.io/enablePassthrough=true")
    eventually(lambda: not shown(site, host), within_s=10, what="nothing behind the passthrough Route")
    told = kourier.must("get", "events", "-n", "default", "--field-selector=reason=CertificateMissing")
    assert "CERTS_SECRET_NAME" in told
    kourier.shell.must(
        ["openssl", "req", "-x509", "-nodes", "-newkey", "rsa:2048", "-days", "9",
         "-subj", "/CN=kourier.test", "-keyout", str(tmp_path / "k"), "-out", str(tmp_path / "c")]
    )  # fmt: skip
    kourier.must(
        "create", "secret", "tls", "front", "-n", "knative-serving-ingress",
        f"--cert={tmp_path / 'c'}", f"--key={tmp_path / 'k'}",
    )  # fmt: skip
    env = [
        {"name": "CERTS_SECRET_NAMESPACE", "value": "knative-serving-ingress"},
        {"name": "CERTS_SECRET_NAME", "value": "front"},
    ]
    told = [{"name": "net-kourier-controller", "env": [{"container": "controller", "envVars": env}]}]
    at = ("patch", "knativeserving", "knative-serving", "-n", "knative-serving", "--type=merge", "-p")
    kourier.must(*at, json.dumps({"spec": {"workloads": told}}))
    eventually(lambda: shown(site, host) == "CN=kourier.test", within_s=20, what="Kourier's own certificate")
    assert answered(site)
    annotate(kourier, "serving.knative.openshift.io/enablePassthrough-")
    eventually(lambda: answered(site) and shown(site, host) != "CN=kourier.test", what="edge again")


def test_the_local_url_answers_inside_the_cluster(kourier: Cluster) -> None:
    url = kourier.must("get", "ksvc", "hello", "-o", "jsonpath={.status.address.url}")
    assert url == "http://hello.default.svc.cluster.local"
    ask = f"curl -sS --max-time 10 --retry 5 --retry-connrefused {url}"
    kourier.must(
        "run", "client", "--image=hauberk.local/curl", "--restart=Never", "--command", "--", "sh", "-c", ask
    )
    eventually(
        lambda: kourier.run("logs", "client").out.strip() == "Hello Hauberk!", within_s=15, what="hello"
    )


def test_the_local_name_answers_over_tls_where_it_gets_a_certificate(kourier: Cluster, site: Any) -> None:
    at = ("patch", "knativeserving", "knative-serving", "-n", "knative-serving", "--type=merge", "-p")
    wish = '{"spec":{"config":{"network":{"cluster-local-domain-tls":"%s"}}}}'
    address = ("get", "ksvc", "hello", "-o", "jsonpath={.status.address.url}")
    url = "https://hello.default.svc.cluster.local"
    kourier.must(*at, wish % "Enabled")
    try:
        eventually(lambda: kourier.must(*address) == url, what="the address is https")
        eventually(lambda: site.is_settled("hello"), what="Ready")
        (row,) = kourier.json("kcert", "-l", "networking.knative.dev/certificate-type=cluster-local-domain")[
            "items"
        ]
        assert row["spec"]["dnsNames"] == [
            "hello.default", "hello.default.svc", "hello.default.svc.cluster.local",
        ]  # fmt: skip
        secret = kourier.json("secret", row["spec"]["secretName"])
        roots = base64.b64decode(secret["data"]["ca.crt"]).decode()
        ask = (
            'echo "$CA" > /tmp/ca; '
            f"curl -sS --max-time 10 --retry 5 --retry-connrefused --cacert /tmp/ca {url}; "
            f"curl -sS --max-time 10 --cacert /tmp/ca {url.replace('.cluster.local', '')}"
        )
        kourier.must(
            "run", "secure", "--image=hauberk.local/curl", "--restart=Never", f"--env=CA={roots}",
            "--command", "--", "sh", "-c", ask,
        )  # fmt: skip
        said = lambda: kourier.run("logs", "secure").out.split("\n")  # noqa: E731
        eventually(lambda: said()[:2] == ["Hello Hauberk!"] * 2, within_s=15, what="hello, twice")
    finally:
        kourier.must(*at, wish % "Disabled")
    eventually(lambda: kourier.must(*address) == url.replace("https", "http"), what="plain again")


def test_a_mapped_host_leads_to_the_service(kourier: Cluster, site: Any) -> None:
    made = {
        "apiVersion": "serving.knative.dev/v1beta1",
        "kind": "DomainMapping",
        "metadata": {"name": "shop.example.org", "namespace": "default"},
        "spec": {"ref": {"kind": "Service", "apiVersion": "serving.knative.dev/v1", "name": "hello"}},
    }
    kourier.apply(json.dumps(made))
    kourier.must("wait", "--for=condition=Ready", "dm/shop.example.org", "--timeout=20s")
    assert site.call("shop.example.org").text == "Hello Hauberk!"
    kourier.must("delete", "dm", "shop.example.org")


def test_it_scales_to_zero_and_back(kourier: Cluster, site: Any) -> None:
    patch = '{"spec":{"config":{"autoscaler":{"stable-window":"6s","scale-to-zero-grace-period":"1s"}}}}'
    kourier.must(
        "patch", "knativeserving", "knative-serving", "-n", "knative-serving", "--type=merge", "-p", patch
    )
    eventually(lambda: not site.pods("hello", ready=False), within_s=30, what="no pods")
    assert answered(site)


def ingress_class(kourier: Cluster) -> str:
    found = kourier.json("king", "hello", "-n", "default")
    return str(found["metadata"]["annotations"]["networking.knative.dev/ingress.class"])


def test_kourier_wins_when_both_are_enabled_and_services_move_to_istio_when_it_is_off(
    kourier: Cluster, site: Any
) -> None:
    both = '{"spec":{"ingress":{"istio":{"enabled":true},"kourier":{"enabled":true}}}}'
    at = ("patch", "knativeserving", "knative-serving", "-n", "knative-serving", "--type=merge", "-p")
    warned = kourier.run(*at, both)
    assert "kourier takes precedence" in warned.err
    data = lambda: kourier.json("cm", "config-network", "-n", "knative-serving")["data"]  # noqa: E731
    assert data()["ingress-class"].startswith("kourier")
    kourier.must(*at, '{"spec":{"ingress":{"istio":{"enabled":true},"kourier":{"enabled":false}}}}')
    eventually(lambda: data()["ingress-class"].startswith("istio"), what="the default class")
    eventually(lambda: ingress_class(kourier).startswith("istio"), what="Istio's class on the Ingress")
    eventually(lambda: not site.is_settled("hello"), what="not Ready without Istio's gateways")
    row = site.condition(site.get("ksvc", "hello"), "RoutesReady")
    assert "Gateway knative-serving/knative-ingress-gateway does not exist" in row["message"]


def test_without_its_resource_nothing_of_serving_stays(kourier: Cluster) -> None:
    kourier.must("delete", "knativeserving", "knative-serving", "-n", "knative-serving", "--timeout=20s")

    def left() -> list[str]:
        kinds = "deployments,services,configmaps"
        listing = kourier.must("get", kinds, "-n", "knative-serving", "-o", "name").split()
        return [name for name in listing if not name.endswith("kube-root-ca.crt")]

    eventually(lambda: not left(), within_s=20, what="an empty namespace")
    eventually(
        lambda: not kourier.run("get", "ns", "knative-serving-ingress").ok, what="no ingress namespace"
    )
