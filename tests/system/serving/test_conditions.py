"""What Serving says when something is wrong with a service, in upstream's words."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from hauberk.testing.cluster import eventually

pytestmark = pytest.mark.system
Gone: TypeAlias = Callable[..., None]


def failed(site: Any, kind: str, name: str, condition: str = "Ready") -> Any:
    return eventually(
        lambda: (r := site.condition(site.get(kind, name), condition)).get("status") == "False" and r,
        within_s=20,
        what=f"{kind} {name} {condition} False",
    )


def test_what_becomes_of_a_service_is_told_in_events(mesh: Any, gone: Gone) -> None:
    """As `kubectl describe` shows them on the real system."""
    gone("told")
    mesh.deploy("told")
    events = mesh.cluster.json("events", "-n", "default")["items"]
    own = [e for e in events if e["involvedObject"]["name"] in ("told", "told-00001")]
    told = {f"{e['involvedObject']['kind']} {e['reason']} {e['message']}" for e in own}
    assert told >= {
        'Service Created Created Configuration "told"',
        'Service Created Created Route "told"',
        'Configuration Created Created Revision "told-00001"',
        "Configuration ConfigurationReady Configuration becomes ready",
        'Configuration LatestReadyUpdate LatestReadyRevisionName updated to "told-00001"',
        "Revision RevisionReady Revision becomes ready upon all resources being ready",
        'Route Created Created placeholder service "told"',
        'Route Created Created Ingress "told"',
        'Ingress Created Created VirtualService "told-ingress"',
        'Ingress Created Created VirtualService "told-mesh"',
    }


@pytest.mark.must("fault-image")
def test_a_missing_image_is_container_missing_until_it_comes(mesh: Any, gone: Gone, tmp_path: Path) -> None:
    gone("absent")
    mesh.deploy("absent", "test/absent", wait=False)
    row = failed(mesh, "rev", "absent-00001")
    assert row["reason"] == "ContainerMissing"
    assert 'Unable to fetch image "test/absent"' in row["message"]
    above = failed(mesh, "ksvc", "absent")
    assert above["reason"] == "RevisionFailed"
    (tmp_path / "Procfile").write_text("web: python3 -m http.server 8080\n")
    mesh.image("absent", tmp_path)
    eventually(lambda: mesh.is_settled("absent"), within_s=20, what="Ready once the image is there")
    (status,) = mesh.get("rev", "absent-00001")["status"]["containerStatuses"]
    assert status["imageDigest"].startswith("docker.io/test/absent@sha256:")
    (pod,) = mesh.pods("absent")
    assert status["imageDigest"] in [c["image"] for c in pod["spec"]["containers"]]


@pytest.mark.must("fault-exit")
def test_a_container_that_ends_is_an_exit_code(mesh: Any, gone: Gone) -> None:
    gone("crash")
    container = {"command": ["sh", "-c", "echo broken; exit 3"]}
    mesh.deploy("crash", "curl", wait=False, container=container)
    row = failed(mesh, "rev", "crash-00001", "ContainerHealthy")
    assert row["reason"] == "ExitCode3"
    assert row["message"].startswith("Container failed with")
    assert failed(mesh, "ksvc", "crash")["reason"] == "RevisionFailed"


def test_a_container_that_never_becomes_ready_exceeds_its_deadline(mesh: Any, gone: Gone) -> None:
    gone("unready")
    notes = {"serving.knative.dev/progress-deadline": "4s"}
    probe = {"readinessProbe": {"httpGet": {"path": "/", "port": 9999}}}
    mesh.deploy("unready", wait=False, notes=notes, container=probe)
    row = failed(mesh, "rev", "unready-00001")
    assert row["reason"] == "ProgressDeadlineExceeded"


@pytest.mark.must("api-ready-condition", "fault-split")
def test_traffic_to_a_revision_that_is_not_there_is_revision_missing(mesh: Any, gone: Gone) -> None:
    gone("astray")
    traffic = [{"revisionName": "astray-00007", "percent": 100}]
    mesh.deploy("astray", wait=False, traffic=traffic)
    row = failed(mesh, "ksvc", "astray")
    assert (row["reason"], row["message"]) == (
        "RevisionMissing",
        'Revision "astray-00007" referenced in traffic not found.',
    )


@pytest.mark.must("api-env-from", "api-probes", "api-container-fields", "api-volumes")
def test_environment_volumes_and_probes_of_the_container_act(mesh: Any, gone: Gone, protocols: str) -> None:
    gone("rich")
    mesh.cluster.run("create", "configmap", "rich", "-n", "default", "--from-literal=word=from-map")
    mesh.cluster.run("create", "secret", "generic", "rich", "-n", "default", "--from-literal=key=from-secret")
    container = {
        "name": "main",
        "envFrom": [{"configMapRef": {"name": "rich"}}],
        "volumeMounts": [{"name": "s", "mountPath": "/etc/s"}],
        "readinessProbe": {"exec": {"command": ["test", "-f", "/etc/s/key"]}},
        "livenessProbe": {"httpGet": {"path": "/"}},
        "ports": [{"containerPort": 8080}],
    }
    made = mesh.manifest(
        "rich",
        protocols,
        notes={"autoscaling.knative.dev/min-scale": "1"},
        container=container,
        spec={"volumes": [{"name": "s", "secret": {"secretName": "rich"}}]},
    )
    side = {"name": "side", "image": "hauberk.local/curl"}
    made["spec"]["template"]["spec"]["containers"].append(side)
    mesh.cluster.apply(json.dumps(made))
    eventually(lambda: mesh.is_settled("rich"), within_s=20, what="Ready")
    host = mesh.host("rich")
    assert mesh.call(host, "/env?word").text == "from-map"
    assert mesh.call(host, "/file?/etc/s/key").text == "from-secret"
    (pod,) = mesh.pods("rich")
    assert {"main", "side", "queue-proxy", "istio-proxy"} == {c["name"] for c in pod["spec"]["containers"]}


@pytest.mark.parametrize(
    ("kind", "columns"),
    [
        ("ksvc", "NAME URL LATESTCREATED LATESTREADY READY REASON"),
        ("rt", "NAME URL READY REASON"),
        ("cfg", "NAME LATESTCREATED LATESTREADY READY REASON"),
        ("rev", "NAME CONFIG NAME GENERATION READY REASON ACTUAL REPLICAS DESIRED REPLICAS"),
        ("kpa", "NAME DESIREDSCALE ACTUALSCALE READY REASON"),
        ("sks", "NAME MODE ACTIVATORS SERVICENAME PRIVATESERVICENAME READY REASON"),
        ("king", "NAME READY REASON"),
    ],
)
def test_listings_have_upstreams_columns(mesh: Any, kind: str, columns: str) -> None:
    head = mesh.cluster.must("get", kind, "-n", "default").splitlines()[0]
    assert " ".join(head.split()) == columns
