from __future__ import annotations

from typing import Any

import pytest

from hauberk.base.apierrors import BadRequest
from hauberk.base.refs import Json, Ref
from hauberk.kinds import BY_ID
from hauberk.kinds.serving.pod import check_pod
from hauberk.ports_admission import Request
from hauberk.serving.admission import ADMISSION
from hauberk.store.memory import Memory

SERVICE = "Service.serving.knative.dev"


def svc(**template: Any) -> dict[str, Any]:
    spec = {"containers": [{"image": "x"}], **template}
    return {
        "apiVersion": "serving.knative.dev/v1",
        "kind": "Service",
        "metadata": {"name": "hello", "namespace": "n"},
        "spec": {"template": {"spec": spec}},
    }


def admit(obj: dict[str, Any], old: Json | None = None, user: str = "admin", **config: str) -> dict[str, Any]:
    kind = f"{obj['kind']}.{obj['apiVersion'].split('/')[0]}"
    memory = Memory()
    ref = Ref("ConfigMap", "knative-serving", "config-defaults")
    stored = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": ref.name, "namespace": ref.namespace},
    }
    memory.apply(ref, {**stored, "data": config}, 1)
    raw = BY_ID[kind].default(obj)
    for row in sorted(ADMISSION, key=lambda a: not a.mutates):
        if kind in row.kinds:
            request = Request(
                kind=kind,
                operation="UPDATE" if old else "CREATE",
                obj=raw,
                old=old,
                namespace="n",
                subresource="",
                user=user,
                snapshot=memory,
                options={},
            )
            raw = row.admit(request).obj or raw
    return raw


def refusal(obj: dict[str, Any], old: Json | None = None) -> str:
    with pytest.raises(BadRequest) as error:
        admit(obj, old)
    text = error.value.message
    start = (
        'admission webhook "validation.webhook.serving.knative.dev" denied the request: validation failed: '
    )
    assert text.startswith(start)
    return text.removeprefix(start)


def test_a_service_gets_upstreams_defaults() -> None:
    got = admit(svc())
    assert got["spec"]["traffic"] == [{"latestRevision": True, "percent": 100}]
    assert got["spec"]["template"]["spec"] == {
        "containerConcurrency": 0,
        "containers": [
            {
                "image": "x",
                "name": "user-container",
                "readinessProbe": {"successThreshold": 1, "tcpSocket": {"port": 0}},
                "resources": {},
            }
        ],
        "enableServiceLinks": False,
        "timeoutSeconds": 300,
    }


def test_defaulting_twice_changes_nothing() -> None:
    once = admit(svc())
    assert admit(once, old=once) == once


def test_config_defaults_decide() -> None:
    got = admit(
        svc(), **{"revision-timeout-seconds": "60", "container-concurrency": "7", "revision-cpu-request": "1"}
    )
    spec = got["spec"]["template"]["spec"]
    assert (spec["timeoutSeconds"], spec["containerConcurrency"]) == (60, 7)
    assert spec["containers"][0]["resources"] == {"requests": {"cpu": "1"}}


def test_the_creator_stays_and_the_last_modifier_follows_the_specification() -> None:
    created = admit(svc(), user="ann")
    touched = admit(
        {**created, "metadata": {**created["metadata"], "labels": {"a": "b"}}}, old=created, user="bob"
    )
    changed = admit(svc(timeoutSeconds=5), old=created, user="bob")
    creator, modifier = "serving.knative.dev/creator", "serving.knative.dev/lastModifier"
    notes = [o["metadata"]["annotations"] for o in (created, touched, changed)]
    assert [(n[creator], n[modifier]) for n in notes] == [("ann", "ann"), ("ann", "ann"), ("ann", "bob")]


@pytest.mark.parametrize("key", ["serving.knative.dev/creator", "serving.knative.dev/lastModifier"])
def test_nobody_signs_for_another(key: str) -> None:
    created = admit(svc(), user="ann")
    notes = {**created["metadata"]["annotations"], key: "bob"}
    forged = {**created, "metadata": {**created["metadata"], "annotations": notes}}
    assert refusal(forged, created) == f"annotation value is immutable: metadata.annotations.{key}"


def traffic(*targets: Json) -> dict[str, Any]:
    obj = svc()
    obj["spec"]["traffic"] = list(targets)
    return obj


@pytest.mark.parametrize(
    ("obj", "want"),
    [
        (svc(containers=[]), "missing field(s): spec.template.spec.containers"),
        (svc(containers=[{"name": "a"}]), "missing field(s): spec.template.spec.containers[0].image"),
        (svc(hostNetwork=True), "must not set the field(s): spec.template.spec.hostNetwork"),
        (svc(timeoutSeconds=601), "expected 0 <= 601 <= 600: spec.template.spec.timeoutSeconds"),
        (
            svc(containerConcurrency=-1),
            "expected 0 <= -1 <= 1000: spec.template.spec.containerConcurrency",
        ),
        (
            svc(containers=[{"image": "x", "env": [{"name": "PORT", "value": "1"}]}]),
            '"PORT" is a reserved environment variable: spec.template.spec.containers[0].env[0].name',
        ),
        (
            svc(containers=[{"image": "x", "lifecycle": {}}]),
            "must not set the field(s): spec.template.spec.containers[0].lifecycle",
        ),
        (
            svc(containers=[{"image": "x", "livenessProbe": {}}]),
            "expected exactly one, got neither: spec.template.spec.containers[0].livenessProbe.exec, "
            "spec.template.spec.containers[0].livenessProbe.grpc, "
            "spec.template.spec.containers[0].livenessProbe.httpGet, "
            "spec.template.spec.containers[0].livenessProbe.tcpSocket",
        ),
        (
            svc(containers=[{"image": "x", "ports": [{"containerPort": 8012}]}]),
            "invalid value: 8012 is a reserved port: "
            "spec.template.spec.containers[0].ports[0].containerPort\n"
            "8012 is a reserved port, please use a different value",
        ),
        (traffic({"percent": 90}), "Traffic targets sum to 90, want 100: spec.traffic"),
        (
            traffic({"percent": 100, "configurationName": "b"}),
            "must not set the field(s): spec.traffic[0].configurationName",
        ),
        (
            traffic({"percent": 101}),
            "Traffic targets sum to 101, want 100: spec.traffic\n"
            "expected 0 <= 101 <= 100: spec.traffic[0].percent",
        ),
        (
            traffic({"percent": 100, "url": "http://x"}),
            "must not set the field(s): spec.traffic[0].url",
        ),
        (
            traffic({"percent": 100, "latestRevision": False}),
            "invalid value: false: spec.traffic[0].latestRevision",
        ),
        (
            traffic({"percent": 100, "revisionName": "a", "latestRevision": True}),
            "invalid value: true: spec.traffic[0].latestRevision",
        ),
        (
            traffic({"percent": 50, "tag": "t"}, {"percent": 50, "tag": "t"}),
            "Multiple definitions for t: spec.traffic[0].tag, spec.traffic[1].tag",
        ),
    ],
)
@pytest.mark.must("api-percent", "api-traffic-url", "api-latest-revision", "api-traffic-exclusive")
def test_upstreams_refusals(obj: dict[str, Any], want: str) -> None:
    assert refusal(obj) == want


@pytest.mark.must("api-traffic-exclusive")
def test_a_routes_target_names_a_revision_or_a_configuration() -> None:
    kind = BY_ID["Route.serving.knative.dev"]
    for names, want in (
        ({"revisionName": "a", "configurationName": "b"}, "expected exactly one, got both"),
        ({}, "expected exactly one, got neither"),
        ({"configurationName": "b"}, ""),
    ):
        made = {"metadata": {"name": "r"}, "spec": {"traffic": [{"percent": 100, **names}]}}
        said = {e.message for e in kind.validate(kind.parse(made))}
        assert said == ({want} if want else set())


def test_several_errors_come_at_once() -> None:
    text = refusal(svc(containers=[{}], timeoutSeconds=999))
    assert len(text.splitlines()) == 2


def test_a_revision_never_changes() -> None:
    old = {
        "apiVersion": "serving.knative.dev/v1",
        "kind": "Revision",
        "metadata": {"name": "a-00001", "namespace": "n"},
        "spec": {"containers": [{"image": "x"}], "timeoutSeconds": 5},
    }
    old = admit(old)
    new = {**old, "spec": {**old["spec"], "timeoutSeconds": 6}}
    text = refusal(new, old)
    assert text.startswith("Immutable fields changed (-old +new): spec")
    assert "-timeoutSeconds: 5\n+timeoutSeconds: 6" in text


def test_a_feature_flag_allows_a_field() -> None:
    spec = {"nodeSelector": {"a": "b"}}
    assert [e.path for e in check_pod(spec, {})] == ["nodeSelector"]
    assert not list(check_pod(spec, {"kubernetes.podspec-nodeselector": "enabled"}))


def configure(name: str, **data: str) -> tuple[str, ...]:
    """Warnings for a ConfigMap of Serving."""
    row = next(a for a in ADMISSION if a.name == "serving-config-validation")
    obj = {"metadata": {"name": name, "namespace": "knative-serving"}, "data": data}
    return row.admit(
        Request(
            kind="ConfigMap",
            operation="UPDATE",
            obj=obj,
            old=None,
            namespace="knative-serving",
            subresource="",
            user="admin",
            snapshot=Memory(),
            options={},
        )
    ).warnings


def test_settings_that_do_nothing_are_told() -> None:
    (said,) = configure("config-network", **{"system-internal-tls": "Enabled"})
    assert "system-internal-tls is accepted and does nothing here" in said
    assert configure("config-network", **{"system-internal-tls": "Disabled"}) == ()
    kind = BY_ID["KnativeServing.operator.knative.dev"]
    spec = {"config": {"network": {"dataplane-trust": "enabled"}}}
    assert "dataplane-trust" in "".join(kind.advice({"metadata": {"name": "a"}, "spec": spec}))


@pytest.mark.parametrize(
    ("name", "data", "want"),
    [
        ("config-network", {"domain-template": "{{.Name}}.{{.Nowhere}}"}, "domain-template"),
        ("config-network", {"tag-template": "{{.Tag}}_{{.Name}}"}, "tag-template"),
        ("config-network", {"external-domain-tls": "perhaps"}, "external-domain-tls perhaps"),
        ("config-defaults", {"revision-timeout-seconds": "soon"}, "strconv.ParseInt"),
        ("config-defaults", {"revision-timeout-seconds": "900"}, "cannot be greater than"),
    ],
)
def test_settings_that_nobody_can_use_are_refused(name: str, data: dict[str, str], want: str) -> None:
    with pytest.raises(BadRequest) as error:
        configure(name, **data)
    assert want in error.value.message
