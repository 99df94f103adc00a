"""What Istio's webhook refuses, with its words; and what a lenient cluster only warns of."""

from __future__ import annotations

from typing import Any

import pytest

from hauberk.kinds import BY_ID

GATEWAY, ENTRY = "Gateway.networking.istio.io", "ServiceEntry.networking.istio.io"
ROUTES, RULE = "VirtualService.networking.istio.io", "DestinationRule.networking.istio.io"
POLICY, PEER = "AuthorizationPolicy.security.istio.io", "PeerAuthentication.security.istio.io"
HTTPS = {"number": 443, "name": "https", "protocol": "HTTPS"}


def errors(kind: str, spec: dict[str, Any]) -> list[str]:
    row = BY_ID[kind]
    return [
        str(e) for e in row.validate(row.parse({"metadata": {"name": "x", "namespace": "n"}, "spec": spec}))
    ]


@pytest.mark.parametrize(
    ("kind", "spec", "want"),
    [
        (GATEWAY, {}, "spec.servers: gateway must have at least one server"),
        (
            GATEWAY,
            {"servers": [{"port": HTTPS, "hosts": ["*"], "tls": {"mode": "SIMPLE"}}]},
            "spec.servers[0].tls.credentialName: SIMPLE TLS requires a server certificate",
        ),
        (GATEWAY, {"servers": [{"hosts": ["*"]}]}, "spec.servers[0].port: port is required"),
        (
            GATEWAY,
            {"servers": [{"port": HTTPS, "hosts": ["*"]}]},
            "spec.servers[0].tls: server must have TLS settings for HTTPS/TLS protocols",
        ),
        (
            ROUTES,
            {"hosts": ["a"], "http": [{}]},
            "spec.http[0].route: HTTP route, redirect or direct_response",
        ),
        (
            ROUTES,
            {"hosts": ["a"], "http": [{"route": [{"destination": {"host": "b"}, "weight": -1}]}]},
            "spec.http[0].route[0].weight: weight -1 < 0",
        ),
        (RULE, {"host": "a", "subsets": [{"name": "x"}, {"name": "x"}]}, "spec.subsets[1].name: duplicate"),
        (
            ENTRY,
            {"hosts": ["a.b"], "resolution": "STATIC", "ports": [{"number": 1, "name": "a"}]},
            "spec.endpoints: endpoints must be provided",
        ),
        (POLICY, {"action": "CUSTOM"}, "spec.provider: `provider.name` must not be empty"),
        (
            PEER,
            {"portLevelMtls": {"80": {"mode": "STRICT"}}},
            "spec.portLevelMtls: port level mtls is only supported with a workload selector",
        ),
    ],
)
def test_broken_objects_are_refused(kind: str, spec: dict[str, Any], want: str) -> None:
    assert any(error.startswith(want) for error in errors(kind, spec)), errors(kind, spec)


def test_the_documents_service_entry_is_stored_but_its_defect_is_named() -> None:
    spec = {
        "hosts": ["kafka.example.com"],
        "ports": [{"number": n, "name": "tcp-tls", "protocol": "TCP"} for n in (9093, 9096)],
    }
    assert errors(ENTRY, spec) == []
    (defect,) = BY_ID[ENTRY].strict({"spec": spec})
    assert str(defect).startswith('spec.ports[1].name: service entry port name "tcp-tls" already defined')
    assert "tcp-tls-9096" in defect.message


def test_a_kind_that_does_not_act_says_so() -> None:
    for name in ("Sidecar", "EnvoyFilter", "WorkloadEntry", "WorkloadGroup", "ProxyConfig"):
        assert list(BY_ID[f"{name}.networking.istio.io"].advice({})), name
