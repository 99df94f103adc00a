"""What of a pod a revision may have, in upstream's words; flags of config-features that change it."""

from __future__ import annotations

from typing import Any

import pytest

from hauberk.kinds import BY_ID
from hauberk.kinds.meta import ObjectMeta
from hauberk.kinds.serving.defaults import default_spec
from hauberk.kinds.serving.pod import advice, check_pod
from hauberk.kinds.serving.rules import check_service_metadata, upstream_text
from hauberk.serving.admission import check_limits, fill_spec
from hauberk.serving.config.defaults import parse_defaults
from hauberk.serving.secure import secure

FLAG = "kubernetes.podspec-"


def one(**container: Any) -> dict[str, Any]:
    return {"containers": [{"image": "x", **container}]}


def two(**second: Any) -> dict[str, Any]:
    first = {"name": "a", "image": "x", "ports": [{"containerPort": 8080}]}
    return {"containers": [first, {"name": "b", "image": "x", **second}]}


def mounted(source: dict[str, Any], **mount: Any) -> dict[str, Any]:
    rows = [{"name": "v", "mountPath": "/v", **mount}]
    return {**one(volumeMounts=rows), "volumes": [{"name": "v", **source}]}


def with_init(**init: Any) -> dict[str, Any]:
    return {**one(name="a"), "initContainers": [{"name": "i", "image": "x", **init}]}


CLAIM = {"persistentVolumeClaim": {"claimName": "c"}}
OFF_CLAIM = "Persistent volume claim support is disabled, but found persistent volume claim c"
OFF_WRITE = (
    "Persistent volume write support is disabled, but found persistent volume claim c that is not read-only"
)


@pytest.mark.parametrize(
    ("spec", "features", "want"),
    [
        (one(), {}, ""),
        (two(), {}, ""),
        (two(), {"multi-container": "disabled"}, "multi-container is off, but found 2 containers: "),
        (two(env=[{"name": "PORT"}]), {}, ""),
        (
            one(env=[{"name": "PORT"}]),
            {},
            '"PORT" is a reserved environment variable: containers[0].env[0].name',
        ),
        (
            two(readinessProbe={"tcpSocket": {}}),
            {},
            "must not set the field(s): containers[1].readinessProbe.tcpSocket",
        ),
        (two(readinessProbe={"tcpSocket": {}}), {"multi-container-probing": "enabled"}, ""),
        (
            one(env=[{"name": "A", "valueFrom": {"fieldRef": {}}}]),
            {},
            "must not set the field(s): containers[0].env[0].valueFrom.fieldRef",
        ),
        (one(env=[{"name": "A", "valueFrom": {"fieldRef": {}}}]), {f"{FLAG}fieldref": "allowed"}, ""),
        (
            one(envFrom=[{"prefix": "A"}]),
            {},
            "expected exactly one, got neither: containers[0].envFrom[0].configMapRef, "
            "containers[0].envFrom[0].secretRef",
        ),
        (one(envFrom=[{"secretRef": {"name": "s"}}]), {}, ""),
        (one(resources={"claims": []}), {}, "must not set the field(s): containers[0].resources.claims"),
        (
            one(terminationMessagePolicy="Never"),
            {},
            "invalid value: Never: containers[0].terminationMessagePolicy",
        ),
        (
            one(readinessProbe={"tcpSocket": {}, "timeoutSeconds": 3}),
            {},
            "timeoutSeconds is disallowed when periodSeconds is zero: "
            "containers[0].readinessProbe.timeoutSeconds",
        ),
        (
            one(readinessProbe={"tcpSocket": {}, "periodSeconds": 1, "failureThreshold": 0}),
            {},
            "expected 1 <= 0 <= 2147483647: containers[0].readinessProbe.failureThreshold",
        ),
        (
            {**one(), "volumes": [{"name": "v", "emptyDir": {}}]},
            {},
            'volume with name "v" not mounted: volumes[0].name',
        ),
        (mounted({"emptyDir": {}}), {}, ""),
        (
            mounted({"emptyDir": {}}),
            {f"{FLAG}volumes-emptydir": "disabled"},
            "EmptyDir volume support is disabled, but found EmptyDir volume v: volumes[0]",
        ),
        (
            mounted({"emptyDir": {"medium": "Disk"}}),
            {},
            "invalid value: Disk: volumes[0].emptyDir.medium",
        ),
        (mounted({"hostPath": {}}), {}, "must not set the field(s): volumes[0].hostPath"),
        (mounted(CLAIM), {}, f"{OFF_CLAIM}: volumes[0]\n{OFF_WRITE}: volumes[0]"),
        (mounted(CLAIM), {f"{FLAG}persistent-volume-claim": "enabled"}, f"{OFF_WRITE}: volumes[0]"),
        (
            mounted(CLAIM),
            {f"{FLAG}persistent-volume-claim": "enabled", f"{FLAG}persistent-volume-write": "enabled"},
            "",
        ),
        (
            mounted({"secret": {"secretName": "s"}}, readOnly=False),
            {},
            "volume mount should be readOnly for this type of volume: containers[0].volumeMounts[0].readOnly",
        ),
        (
            mounted({"secret": {"items": [{"key": "k"}]}}, readOnly=True),
            {},
            "missing field(s): volumes[0].items[0].path",
        ),
        (
            mounted({"projected": {"sources": [{"secret": {}}]}}, readOnly=True),
            {},
            "missing field(s): volumes[0].projected[0].secret.name",
        ),
        (
            with_init(),
            {},
            "pod spec support for init-containers is off, but found 1 init containers: ",
        ),
        (with_init(), {f"{FLAG}init-containers": "enabled"}, ""),
        (
            with_init(name="a", lifecycle={}),
            {f"{FLAG}init-containers": "enabled"},
            'duplicate container name "a": initContainers[0].name\n'
            "field not allowed in an init container: initContainers[0].lifecycle",
        ),
        ({**one(), "restartPolicy": "Never"}, {}, "must not set the field(s): restartPolicy"),
    ],
)
def test_what_of_a_pod_is_refused(spec: dict[str, Any], features: dict[str, str], want: str) -> None:
    assert upstream_text(check_pod(spec, features)) == want


@pytest.mark.must("api-one-port")
@pytest.mark.parametrize(
    ("ports", "want"),
    [
        ([{"name": "http1", "containerPort": 80, "protocol": "TCP"}], ""),
        ([{"name": "h2c"}], ""),
        (
            [{"name": "grpc"}],
            "Port name grpc is not allowed: spec.template.spec.containers[0].ports\n"
            "Name must be empty, or one of: 'h2c', 'http1'",
        ),
        (
            [{"protocol": "UDP"}],
            "invalid value: UDP: spec.template.spec.containers[0].ports[0].protocol",
        ),
        (
            [{"containerPort": 1}, {"containerPort": 2}],
            "more than one container port is set: spec.template.spec.containers[0].ports\n"
            "Only a single port is allowed across all containers",
        ),
    ],
)
def test_ports(ports: list[dict[str, Any]], want: str) -> None:
    kind = BY_ID["Service.serving.knative.dev"]
    made = {"metadata": {"name": "a"}, "spec": {"template": {"spec": one(ports=ports)}}}
    assert upstream_text(kind.validate(kind.parse(made))) == want


@pytest.mark.must("api-volume-mounts", "api-volumes")
@pytest.mark.parametrize(
    ("mount", "want"),
    [
        ({"name": "v", "mountPath": "/v"}, ""),
        (
            {"name": "w", "mountPath": "/v"},
            "volumeMount has no matching volume: containers[0].volumeMounts[0].name",
        ),
        ({"name": "v", "mountPath": "v"}, "invalid value: v: containers[0].volumeMounts[0].mountPath"),
        ({"name": "v"}, "missing field(s): containers[0].volumeMounts[0].mountPath"),
        *(
            (
                {"name": "v", "mountPath": path},
                f'mountPath "{path}" is a reserved path: containers[0].volumeMounts[0].mountPath',
            )
            for path in ("/", "/dev", "/dev/log", "/tmp", "/var", "/var/log")
        ),
    ],
)
def test_where_a_volume_may_be_mounted(mount: dict[str, Any], want: str) -> None:
    kind = BY_ID["Revision.serving.knative.dev"]
    spec = {**one(volumeMounts=[mount]), "volumes": [{"name": "v", "configMap": {"name": "c"}}]}
    found = kind.validate(kind.parse({"metadata": {"name": "a"}, "spec": spec}))
    assert upstream_text(e for e in found) == want.replace("containers[0]", "spec.containers[0]")


@pytest.mark.parametrize(
    ("notes", "labels", "want"),
    [
        ({}, {}, ""),
        (
            {"autoscaling.knative.dev/min-scale": "1"},
            {},
            'invalid key name "autoscaling.knative.dev/min-scale": metadata.annotations\n'
            'autoscaling annotations must be put under "spec.template.metadata.annotations" to work',
        ),
        ({"serving.knative.dev/rollout-duration": "90s"}, {}, ""),
        (
            {"serving.knative.dev/rollout-duration": "soon"},
            {},
            "invalid value: soon: metadata.annotations.serving.knative.dev/rollout-duration",
        ),
        (
            {"serving.knative.dev/rollout-duration": "1500ms"},
            {},
            "rollout-duration=1500ms is not at second precision: "
            "metadata.annotations.serving.knative.dev/rollout-duration",
        ),
        (
            {},
            {"networking.knative.dev/visibility": "secret"},
            "invalid value: secret: metadata.labels.networking.knative.dev/visibility",
        ),
        ({}, {"networking.knative.dev/visibility": "cluster-local"}, ""),
    ],
)
def test_metadata_of_a_service(notes: dict[str, str], labels: dict[str, str], want: str) -> None:
    meta = ObjectMeta(name="a", annotations=notes, labels=labels)
    assert upstream_text(check_service_metadata(meta)) == want


@pytest.mark.parametrize(
    ("spec", "config", "want"),
    [
        ({"timeoutSeconds": 600}, {}, ""),
        ({"timeoutSeconds": 601}, {}, "expected 0 <= 601 <= 600: timeoutSeconds"),
        ({"timeoutSeconds": 601}, {"max-revision-timeout-seconds": "900"}, ""),
        ({"containerConcurrency": 1001}, {}, "expected 0 <= 1001 <= 1000: containerConcurrency"),
        (
            {"containerConcurrency": 0},
            {"allow-container-concurrency-zero": "false"},
            "expected 1 <= 0 <= 1000: containerConcurrency",
        ),
    ],
)
def test_limits_are_those_of_config_defaults(spec: dict[str, Any], config: dict[str, str], want: str) -> None:
    assert upstream_text(check_limits(spec, parse_defaults(config))) == want


def test_init_containers_get_names_and_resources() -> None:
    spec = {**one(), "initContainers": [{"image": "x"}, {"image": "x"}]}
    default_spec(spec)
    fill_spec(spec, parse_defaults({"revision-cpu-request": "1"}))
    names = [c["name"] for c in spec["initContainers"]]
    assert names == ["init-container-0", "init-container-1"]
    assert spec["initContainers"][0]["resources"] == {"requests": {"cpu": "1"}}


@pytest.mark.parametrize(
    ("non_root", "container", "pod", "want"),
    [
        (
            True,
            {},
            {},
            {
                "allowPrivilegeEscalation": False,
                "seccompProfile": {"type": "RuntimeDefault"},
                "capabilities": {"drop": ["ALL"]},
                "runAsNonRoot": True,
            },
        ),
        (
            False,
            {"ports": [{"containerPort": 80}]},
            {"seccompProfile": {"type": "Unconfined"}},
            {
                "allowPrivilegeEscalation": False,
                "capabilities": {"drop": ["ALL"], "add": ["NET_BIND_SERVICE"]},
            },
        ),
        (
            True,
            {
                "securityContext": {
                    "allowPrivilegeEscalation": True,
                    "capabilities": {},
                    "runAsNonRoot": False,
                }
            },
            {},
            {
                "allowPrivilegeEscalation": True,
                "capabilities": {},
                "runAsNonRoot": False,
                "seccompProfile": {"type": "RuntimeDefault"},
            },
        ),
    ],
)
def test_secure_pod_defaults(
    non_root: bool, container: dict[str, Any], pod: dict[str, Any], want: dict[str, Any]
) -> None:
    spec = {**one(**container), "securityContext": pod}
    secure(spec, non_root=non_root)
    assert spec["containers"][0]["securityContext"] == want


def test_a_claim_without_a_provisioner_is_told() -> None:
    (said,) = advice({"spec": {"template": {"spec": mounted(CLAIM)}}})
    assert "PersistentVolumeClaim 'c'" in said
    assert "no provisioner" in said
    assert not list(advice({"spec": {"template": {"spec": mounted({"emptyDir": {}})}}}))
