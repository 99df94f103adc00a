"""Logs, names, layouts, adoption, QoS: the small pure parts around a pod."""

from __future__ import annotations

from typing import Any

import pytest

from hauberk.base.apierrors import BadRequest
from hauberk.node.images.model import ResolvedImage
from hauberk.node.pod.adopt import Found, adopt
from hauberk.node.pod.backoff import spoken
from hauberk.node.pod.env import command_of
from hauberk.node.pod.fields import ConfigError
from hauberk.node.pod.launch import Ground, make_launch
from hauberk.node.pod.layout import layout_of
from hauberk.node.pod.logs import Wanted, attempt_of, rendered
from hauberk.node.pod.model import PROXY
from hauberk.node.pod.names import hosts_file, resolv_file
from hauberk.node.pod.spec import Pod, named_port, pod_of, qos_class
from hauberk.node.pod.termination import tail_of

Raw = dict[str, Any]
NOW = 1_700_000_100.0
LOG = (
    b"2023-11-14T22:13:20.000000001Z stdout F one\n"
    b"2023-11-14T22:14:20.000000001Z stdout P tw\n"
    b"2023-11-14T22:14:20.000000002Z stdout F o\n"
    b"2023-11-14T22:15:20.000000001Z stderr F three\n"
)


def a_pod(*containers: Raw, status: Raw | None = None, meta: Raw | None = None, **spec: Any) -> Pod:
    raw = {
        "metadata": {"name": "p", "namespace": "ns", "uid": "u", **(meta or {})},
        "spec": {"containers": list(containers or ({"name": "c", "image": "app"},)), **spec},
        "status": status or {},
    }
    return pod_of(raw)


@pytest.mark.parametrize(
    ("wanted", "text"),
    [
        (Wanted(), b"one\ntwo\nthree\n"),
        (Wanted(tail_lines=1), b"three\n"),
        (Wanted(tail_lines=0), b""),
        (Wanted(since=1_700_000_050.0), b"two\nthree\n"),
        (Wanted(limit_bytes=5), b"one\nt"),
        (Wanted(tail_lines=1, timestamps=True), b"2023-11-14T22:15:20.000000001Z three\n"),
    ],
)
def test_logs_are_shown_as_asked(wanted: Wanted, text: bytes) -> None:
    assert rendered(LOG, wanted) == text


def test_a_termination_message_can_come_from_the_log() -> None:
    assert tail_of(LOG).endswith("three")


ENDED = {"terminated": {"exitCode": 1, "finishedAt": "2023-11-14T22:13:20Z"}}


@pytest.mark.parametrize(
    ("state", "last", "count", "previous", "attempt"),
    [
        ({"running": {}}, {}, 0, False, 0),
        ({"running": {}}, ENDED, 2, True, 1),
        ({"waiting": {"reason": "CrashLoopBackOff"}}, ENDED, 2, False, 2),
        ({"waiting": {"reason": "CrashLoopBackOff"}}, ENDED, 2, True, 2),
        (ENDED, {}, 0, False, 0),
    ],
)
def test_which_attempt_a_log_is_of(state: Raw, last: Raw, count: int, previous: bool, attempt: int) -> None:
    row = {"name": "c", "state": state, "lastState": last, "restartCount": count}
    assert attempt_of(a_pod(status={"containerStatuses": [row]}), "c", previous=previous) == attempt


@pytest.mark.parametrize(
    ("container", "state", "previous", "message"),
    [
        ("no", {}, False, "container no is not valid for pod p"),
        ("c", {"waiting": {"reason": "ImagePullBackOff"}}, False, "trying and failing to pull image"),
        ("c", {"waiting": {"reason": "PodInitializing"}}, False, "waiting to start: PodInitializing"),
        ("c", {"running": {}}, True, 'previous terminated container "c" in pod "p" not found'),
    ],
)
def test_a_log_that_is_not_there_says_why(container: str, state: Raw, previous: bool, message: str) -> None:
    row = {"name": "c", "state": state, "lastState": {}, "restartCount": 0}
    with pytest.raises(BadRequest, match=message):
        attempt_of(a_pod(status={"containerStatuses": [row]}), container, previous=previous)


@pytest.mark.parametrize(
    ("resources", "expected"),
    [
        ({}, "BestEffort"),
        ({"requests": {"cpu": "1"}}, "Burstable"),
        ({"limits": {"cpu": "1"}}, "Burstable"),
        ({"limits": {"cpu": "1", "memory": "1Gi"}}, "Guaranteed"),
        ({"limits": {"cpu": "1", "memory": "1Gi"}, "requests": {"cpu": "500m"}}, "Burstable"),
        ({"requests": {"example.com/x": "1"}}, "BestEffort"),
    ],
)
def test_qos_classes(resources: Raw, expected: str) -> None:
    assert qos_class(a_pod({"name": "c", "resources": resources}).spec) == expected


@pytest.mark.parametrize(("seconds", "text"), [(10, "10s"), (80, "1m20s"), (300, "5m0s")])
def test_delays_are_spoken_as_go_does(seconds: float, text: str) -> None:
    assert spoken(seconds) == text


def test_ports_have_names() -> None:
    container = a_pod({"name": "c", "ports": [{"containerPort": 8080, "name": "http"}]}).spec.containers[0]
    assert [named_port(container, p) for p in (1, "2", "http")] == [1, 2, 8080]
    with pytest.raises(ValueError, match="couldn't find port"):
        named_port(container, "none")


def test_hosts_and_resolv_conf_are_written_only_when_asked_for() -> None:
    assert (hosts_file(a_pod(), "ip"), resolv_file(a_pod())) == ("", "")
    pod = a_pod(
        hostAliases=[{"ip": "1.2.3.4", "hostnames": ["a", "b"]}],
        subdomain="sub",
        dnsConfig={"searches": ["x.y"], "options": [{"name": "ndots", "value": "2"}]},
    )
    assert "ip\tp.sub.ns.svc.cluster.local\tp\n" in hosts_file(pod, "ip")
    assert "1.2.3.4\ta\tb\n" in hosts_file(pod, "ip")
    assert resolv_file(pod).splitlines() == [
        "nameserver 172.30.0.10",
        "search ns.svc.cluster.local svc.cluster.local cluster.local x.y",
        "options ndots:2",
    ]


IMAGE = ResolvedImage("app", "oci", "sha256:0", user="root")


def launch(tmp: Any, container: Raw, image: ResolvedImage = IMAGE, **spec: Any) -> Any:
    pod = a_pod({"name": "c", "image": "app", **container}, **spec)
    ground = Ground({"v": tmp}, tmp / "t", tmp / "l", "ip")
    return make_launch(pod, pod.spec.containers[0], 3, image, {"A": "1"}, ground)


def test_a_launch_has_the_mounts_and_the_user(tmp_path: Any) -> None:
    mounts = [
        {"name": "v", "mountPath": "/v"},
        {"name": "v", "mountPath": "/w", "subPath": "$(A)/x", "readOnly": True},
    ]
    made = launch(tmp_path, {"volumeMounts": mounts, "securityContext": {"runAsUser": 7}})
    assert [(m.source, m.target, m.read_only) for m in made.mounts] == [
        (str(tmp_path), "/v", False),
        (str(tmp_path / "1" / "x"), "/w", True),
        (str(tmp_path / "t"), "/dev/termination-log", False),
    ]
    assert (made.run_as_user, made.attempt, made.hostname) == (7, 3, "p")


def test_a_claim_that_is_read_only_in_the_pod_is_read_only_in_every_mount(tmp_path: Any) -> None:
    volumes = [{"name": "v", "persistentVolumeClaim": {"claimName": "data", "readOnly": True}}]
    made = launch(tmp_path, {"volumeMounts": [{"name": "v", "mountPath": "/v"}]}, volumes=volumes)
    assert made.mounts[0].read_only


@pytest.mark.parametrize(
    ("container", "spec", "message"),
    [
        ({"securityContext": {"runAsNonRoot": True}}, {}, "image will run as root"),
        (
            {"securityContext": {"runAsUser": 0}},
            {"securityContext": {"runAsNonRoot": True}},
            "breaks non-root policy",
        ),
        ({"volumeMounts": [{"name": "v", "mountPath": "/v", "subPath": "../x"}]}, {}, "must stay inside"),
        ({"volumeMounts": [{"name": "no", "mountPath": "/v"}]}, {}, 'volume "no" is not mounted'),
    ],
)
def test_what_upstream_refuses_to_create_is_refused(
    tmp_path: Any, container: Raw, spec: Raw, message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        launch(tmp_path, container, **spec)


def test_command_and_args_are_kept_apart() -> None:
    container = a_pod({"name": "c", "command": ["a"], "args": ["b"]}).spec.containers[0]
    assert command_of(container, {}) == (("a",), ("b",))


# Adoption.

RUNS = {"running": {"startedAt": "2023-11-14T22:13:20Z"}}


def status(*rows: Raw, **fields: Any) -> Raw:
    return {
        "startTime": "2023-11-14T22:13:20Z",
        "phase": "Running",
        "containerStatuses": list(rows),
        **fields,
    }


def row(state: Raw, name: str = "c", count: int = 2, **fields: Any) -> Raw:
    return {
        "name": name,
        "state": state,
        "lastState": {},
        "restartCount": count,
        "ready": True,
        "started": True,
        **fields,
    }


def adopted(pod: Pod, found: Found) -> Any:
    return adopt(pod, layout_of(pod), found, NOW)


def test_what_runs_goes_on_with_its_attempt_and_its_health() -> None:
    state = adopted(a_pod(status=status(row(RUNS))), Found("ip", {"c": (2, 1.0)}))
    unit = state.unit("c")
    assert (unit.step, unit.attempt, state.of("c").ready, state.initialized) == ("running", 2, True, True)
    assert (state.sandbox, state.ip) == ("ready", "ip")


def test_what_ended_meanwhile_still_runs_until_its_exit_arrives() -> None:
    assert adopted(a_pod(status=status(row(RUNS))), Found("ip", {})).unit("c").step == "running"


def test_without_its_sandbox_everything_ended_and_init_containers_start_over() -> None:
    init = row({"terminated": {"exitCode": 0, "finishedAt": "2023-11-14T22:13:20Z"}}, "i", 0)
    pod = a_pod(
        status=status(row(RUNS), initContainerStatuses=[init]), initContainers=[{"name": "i", "image": "app"}]
    )
    state = adopted(pod, Found())
    assert state.unit("c").step == "exited"
    assert state.unit("c").ended.code == 137
    assert (state.unit("i").step, state.unit("i").attempt) == ("waiting", 1)
    assert (state.sandbox, state.initialized) == ("none", False)


def test_a_unit_that_runs_and_was_never_reported_is_known() -> None:
    state = adopted(a_pod(), Found("ip", {"c": (0, 5.0)}))
    assert state.unit("c").step == "running"


def test_a_back_off_goes_on() -> None:
    last = {"terminated": {"exitCode": 1, "finishedAt": "2023-11-14T22:14:55Z"}}
    waiting = row({"waiting": {"reason": "CrashLoopBackOff"}}, lastState=last)
    unit = adopted(a_pod(status=status(waiting)), Found("ip", {})).unit("c")
    assert (unit.step, unit.delay_s) == ("exited", 10.0)


def test_an_ended_pod_stays_ended() -> None:
    state = adopted(a_pod(status={"phase": "Failed", "reason": "DeadlineExceeded"}), Found())
    assert (state.over, state.sandbox, state.failed) == ("Failed", "removed", ("DeadlineExceeded", ""))


def test_the_envoy_is_adopted_for_all_its_containers() -> None:
    proxies = [
        {"name": n, "image": f"hauberk.local/{i}"} for n, i in (("istio-proxy", "proxyv2"), ("q", "queue"))
    ]
    pod = a_pod(*proxies, status=status(row(RUNS, "istio-proxy", 1), row(RUNS, "q", 1)))
    state = adopted(pod, Found("ip", {PROXY: (1, 1.0)}))
    assert set(state.units) == {PROXY}
    assert state.of("q").ready


@pytest.mark.parametrize(
    ("runs", "done"),
    [({PROXY: (0, 1.0)}, False), ({PROXY: (0, 1.0), "c": (0, 1.0)}, True)],
    ids=["a spare's Envoy and nothing else", "the application too"],
)
@pytest.mark.parametrize("told", [(), (row(RUNS, "istio-proxy", 0),)], ids=["untold", "told"])
def test_an_envoy_that_runs_does_not_show_that_its_redirect_was_carried_out(
    runs: dict[str, tuple[int, float]], done: bool, told: tuple[Raw, ...]
) -> None:
    init = {"name": "istio-init", "image": "hauberk.local/proxyv2"}
    proxy = {"name": "istio-proxy", "image": "hauberk.local/proxyv2"}
    pod = a_pod({"name": "c", "image": "app"}, proxy, initContainers=[init], status=status(*told))
    assert adopted(pod, Found("ip", runs)).initialized is done
