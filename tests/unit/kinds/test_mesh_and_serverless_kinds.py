from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from hauberk.base.refs import kind_of
from hauberk.kinds import BY_ID, eventing, knative_operator, maistra, networking, openshift
from hauberk.kinds.placeholders import left_in
from hauberk.kinds.walk import warnings

DOCUMENT = Path(__file__).parents[3] / "examples" / "document"


@pytest.mark.parametrize(
    "name",
    [
        "01-smcp.yaml",
        "02-servicemesh-member-roll.yaml",
        "04-knative-serving-config.yaml",
        "05-knative-eventing-config.yaml",
    ],
)
def test_the_documents_settings_all_act(name: str) -> None:
    for raw in yaml.safe_load_all((DOCUMENT / name).read_text()):
        kind = BY_ID[kind_of(raw)]
        assert list(warnings(kind, raw)) == []
        assert list(kind.validate(kind.parse(kind.default(raw)))) == []


@pytest.mark.parametrize(
    ("raw", "path"),
    [
        ({"metadata": {"name": "<name>"}}, "metadata.name"),
        ({"spec": {"a": [{"b": "x.<your-istio-namespace>.svc"}]}}, "spec.a[0].b"),
        ({"spec": {"members": ["your-OpenShift-projects"]}}, "spec.members[0]"),
        ({"spec": {"a": "1 < 2 > 1"}}, None),
        ({"spec": {"a": "apps.example.com"}}, None),
    ],
)
def test_placeholders_that_were_left_in_are_found(raw: dict[str, Any], path: str | None) -> None:
    assert [e.path for e in left_in(raw)] == ([path] if path else [])


def kind(name: str) -> Any:
    return BY_ID[name]


@pytest.mark.parametrize(
    ("name", "spec", "text"),
    [
        (
            "KnativeServing.operator.knative.dev",
            {"config": {"observability": {"metrics.backend-destination": "prometheus"}}},
            "metrics-protocol",
        ),
        ("KnativeServing.operator.knative.dev", {"config": {"nope": {}}}, "there is no ConfigMap"),
        ("KnativeServing.operator.knative.dev", {"workloads": [{"name": "x"}]}, "there is no workload"),
        (
            "KnativeServing.operator.knative.dev",
            {"ingress": {"istio": {"enabled": True}, "kourier": {"enabled": True}}},
            "kourier takes precedence",
        ),
        ("KnativeEventing.operator.knative.dev", {"workloads": [{"name": "x"}]}, "there is no workload"),
        ("NetworkPolicy.networking.k8s.io", {}, "does not enforce"),
        (
            "StatefulSet.apps",
            {"updateStrategy": {"rollingUpdate": {"maxUnavailable": 2}}},
            "maxUnavailable: has no effect",
        ),
    ],
)
def test_what_does_nothing_says_so(name: str, spec: dict[str, Any], text: str) -> None:
    found = list(kind(name).advice({"metadata": {"name": "n"}, "spec": spec}))
    assert any(text in line for line in found), found


def test_the_documents_sink_below_broker_is_a_defect_that_says_where_it_belongs() -> None:
    strict = kind("KnativeKafka.operator.serverless.openshift.io").strict
    below, beside = {"broker": {"sink": {}}}, {"broker": {}, "sink": {"enabled": True}}
    (error,) = strict({"metadata": {"name": "n"}, "spec": below})
    assert error.path == "spec.broker.sink"
    assert "spec.sink.enabled" in str(error)
    assert not list(strict({"metadata": {"name": "n"}, "spec": beside}))


@pytest.mark.parametrize(
    ("name", "spec", "path"),
    [
        ("Trigger.eventing.knative.dev", {"broker": "b"}, "spec.subscriber.ref"),
        ("PingSource.sources.knative.dev", {}, "spec.sink.ref"),
        ("Subscription.messaging.knative.dev", {}, "spec.channel"),
        ("ServiceMeshMember.maistra.io", {}, "spec.controlPlaneRef.name"),
        ("Ingress.config.openshift.io", {}, "spec.domain"),
        ("ServiceMeshMemberRoll.maistra.io", {"members": ["Bad_Name"]}, "spec.members[0]"),
        ("ServiceMeshMemberRoll.maistra.io", {"members": ["a", "*"]}, "spec.members"),
        ("ServiceMeshMemberRoll.maistra.io", {"members": ["a", "a"]}, "spec.members"),
        (
            "ServiceMeshControlPlane.maistra.io",
            {"techPreview": {"meshConfig": {"defaultConfig": {"terminationDrainDuration": "soon"}}}},
            "spec.techPreview.meshConfig.defaultConfig.terminationDrainDuration",
        ),
        (
            "ServiceMeshControlPlane.maistra.io",
            {"gateways": {"ingress": {"service": {"type": "Magic"}}}},
            "spec.gateways.ingress.service.type",
        ),
    ],
)
def test_broken_rules_name_the_field(name: str, spec: dict[str, Any], path: str) -> None:
    row = kind(name)
    errors = list(row.validate(row.parse({"metadata": {"name": "n"}, "spec": spec})))
    assert path in [e.path.partition("\n")[0] for e in errors]


def tls(termination: str, **more: str) -> dict[str, Any]:
    return {"host": "h.example.com", "to": {"name": "s"}, "tls": {"termination": termination, **more}}


@pytest.mark.parametrize(
    ("spec", "path"),
    [
        (tls("edge"), None),
        (tls("edge", insecureEdgeTerminationPolicy="Allow"), None),
        (tls("passthrough", insecureEdgeTerminationPolicy="Redirect"), None),
        (tls("passthrough", insecureEdgeTerminationPolicy="Allow"), "spec.tls.insecureEdgeTerminationPolicy"),
        (tls("passthrough", certificate="c"), "spec.tls.certificate"),
        ({**tls("passthrough"), "path": "/x"}, "spec.path"),
        (tls("edge", destinationCACertificate="c"), "spec.tls.destinationCACertificate"),
        (tls("reencrypt", destinationCACertificate="c"), None),
        (tls("none"), "spec.tls.termination"),
        ({"host": "h.example.com", "to": {}}, "spec.to.name"),
        ({"host": "h.example.com", "to": {"name": "s"}, "path": "x"}, "spec.path"),
    ],
)
def test_terminations_and_policies_of_a_route(spec: dict[str, Any], path: str | None) -> None:
    row = kind("Route.route.openshift.io")
    errors = list(row.validate(row.parse({"metadata": {"name": "r"}, "spec": spec})))
    assert [e.path for e in errors] == ([path] if path else [])


def test_columns_of_a_route_read_as_oc_prints_them() -> None:
    row = kind("Route.route.openshift.io")
    route = {
        "metadata": {"name": "r"},
        "spec": {
            **tls("passthrough", insecureEdgeTerminationPolicy="Redirect"),
            "port": {"targetPort": "https"},
        },
        "status": {"ingress": [{"host": "h.example.com", "conditions": []}]},
    }
    by_name = {c.name: c.path(route, 0.0) for c in row.columns if callable(c.path)}
    assert by_name == {"Host/Port": "h.example.com", "Port": "https", "Termination": "passthrough/Redirect"}


def test_defaults_of_a_control_plane_are_upstreams() -> None:
    raw = kind("ServiceMeshControlPlane.maistra.io").default({"metadata": {"name": "n"}})
    assert raw["spec"] == {"version": "v2.6", "profiles": ["default"]}


def test_every_kind_of_these_groups_has_a_sentence_and_a_unique_name() -> None:
    rows = [*maistra.KINDS, *knative_operator.KINDS, *eventing.KINDS, *openshift.KINDS, *networking.KINDS]
    assert len({row.id for row in rows}) == len(rows)
    assert all(row.doc or row.model.__doc__ for row in rows)
