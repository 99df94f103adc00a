"""Rules of sources, flows and JobSinks, in upstream's words."""

from __future__ import annotations

from typing import Any

import pytest

from hauberk.kinds import BY_ID
from hauberk.kinds.testing import a

PING, API = "PingSource.sources.knative.dev", "ApiServerSource.sources.knative.dev"
CONTAINER, BINDING = "ContainerSource.sources.knative.dev", "SinkBinding.sources.knative.dev"
SEQUENCE, PARALLEL, JOBS = (
    "Sequence.flows.knative.dev",
    "Parallel.flows.knative.dev",
    "JobSink.sinks.knative.dev",
)
SINK = {"ref": {"apiVersion": "v1", "kind": "Service", "name": "s", "namespace": "default"}}
SUBJECT = {"apiVersion": "apps/v1", "kind": "Deployment", "namespace": "default"}


def errors(kind: str, **spec: Any) -> dict[str, str]:
    obj = a(kind)
    obj["spec"] = {k: v for k, v in {**obj["spec"], **spec}.items() if v is not None}
    row = BY_ID[kind]
    found = row.validate(row.parse(row.default(obj)))
    return {e.path.partition("\n")[0]: e.message for e in found}


@pytest.mark.parametrize("kind", [PING, API, CONTAINER, BINDING, SEQUENCE, PARALLEL, JOBS])
def test_an_object_with_what_it_needs_is_fine(kind: str) -> None:
    assert errors(kind) == {}


@pytest.mark.parametrize(
    ("kind", "spec", "path", "text"),
    [
        (
            PING,
            {"schedule": "* * *"},
            "spec.schedule",
            "invalid value: expected 5 to 6 fields, found 3: [* * *]",
        ),
        (PING, {"schedule": "@every 5s"}, "spec.schedule", "invalid value: unsupported descriptor @every"),
        (PING, {"timezone": "Mars/Base"}, "spec.timezone", "invalid value: provided bad location Mars/Base"),
        (PING, {"data": "a", "dataBase64": "YQ=="}, "spec.data", "expected exactly one, got both"),
        (PING, {"dataBase64": "%%"}, "spec.dataBase64", "invalid value: illegal base64 data"),
        (PING, {"data": "{", "contentType": "application/json"}, "spec.data", "invalid value: "),
        (PING, {"sink": {}}, "spec.sink.ref", "expected at least one, got none"),
        (
            PING,
            {"ceOverrides": {"extensions": {"Bad-Key": "x"}}},
            "spec.ceOverrides.extensions",
            "invalid key",
        ),
        (API, {"mode": "Whole"}, "spec.mode", "invalid value: Whole"),
        (API, {"resources": []}, "spec.resources", "missing field(s)"),
        (
            API,
            {"resources": [{"apiVersion": "a/b/c", "kind": "K"}]},
            "spec.resources[0].apiVersion",
            "invalid",
        ),
        (API, {"resources": [{"apiVersion": "v1"}]}, "spec.resources[0].kind", "missing field(s)"),
        (API, {"owner": {"apiVersion": "v1"}}, "spec.owner.kind", "missing field(s)"),
        (
            API,
            {"filters": [{"exact": {"a": "b"}, "prefix": {"a": "b"}}]},
            "spec.filters[0]",
            "multiple dialects",
        ),
        (CONTAINER, {"template": {"spec": {"containers": []}}}, "spec.containers", "missing field(s)"),
        (
            CONTAINER,
            {"template": {"spec": {"containers": [{"name": "c"}]}}},
            "spec.containers[0].image",
            "missing field(s)",
        ),
        (BINDING, {"subject": SUBJECT}, "spec.subject.name", "expected exactly one, got neither"),
        (BINDING, {"subject": {**SUBJECT, "name": "d", "selector": {}}}, "spec.subject.name", "got both"),
        (
            BINDING,
            {"subject": {**SUBJECT, "name": "d", "namespace": "x"}},
            "spec.subject.namespace",
            "invalid",
        ),
        (SEQUENCE, {"steps": []}, "spec.steps", "missing field(s)"),
        (SEQUENCE, {"steps": [SINK, {}]}, "spec.steps[1].ref", "expected at least one, got none"),
        (
            SEQUENCE,
            {"steps": [{**SINK, "delivery": {"retry": -1}}]},
            "spec.steps[0].delivery.retry",
            "invalid",
        ),
        (SEQUENCE, {"channelTemplate": None}, "spec.channelTemplate", "missing field(s)"),
        (SEQUENCE, {"channelTemplate": {"kind": "K"}}, "spec.channelTemplate.apiVersion", "missing field(s)"),
        (PARALLEL, {"branches": []}, "spec.branches", "missing field(s)"),
        (PARALLEL, {"branches": [{}]}, "spec.branches[0].subscriber.ref", "expected at least one"),
        (
            PARALLEL,
            {"branches": [{"subscriber": SINK, "filter": {}}]},
            "spec.branches[0].filter.ref",
            "expected",
        ),
        (JOBS, {"job": None}, "spec.job", "expected exactly one, got neither"),
        (JOBS, {"job": {"spec": {}}}, "spec.job.spec.template.spec.containers", "Required value"),
        (
            JOBS,
            {"job": {"spec": {"template": {"spec": {"containers": [{"name": "c", "image": "x"}]}}}}},
            "spec.job.spec.template.spec.restartPolicy",
            'valid values: "OnFailure", "Never"',
        ),
        (JOBS, {"job": {"spec": {"parallelism": "many"}}}, "spec.job", "$.spec.parallelism"),
    ],
)
def test_what_is_wrong_is_named_with_its_field(kind: str, spec: dict[str, Any], path: str, text: str) -> None:
    found = errors(kind, **spec)
    assert path in found, found
    assert text in found[path]


def test_defaults_are_upstreams() -> None:
    raw = {"metadata": {"namespace": "ns"}, "spec": {"sink": {"ref": {"name": "s"}}}}
    assert BY_ID[PING].default(raw)["spec"] == {
        "schedule": "* * * * *",
        "sink": {"ref": {"name": "s", "namespace": "ns"}},
    }
    assert BY_ID[API].default({"metadata": {}, "spec": {}})["spec"] == {
        "mode": "Reference",
        "serviceAccountName": "default",
    }
    raw = {"spec": {"template": {"spec": {"containers": [{"image": "x"}]}}}}
    found = BY_ID[CONTAINER].default(raw)["spec"]["template"]["spec"]["containers"]
    assert found == [{"image": "x", "name": "user-container-0"}]
    job = {"spec": {"job": {"spec": {"template": {"spec": {"containers": [{"name": "c"}]}}}}}}
    for _ in range(2):
        (container,) = BY_ID[JOBS].default(job)["spec"]["job"]["spec"]["template"]["spec"]["containers"]
        assert container["env"] == [{"name": "KNATIVE_EXECUTION_MODE", "value": "batch"}]


@pytest.mark.parametrize("kind", [PING, API, CONTAINER, BINDING, SEQUENCE, PARALLEL, JOBS])
@pytest.mark.parametrize("spec", [{}, {"steps": 1, "branches": "x", "template": [], "sink": 3, "job": 5}])
def test_defaults_leave_what_has_the_wrong_shape_to_validation(kind: str, spec: dict[str, Any]) -> None:
    found = BY_ID[kind].default({"metadata": {"namespace": "ns"}, "spec": dict(spec)})["spec"]
    assert spec.items() <= found.items()
