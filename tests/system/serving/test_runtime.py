"""The runtime contract: what an app finds in its container, and what its developer may not set."""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

import pytest

from hauberk.testing.cluster import eventually

pytestmark = pytest.mark.system
Gone: TypeAlias = Callable[..., None]
WARM = {"autoscaling.knative.dev/min-scale": "1"}
NAME = "contract"


@pytest.fixture(scope="module")
def host(mesh: Any, protocols: str) -> Iterator[str]:
    """A service whose container says nothing of ports, users or probes."""
    yield mesh.deploy(NAME, protocols, notes=WARM)
    mesh.forget(NAME)


@pytest.fixture(scope="module")
def about(mesh: Any, host: str) -> Any:
    """What its process sees."""
    return json.loads(mesh.call(host, "/about").text)


@pytest.mark.must("run-default-port", "run-port-env")
def test_the_environment_names_port_service_configuration_and_revision(about: Any) -> None:
    told = {k: v for k, v in about["env"].items() if k == "PORT" or k.startswith("K_")}
    assert told == {
        "PORT": "8080",
        "K_SERVICE": NAME,
        "K_CONFIGURATION": NAME,
        "K_REVISION": f"{NAME}-00001",
    }


@pytest.mark.must("run-user", "run-port-env")
def test_user_and_port_are_the_developers_where_they_are_given(mesh: Any, gone: Gone, protocols: str) -> None:
    gone("chosen")
    container = {
        "ports": [{"containerPort": 9000}],
        "securityContext": {"runAsUser": 2020, "runAsNonRoot": True},
    }
    host = mesh.deploy("chosen", protocols, notes=WARM, container=container)
    seen = json.loads(mesh.call(host, "/about").text)
    assert (seen["uid"], seen["env"]["PORT"]) == (2020, "9000")
    assert set(seen["writable"]) == {"/tmp", "/var/log"}


@pytest.mark.must("run-host", "run-forwarded")
def test_headers_arrive_as_they_were_sent_with_those_of_the_proxies(mesh: Any, host: str) -> None:
    sent = {"this-was-user-set": "a value", "accept": "text/x-odd; q=0.3"}
    seen = json.loads(mesh.call(host, "/headers", headers=sent).text)
    assert {k: seen[k] for k in sent} == sent
    assert seen["host"] == host
    assert seen["x-forwarded-proto"] == "https"
    addresses = [ipaddress.ip_address(word.strip()) for word in seen["x-forwarded-for"].split(",")]
    assert len(addresses) >= 2
    first, *others = seen["forwarded"].split(", ")
    assert first == f"for={addresses[0]};proto=https"
    assert others == [f"for={a}" for a in addresses[1:-1]]
    own = {k for k in seen if k.startswith(("knative-serving-namespace", "knative-serving-revision", "k-"))}
    assert not own, "headers of the platform's own way are not the app's"


@pytest.mark.must("run-tmp", "run-var-log")
def test_the_file_systems_of_the_contract_are_there(about: Any) -> None:
    files = about["files"]
    assert all(files.values()), {path for path, found in files.items() if not found}
    assert files["/tmp"]["mode"] == "drwxrwxrwt"
    assert files["/var/log"]["mode"].startswith("d")
    assert {"/tmp", "/var/log"} <= set(about["writable"])
    for name, number in (("stdin", 0), ("stdout", 1), ("stderr", 2)):
        assert files[f"/dev/{name}"]["target"] == f"/proc/self/fd/{number}"
    for name in ("full", "null", "random", "tty", "urandom", "zero"):
        assert files[f"/dev/{name}"]["mode"].startswith("crw-rw-rw-"), name


@pytest.mark.must("run-devices")
def test_only_the_default_devices_are_there(about: Any) -> None:
    links = {"fd", "stdin", "stdout", "stderr", "ptmx"}
    default = {"full", "null", "random", "tty", "urandom", "zero", "console", "shm", "pts", "mqueue"}
    assert set(about["dev"]) <= links | default | {"termination-log"}


def test_standard_input_is_at_its_end_and_nothing_is_a_terminal(about: Any) -> None:
    assert (about["stdin"], about["terminal"]) == (0, False)


@pytest.mark.must("run-cgroups")
def test_kernel_settings_and_control_groups_cannot_be_written(about: Any) -> None:
    assert not {"/sys", "/proc/sys"} & set(about["writable"])
    for target, kind, options in about["mounts"]:
        if kind.startswith(("cgroup", "sysfs")):
            assert "ro" in options.split(","), target


@pytest.mark.must("run-http1")
def test_the_container_is_spoken_to_in_http1_unless_its_port_says_otherwise(mesh: Any, host: str) -> None:
    """The app speaks nothing else, and `test_h2c` shows the other way."""
    (pod,) = mesh.pods(NAME)
    user = next(c for c in pod["spec"]["containers"] if c["name"] == "user-container")
    assert user["ports"] == [{"name": "user-port", "containerPort": 8080, "protocol": "TCP"}]
    assert mesh.call(host, "/env?PORT").text == "8080"


@pytest.mark.must("run-probe-port")
def test_probes_without_a_port_ask_the_inbound_port(mesh: Any, gone: Gone, protocols: str) -> None:
    gone("asked")
    container = {
        "ports": [{"containerPort": 9000}],
        "livenessProbe": {"httpGet": {"path": "/"}},
        "readinessProbe": {"tcpSocket": {}},
    }
    mesh.deploy("asked", protocols, notes=WARM, container=container)
    (pod,) = mesh.pods("asked")
    by_name = {c["name"]: c for c in pod["spec"]["containers"]}
    env = {e["name"]: e.get("value") for e in by_name["queue-proxy"]["env"]}
    assert json.loads(env["SERVING_READINESS_PROBE"])["tcpSocket"]["port"] == 9000
    # Rewritten for the mesh: the sidecar asks in the kubelet's place.
    prober = {e["name"]: e.get("value") for e in by_name["istio-proxy"]["env"]}
    alive = json.loads(prober["ISTIO_KUBE_APP_PROBERS"])["/app-health/user-container/livez"]
    assert alive["httpGet"]["port"] in (9000, 8012)


@pytest.mark.must("run-active")
def test_a_pod_that_handles_a_request_is_not_taken_away(mesh: Any, gone: Gone, protocols: str) -> None:
    gone("busy")
    host = mesh.deploy("busy", protocols, notes={"autoscaling.knative.dev/window": "6s"})
    assert mesh.call(host, "/sleep?14").text == "slept"


@pytest.mark.must("run-logs")
def test_what_a_failing_process_said_is_in_its_log(mesh: Any, gone: Gone) -> None:
    gone("fails")
    container = {"command": ["sh", "-c", "echo why it failed >&2; exit 7"]}
    notes = {**WARM, "serving.knative.dev/progress-deadline": "5s"}
    mesh.deploy("fails", "curl", wait=False, notes=notes, container=container)
    (pod,) = eventually(lambda: mesh.pods("fails", ready=False), what="a pod")
    at = ("logs", pod["metadata"]["name"], "-n", "default", "-c", "user-container")
    eventually(lambda: "why it failed" in mesh.cluster.run(*at).out, what="its words")
    said = mesh.ended("fails")["message"]
    assert "why it failed" in said or "exit code 7" in said.lower(), said


OF_CONTAINER = [
    pytest.param({"lifecycle": {"preStop": {"exec": {"command": ["true"]}}}}, id="lifecycle"),
    pytest.param({"tty": True}, id="tty", marks=pytest.mark.must("run-process")),
    pytest.param({"stdin": True}, id="stdin", marks=pytest.mark.must("run-process")),
    pytest.param(
        {"ports": [{"containerPort": 80}, {"containerPort": 81}]},
        id="two-ports",
        marks=pytest.mark.must("run-one-port"),
    ),
    pytest.param({"ports": [{"containerPort": 80, "name": "arbitrary"}]}, id="port-name"),
    pytest.param({"ports": [{"containerPort": 80, "hostPort": 80}]}, id="host-port"),
    pytest.param(
        {"securityContext": {"runAsUser": -10}},
        id="negative-user",
        marks=pytest.mark.must("run-user-refused"),
    ),
    pytest.param(
        {"volumeDevices": [{"name": "v", "devicePath": "/dev/x"}]},
        id="devices",
        marks=pytest.mark.must("run-devices"),
    ),
    pytest.param(
        {"securityContext": {"procMount": "Unmasked"}}, id="proc-mount", marks=pytest.mark.must("run-masked")
    ),
    pytest.param(
        {"securityContext": {"privileged": True}}, id="privileged", marks=pytest.mark.must("run-process")
    ),
    pytest.param(
        {"volumeMounts": [{"name": "v", "mountPath": "/v", "mountPropagation": "HostToContainer"}]},
        id="propagation",
        marks=pytest.mark.must("run-propagation"),
    ),
]
OF_POD = [
    pytest.param({"hostNetwork": True}, id="host-network", marks=pytest.mark.must("run-namespaces")),
    pytest.param({"hostPID": True}, id="host-pid", marks=pytest.mark.must("run-namespaces")),
    pytest.param({"hostIPC": True}, id="host-ipc", marks=pytest.mark.must("run-namespaces")),
    pytest.param(
        {"shareProcessNamespace": True}, id="shared-processes", marks=pytest.mark.must("run-namespaces")
    ),
    pytest.param(
        {"securityContext": {"sysctls": [{"name": "net.core.somaxconn", "value": "1"}]}},
        id="sysctls",
        marks=pytest.mark.must("run-process"),
    ),
]


def refused(mesh: Any, change: Callable[[Any], None]) -> None:
    """Admission says no to a Service with this change of its pod's specification."""
    made = mesh.manifest("refused")
    spec = made["spec"]["template"]["spec"]
    spec["volumes"] = [{"name": "v", "emptyDir": {}}]
    change(spec)
    said = mesh.cluster.run("apply", "--dry-run=server", "-f", "-", text=json.dumps(made))
    assert not said.ok
    assert "validation failed: " in said.err, said.err


@pytest.mark.parametrize("fields", OF_CONTAINER)
def test_what_no_developer_may_set_in_a_container_is_refused(mesh: Any, fields: dict[str, Any]) -> None:
    refused(mesh, lambda spec: spec["containers"][0].update(fields))


@pytest.mark.parametrize("fields", OF_POD)
def test_what_no_developer_may_set_in_a_pod_is_refused(mesh: Any, fields: dict[str, Any]) -> None:
    refused(mesh, lambda spec: spec.update(fields))


@pytest.mark.must("run-user-refused")
def test_an_identity_that_is_not_allowed_fails_the_revision(mesh: Any, gone: Gone, protocols: str) -> None:
    gone("rooted")
    container = {"securityContext": {"runAsUser": 0, "runAsNonRoot": True}}
    notes = {**WARM, "serving.knative.dev/progress-deadline": "5s"}
    mesh.deploy("rooted", protocols, wait=False, notes=notes, container=container)
    row = mesh.ended("rooted")
    assert "non-root" in row["message"], row
