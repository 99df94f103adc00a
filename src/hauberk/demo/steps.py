"""The document's steps as a table: a title, the commands as the document writes them, what to wait for."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

MANIFESTS = Path(__file__).parent / "document"
HOST = "hello-default.apps.openshift.example.com"
ROOT_SUBJECT = "/O=Example Inc./CN=example.com"
WILDCARD_SUBJECT = "/CN=*.apps.openshift.example.com/O=Example Inc."

GATEWAYS_JSONPATH = (
    '{range .items[*]}{@.metadata.namespace}{"/"}{@.metadata.name}{" "}{@.spec.servers}{"\\n"}{end}'
)
GATEWAYS_WANTED = (
    'knative-serving/knative-ingress-gateway [{"hosts":["*"],"port":{"name":"https","number":443,'
    '"protocol":"HTTPS"},"tls":{"credentialName":"wildcard-certs","mode":"SIMPLE"}}]',
    'knative-serving/knative-local-gateway [{"hosts":["*"],"port":{"name":"https","number":8081,'
    '"protocol":"HTTPS"},"tls":{"mode":"ISTIO_MUTUAL"}}]',
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step: commands (`KUBE` stands for oc or kubectl), then objects that must become ready.

    `waits` are arguments of `kubectl wait`, one tuple each.
    """

    title: str
    commands: tuple[tuple[str, ...], ...]
    waits: tuple[tuple[str, ...], ...] = ()


KUBE = "KUBE"


def _apply(file: str) -> tuple[str, ...]:
    return (KUBE, "apply", "-f", str(MANIFESTS / file))


def _ready(what: str, namespace: str) -> tuple[str, ...]:
    return ("--for=condition=Ready", what, "-n", namespace)


CERTIFICATES = Step(
    title="certificates: root, wildcard, signature (openssl)",
    commands=(
        (
            "openssl", "req", "-x509", "-sha256", "-nodes", "-days", "365", "-newkey", "rsa:2048",
            "-subj", ROOT_SUBJECT, "-keyout", "root.key", "-out", "root.crt",
        ),
        (
            "openssl", "req", "-nodes", "-newkey", "rsa:2048", "-subj", WILDCARD_SUBJECT,
            "-keyout", "wildcard.key", "-out", "wildcard.csr",
        ),
        (
            "openssl", "x509", "-req", "-days", "365", "-set_serial", "0", "-CA", "root.crt",
            "-CAkey", "root.key", "-in", "wildcard.csr", "-out", "wildcard.crt",
        ),
    ),
)  # fmt: skip

NAMESPACES = ("istio-system", "knative-serving", "knative-eventing")

HELLO = Step(
    title="the Knative service `hello` with its sidecar",
    commands=(_apply("08-knative-service.yaml"),),
    waits=(_ready("services.serving.knative.dev/hello", "default"),),
)

STEPS: tuple[Step, ...] = (
    Step(
        title="namespaces and the certificate's secret",
        commands=(
            *((KUBE, "create", "namespace", namespace) for namespace in NAMESPACES),
            (
                KUBE, "create", "-n", "istio-system", "secret", "tls", "wildcard-certs",
                "--key=wildcard.key", "--cert=wildcard.crt",
            ),
        ),
    ),
    Step(
        title="service mesh control plane, strict mTLS",
        commands=(_apply("01-smcp.yaml"),),
        waits=(_ready("servicemeshcontrolplane/basic", "istio-system"),),
    ),
    Step(
        title="member roll",
        commands=(_apply("02-servicemesh-member-roll.yaml"),),
        waits=(_ready("servicemeshmemberroll/default", "istio-system"),),
    ),
    Step(title="gateways", commands=(_apply("03-istio-knative-gateways.yaml"),)),
    Step(
        title="Knative Serving and Eventing in the mesh",
        commands=(_apply("04-knative-serving-config.yaml"), _apply("05-knative-eventing-config.yaml")),
        waits=(
            _ready("knativeserving/knative-serving", "knative-serving"),
            _ready("knativeeventing/knative-eventing", "knative-eventing"),
        ),
    ),
    HELLO,
)  # fmt: skip

QUICK_SCALE_DOWN = (
    KUBE, "patch", "knativeserving", "knative-serving", "-n", "knative-serving", "--type=merge", "-p",
    '{"spec":{"config":{"autoscaler":{"stable-window":"6s","scale-to-zero-grace-period":"6s"}}}}',
)  # fmt: skip
"""Upstream waits 60 s + 30 s; the demo's reader should not have to."""


def gateway_lines(jsonpath_output: str) -> tuple[str, ...]:
    """The preflight's output as sorted, single-spaced lines."""
    return tuple(sorted(" ".join(line.split()) for line in jsonpath_output.splitlines() if line.strip()))


def exposed_gateways(services: str) -> tuple[str, ...]:
    """Lines of `get svc -A` that show the ingress gateway as NodePort or LoadBalancer."""
    return tuple(
        line
        for line in services.splitlines()
        if "istio-ingressgateway" in line and ("NodePort" in line or "LoadBalancer" in line)
    )
