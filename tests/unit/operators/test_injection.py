from __future__ import annotations

import json
from typing import Any

import pytest

from hauberk.base.apierrors import BadRequest
from hauberk.operators.injection.admit import admit, injected, workload_of
from hauberk.operators.injection.advise import admit as advise
from hauberk.operators.injection.decide import parse_switch, wants_sidecar
from hauberk.operators.mesh_settings import MeshSettings, settings_of
from hauberk.ports_admission import Request
from hauberk.testing.memory_api import MemoryApi

INJECT = "sidecar.istio.io/inject"
SMCP: dict[str, Any] = {
    "apiVersion": "maistra.io/v2",
    "kind": "ServiceMeshControlPlane",
    "metadata": {"name": "basic", "namespace": "istio-system", "uid": "1"},
    "spec": {
        "security": {"dataPlane": {"mtls": True}},
        "techPreview": {"meshConfig": {"defaultConfig": {"terminationDrainDuration": "35s"}}},
        "proxy": {"networking": {"trafficControl": {"inbound": {"excludedPorts": [8444, 8022]}}}},
    },
}
ROLL = {
    "apiVersion": "maistra.io/v1",
    "kind": "ServiceMeshMemberRoll",
    "metadata": {"name": "default", "namespace": "istio-system"},
    "spec": {"members": ["tenant"]},
}


def mesh(**spec: Any) -> MeshSettings:
    return settings_of({**SMCP, "spec": {**SMCP["spec"], **spec}})


def pod(
    labels: dict[str, str] | None = None, annotations: dict[str, str] | None = None, **spec: Any
) -> dict[str, Any]:
    container = {"name": "app", "image": "a", "ports": [{"name": "web", "containerPort": 8080}]}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": "p",
            "namespace": "tenant",
            "labels": labels or {},
            "annotations": annotations or {},
        },
        "spec": {"containers": [container], **spec},
    }


def ns(labels: dict[str, str] | None = None, annotations: dict[str, str] | None = None) -> dict[str, Any]:
    metadata = {"name": "tenant", "labels": labels or {}, "annotations": annotations or {}}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}


@pytest.mark.parametrize(
    ("text", "switch"),
    [
        ("true", True),
        ("True", True),
        ("y", True),
        ("on", True),
        ("false", False),
        ("off", False),
        ("NO", False),
        ("", None),
        (None, None),
        ("maybe", None),
    ],
)
def test_switches_are_read_as_yaml_reads_them(text: str | None, switch: bool | None) -> None:
    assert parse_switch(text) is switch


@pytest.mark.parametrize(
    ("label", "annotation", "namespace", "injected_"),
    [
        ("true", None, {}, True),
        ("false", "true", {"istio-injection": "enabled"}, False),
        (None, "true", {}, True),
        (None, "false", {"istio-injection": "enabled"}, False),
        (None, None, {"istio-injection": "enabled"}, True),
        (None, None, {INJECT: "true"}, True),
        (None, None, {"istio-injection": "disabled"}, False),
        (None, None, {}, False),
    ],
)
def test_the_pod_decides_before_its_namespace(
    label: str | None, annotation: str | None, namespace: dict[str, str], injected_: bool
) -> None:
    labels = {INJECT: label} if label else {}
    annotations = {INJECT: annotation} if annotation else {}
    assert wants_sidecar(pod(labels, annotations), ns(namespace)) is injected_


@pytest.mark.parametrize(
    "barred",
    [
        pod({INJECT: "true"}, hostNetwork=True),
        pod({INJECT: "true"}, {"sidecar.istio.io/status": "{}"}),
        pod({INJECT: "true"}, containers=[{"name": "istio-proxy", "image": "own"}]),
    ],
)
def test_a_pod_that_cannot_or_need_not_have_a_sidecar_gets_none(barred: dict[str, Any]) -> None:
    assert not wants_sidecar(barred, ns())


def request(obj: dict[str, Any], *stored: dict[str, Any]) -> Request:
    api = MemoryApi()
    api.seed(*stored)
    return Request(
        kind="Pod",
        operation="CREATE",
        obj=obj,
        old=None,
        namespace="tenant",
        subresource="",
        user="u",
        snapshot=api.snapshot(),
        options={},
    )


def workload(kind: str, labels: dict[str, str] | None, annotations: dict[str, str] | None) -> dict[str, Any]:
    template = {"metadata": {"labels": labels or {}, "annotations": annotations or {}}}
    return {"kind": kind, "metadata": {"name": "w"}, "spec": {"template": template}}


@pytest.mark.parametrize("kind", ["Deployment", "Service"])
@pytest.mark.parametrize(
    ("stored", "labels", "annotations", "text"),
    [
        ((), {INJECT: "true"}, None, "belongs to no mesh"),
        ((), None, {INJECT: "true"}, "belongs to no mesh"),
        ((ROLL,), {INJECT: "true"}, None, "has no ServiceMeshControlPlane"),
        ((ROLL, SMCP), {INJECT: "true"}, None, ""),
        ((), {INJECT: "false"}, {INJECT: "true"}, ""),
        ((), None, None, ""),
    ],
)
def test_a_workload_that_asks_in_vain_is_told_so(
    kind: str,
    stored: tuple[dict[str, Any], ...],
    labels: dict[str, str] | None,
    annotations: dict[str, str] | None,
    text: str,
) -> None:
    found = advise(request(workload(kind, labels, annotations), *stored)).warnings
    assert bool(found) is bool(text)
    assert all(text in line for line in found)


WANTING = pod({INJECT: "true"})


@pytest.mark.parametrize(
    ("stored", "changed"),
    [
        ((ns(), ROLL, SMCP), True),
        ((ns(), ROLL), False),  # no control plane
        ((ns(), SMCP), False),  # no member
    ],
)
def test_only_members_of_a_mesh_with_a_control_plane_are_injected(
    stored: tuple[dict[str, Any], ...], changed: bool
) -> None:
    assert (admit(request(WANTING, *stored)).obj is not None) is changed


def option(args: list[str], flag: str) -> str | None:
    return args[args.index(flag) + 1] if flag in args else None


@pytest.mark.parametrize(
    ("annotations", "flag", "value"),
    [
        ({}, "-d", "15090,15021,15020,8444,8022"),
        ({"traffic.sidecar.istio.io/excludeInboundPorts": "9999"}, "-d", "15090,15021,15020,9999"),
        ({"traffic.sidecar.istio.io/excludeInboundPorts": "15020, 9999"}, "-d", "15090,15021,15020,9999"),
        ({}, "-b", "*"),
        ({"traffic.sidecar.istio.io/includeInboundPorts": "80"}, "-b", "80"),
        ({}, "-i", "*"),
        ({"traffic.sidecar.istio.io/includeOutboundIPRanges": "10.0.0.0/8"}, "-i", "10.0.0.0/8"),
        ({}, "-x", ""),
        ({"traffic.sidecar.istio.io/excludeOutboundIPRanges": "1.1.1.1/32"}, "-x", "1.1.1.1/32"),
        ({}, "-o", None),
        ({"traffic.sidecar.istio.io/excludeOutboundPorts": "9092"}, "-o", "9092"),
        ({"traffic.sidecar.istio.io/includeOutboundPorts": "443"}, "-q", "443"),
        ({}, "-z", "15006"),
        ({}, "-p", "15001"),
        ({}, "-u", "1337"),
    ],
)
def test_annotations_and_the_control_plane_choose_what_is_captured(
    annotations: dict[str, str], flag: str, value: str | None
) -> None:
    out = injected(pod(annotations=annotations), "tenant", mesh())
    assert option(out["spec"]["initContainers"][0]["args"], flag) == value


def env_of(obj: dict[str, Any]) -> dict[str, str]:
    (proxy,) = [c for c in obj["spec"]["containers"] if c["name"] == "istio-proxy"]
    return {e["name"]: e.get("value", "") for e in proxy["env"]}


def test_probes_are_led_around_mtls_and_the_sidecar_knows_the_original() -> None:
    probe = {"httpGet": {"path": "/ok", "port": "web"}, "timeoutSeconds": 2, "periodSeconds": 7}
    original = pod()
    original["spec"]["containers"][0] |= {
        "readinessProbe": probe,
        "livenessProbe": {"tcpSocket": {"port": 8080}},
        "startupProbe": {"exec": {"command": ["true"]}},
    }
    out = injected(original, "tenant", mesh())
    app = out["spec"]["containers"][0]
    assert app["readinessProbe"] == {
        "httpGet": {"path": "/app-health/app/readyz", "port": 15020},
        "timeoutSeconds": 2,
        "periodSeconds": 7,
    }
    assert app["livenessProbe"]["httpGet"]["path"] == "/app-health/app/livez"
    assert app["startupProbe"] == {"exec": {"command": ["true"]}}
    assert json.loads(env_of(out)["ISTIO_KUBE_APP_PROBERS"]) == {
        "/app-health/app/readyz": {"httpGet": {"path": "/ok", "port": 8080}, "timeoutSeconds": 2},
        "/app-health/app/livez": {"tcpSocket": {"port": 8080}},
    }


@pytest.mark.parametrize(
    ("said", "mesh_says", "rewritten"),
    [("true", False, True), ("false", True, False), (None, False, False), (None, None, True)],
)
def test_the_pods_word_on_probe_rewriting_goes_before_the_meshs(
    said: str | None, mesh_says: bool | None, rewritten: bool
) -> None:
    annotations = {"sidecar.istio.io/rewriteAppHTTPProbers": said} if said else {}
    original = pod(annotations=annotations)
    original["spec"]["containers"][0]["readinessProbe"] = {"httpGet": {"path": "/", "port": 8080}}
    runtime = {} if mesh_says is None else {"readiness": {"rewriteApplicationProbes": mesh_says}}
    out = injected(original, "tenant", mesh(proxy={"runtime": runtime}))
    assert (out["spec"]["containers"][0]["readinessProbe"]["httpGet"]["port"] == 15020) is rewritten


def test_the_proxy_config_is_the_meshs_with_the_pods_on_top() -> None:
    text = "terminationDrainDuration: 50s\nproxyMetadata: {A: b}"
    out = injected(pod(annotations={"proxy.istio.io/config": text}), "tenant", mesh())
    config = json.loads(env_of(out)["PROXY_CONFIG"])
    assert config["terminationDrainDuration"] == "50s"
    assert config["discoveryAddress"] == "istiod-basic.istio-system.svc:15012"
    assert env_of(out)["A"] == "b"
    assert json.loads(env_of(injected(pod(), "tenant", mesh()))["PROXY_CONFIG"]) == {
        "discoveryAddress": "istiod-basic.istio-system.svc:15012",
        "terminationDrainDuration": "35s",
    }


@pytest.mark.parametrize("text", ["[1]", "{", "word"])
def test_a_broken_proxy_config_is_refused(text: str) -> None:
    with pytest.raises(BadRequest, match=r"proxy\.istio\.io/config"):
        injected(pod(annotations={"proxy.istio.io/config": text}), "tenant", mesh())


def test_held_applications_wait_behind_the_sidecar() -> None:
    hold = {"proxy.istio.io/config": "holdApplicationUntilProxyStarts: true"}
    out = injected(pod(annotations=hold), "tenant", mesh())
    first = out["spec"]["containers"][0]
    assert first["name"] == "istio-proxy"
    assert first["lifecycle"] == {"postStart": {"exec": {"command": ["pilot-agent", "wait"]}}}
    assert out["metadata"]["annotations"]["kubectl.kubernetes.io/default-container"] == "app"


def test_an_injected_pod_is_marked_and_its_own_labels_stay() -> None:
    out = injected(pod({"app": "shop", "security.istio.io/tlsMode": "disabled"}), "tenant", mesh())
    labels = out["metadata"]["labels"]
    assert labels["service.istio.io/canonical-name"] == "shop"
    assert labels["service.istio.io/canonical-revision"] == "latest"
    assert labels["security.istio.io/tlsMode"] == "disabled"
    excluded = out["metadata"]["annotations"]["traffic.sidecar.istio.io/excludeInboundPorts"]
    assert excluded == "15090,15021,15020,8444,8022"
    status = json.loads(out["metadata"]["annotations"]["sidecar.istio.io/status"])
    assert status["containers"] == ["istio-proxy"]
    assert set(status["volumes"]) == {v["name"] for v in out["spec"]["volumes"]}


def test_a_pod_of_a_replica_set_names_its_deployment() -> None:
    obj = pod({"pod-template-hash": "abc"})
    obj["metadata"]["ownerReferences"] = [
        {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "shop-abc", "uid": "u", "controller": True}
    ]
    assert workload_of(obj, "tenant") == (
        "shop",
        "kubernetes://apis/apps/v1/namespaces/tenant/deployments/shop",
    )


def test_every_mount_of_the_sidecar_has_its_volume() -> None:
    out = injected(pod(), "tenant", mesh())
    volumes = {v["name"] for v in out["spec"]["volumes"]}
    assert {m["name"] for m in out["spec"]["containers"][-1]["volumeMounts"]} <= volumes
