from __future__ import annotations

import yaml

from hauberk.demo.steps import (
    CERTIFICATES,
    GATEWAYS_WANTED,
    MANIFESTS,
    STEPS,
    exposed_gateways,
    gateway_lines,
)


def test_every_manifest_of_the_document_is_applied_by_a_step() -> None:
    applied = {c[-1] for step in STEPS for c in step.commands if "apply" in c}
    assert applied == {str(f) for f in MANIFESTS.glob("*.yaml")}


def test_no_placeholder_is_left_in_the_manifests() -> None:
    for file in MANIFESTS.glob("*.yaml"):
        assert "<" not in file.read_text(), file.name
        assert "your-" not in file.read_text(), file.name
        assert all(doc["kind"] for doc in yaml.safe_load_all(file.read_text()))


def test_the_openssl_commands_are_the_documents() -> None:
    first = " ".join(CERTIFICATES.commands[0])
    assert first.startswith("openssl req -x509 -sha256 -nodes -days 365 -newkey rsa:2048")


def test_the_preflight_listing_is_compared_without_its_column_widths() -> None:
    printed = "\n".join(line.replace(" [", "    [") for line in reversed(GATEWAYS_WANTED)) + "\n"
    assert gateway_lines(printed) == GATEWAYS_WANTED


def test_a_gateway_exposed_on_a_node_port_is_found() -> None:
    listing = (
        "istio-system   istio-ingressgateway   NodePort    172.30.46.146   <none>   80:30001/TCP\n"
        "default        other                  NodePort    172.30.46.147   <none>   80:30002/TCP\n"
        "istio-system   istio-egressgateway    ClusterIP   172.30.46.148   <none>   80/TCP\n"
    )
    assert len(exposed_gateways(listing)) == 1
