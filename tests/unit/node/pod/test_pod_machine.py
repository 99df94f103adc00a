"""What a pod does next, as values: scripts of steps and answers, and two properties over random worlds."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hauberk.node.pod.answers import after
from hauberk.node.pod.layout import layout_of
from hauberk.node.pod.machine import step, wanted_probes
from hauberk.node.pod.model import (
    KILL,
    PROXY,
    TERM,
    Action,
    Clean,
    Cleaned,
    Deleted,
    DeleteObject,
    Drained,
    DrainProxy,
    Event,
    Exited,
    HookDone,
    MakeSandbox,
    Mounted,
    MountFailed,
    MountVolumes,
    NotStarted,
    PodState,
    Probed,
    RunHook,
    SandboxMade,
    Say,
    SendSignal,
    SourceChanged,
    Started,
    StartUnit,
    Vanished,
)
from hauberk.node.pod.spec import Pod, pod_of
from hauberk.node.pod.status import status_of

Raw = dict[str, Any]
NOW = 1_700_000_000.0


def make_pod(*containers: Raw, deleting: bool = False, **spec: Any) -> Pod:
    meta: Raw = {"name": "p", "namespace": "ns", "uid": "u1"}
    if deleting:
        meta |= {"deletionTimestamp": "2023-11-14T22:13:20Z"}
    raw = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": meta,
        "spec": {"containers": list(containers), **spec},
    }
    return pod_of(raw)


def app(name: str = "c", **fields: Any) -> Raw:
    return {"name": name, "image": "app", **fields}


def mesh(**fields: Any) -> Raw:
    return {"name": "istio-proxy", "image": "hauberk.local/proxyv2", **fields}


class Script:
    """A conversation with the machine."""

    def __init__(self, pod: Pod) -> None:
        self.pod, self.now = pod, NOW
        self.layout = layout_of(pod)
        self.state = PodState(first_seen=NOW)
        self.said: list[str] = []
        self.wake_at: float | None = None

    def turn(self) -> list[Action]:
        """Everything the machine asks for now, without events."""
        out: list[Action] = []
        while True:
            decided = step(self.pod, self.layout, self.state, self.now)
            self.state, self.wake_at = decided.state, decided.wake_at
            out += [a for a in decided.actions if not isinstance(a, Say)]
            self.said += [a.reason for a in decided.actions if isinstance(a, Say)]
            if not decided.actions:
                return out

    def tell(self, *events: Event) -> list[Action]:
        for event in events:
            taken = after(self.pod, self.layout, self.state, event, self.now)
            self.state = taken.state
            self.said += [a.reason for a in taken.actions if isinstance(a, Say)]
        return self.turn()

    def at(self, seconds: float) -> list[Action]:
        self.now = NOW + seconds
        return self.turn()

    def delete(self, grace_s: int = 30) -> list[Action]:
        meta = {**self.pod.raw["metadata"], "deletionTimestamp": "x", "deletionGracePeriodSeconds": grace_s}
        self.pod = pod_of({**self.pod.raw, "metadata": meta})
        return self.turn()

    def up(self, *units: str) -> Script:
        """Bring the pod to where these units run."""
        self.turn()
        self.tell(SandboxMade("10.128.0.9"), Mounted())
        for unit in units:
            self.started(unit)
        return self

    def started(self, unit: str, attempt: int = 0) -> list[Action]:
        return self.tell(Started(unit, attempt, f"id-{unit}-{attempt}", "img", self.now))

    def status(self) -> Raw:
        return status_of(self.pod, self.layout, self.state, self.now, host_ip="10.128.0.1", before=None)

    def container(self, name: str = "c") -> Raw:
        status = self.status()
        rows = [*status["containerStatuses"], *status.get("initContainerStatuses", [])]
        return next(row for row in rows if row["name"] == name)

    def condition(self, kind: str) -> Raw:
        return next(row for row in self.status()["conditions"] if row["type"] == kind)


def test_sandbox_and_volumes_are_made_at_once_and_only_once() -> None:
    script = Script(make_pod(app()))
    assert script.turn() == [MakeSandbox(), MountVolumes()]
    assert script.turn() == []
    assert script.tell(SandboxMade("10.128.0.9")) == []
    assert script.tell(Mounted()) == [StartUnit("c", 0)]
    assert script.container()["state"] == {"waiting": {"reason": "ContainerCreating"}}


def test_a_running_container_without_probes_is_ready() -> None:
    script = Script(make_pod(app())).up("c")
    assert script.container()["ready"]
    assert script.condition("Ready")["status"] == "True"
    assert script.status()["phase"] == "Running"


def test_the_pod_waits_for_its_readiness_probe_and_says_for_whom() -> None:
    script = Script(make_pod(app(readinessProbe={"tcpSocket": {"port": 1}}), app("d"))).up("c", "d")
    assert script.condition("Ready") | {"lastTransitionTime": "", "lastProbeTime": None} == {
        "type": "Ready",
        "status": "False",
        "reason": "ContainersNotReady",
        "message": "containers with unready status: [c]",
        "lastTransitionTime": "",
        "lastProbeTime": None,
    }
    assert wanted_probes(script.pod, script.layout, script.state) == {("c", "readiness", 0)}
    script.tell(Probed("c", 0, "readiness", True))
    assert script.condition("Ready")["status"] == "True"


def test_other_probes_wait_for_the_startup_probe() -> None:
    probe = {"tcpSocket": {"port": 1}}
    script = Script(make_pod(app(startupProbe=probe, livenessProbe=probe, readinessProbe=probe))).up("c")
    assert wanted_probes(script.pod, script.layout, script.state) == {("c", "startup", 0)}
    script.tell(Probed("c", 0, "startup", True))
    wanted = wanted_probes(script.pod, script.layout, script.state)
    assert wanted == {("c", "liveness", 0), ("c", "readiness", 0)}


def test_the_first_restart_is_immediate_and_the_next_wait_longer_each_time() -> None:
    script = Script(make_pod(app())).up("c")
    assert script.tell(Exited("c", 0, 1, script.now)) == [StartUnit("c", 1)]
    waits = []
    for attempt in range(1, 8):
        script.started("c", attempt)
        assert script.tell(Exited("c", attempt, 1, script.now)) == []
        row = script.container()
        assert row["state"]["waiting"]["reason"] == "CrashLoopBackOff"
        assert row["lastState"]["terminated"]["exitCode"] == 1
        assert script.wake_at is not None
        waits.append(script.wake_at - script.now)
        script.now = script.wake_at
        assert script.turn() == [StartUnit("c", attempt + 1)]
    assert waits == [10, 20, 40, 80, 160, 300, 300]
    assert "BackOff" in script.said


def test_ten_quiet_minutes_forget_the_back_off() -> None:
    script = Script(make_pod(app())).up("c")
    script.tell(Exited("c", 0, 1, script.now))
    script.started("c", 1)
    script.at(601)
    assert script.tell(Exited("c", 1, 1, script.now)) == [StartUnit("c", 2)]


@pytest.mark.parametrize(
    ("policy", "code", "again", "phase"),
    [
        ("Always", 0, True, "Running"),
        ("Always", 1, True, "Running"),
        ("OnFailure", 0, False, "Succeeded"),
        ("OnFailure", 1, True, "Running"),
        ("Never", 0, False, "Succeeded"),
        ("Never", 1, False, "Failed"),
    ],
)
def test_restart_policy(policy: str, code: int, again: bool, phase: str) -> None:
    script = Script(make_pod(app(), restartPolicy=policy)).up("c")
    asked = script.tell(Exited("c", 0, code, script.now))
    assert (asked == [StartUnit("c", 1)]) == again
    assert script.status()["phase"] == phase
    if not again:
        assert asked == [Clean()]
        assert (
            script.condition("Ready")["reason"] == {"Succeeded": "PodCompleted", "Failed": "PodFailed"}[phase]
        )


def test_init_containers_run_one_after_the_other() -> None:
    script = Script(make_pod(app(), initContainers=[app("a"), app("b")])).up()
    assert set(script.state.units) == {"a"}
    script.started("a")
    assert script.condition("Initialized")["message"] == "containers with incomplete status: [a b]"
    assert script.container()["state"] == {"waiting": {"reason": "PodInitializing"}}
    assert script.tell(Exited("a", 0, 0, script.now)) == [StartUnit("b", 0)]
    assert script.status()["phase"] == "Pending"
    script.started("b")
    assert script.tell(Exited("b", 0, 0, script.now)) == [StartUnit("c", 0)]
    assert script.condition("Initialized")["status"] == "True"


def test_an_init_container_that_fails_for_good_fails_the_pod() -> None:
    script = Script(make_pod(app(), initContainers=[app("a")], restartPolicy="Never")).up("a")
    assert script.tell(Exited("a", 0, 2, script.now)) == [Clean()]
    assert script.status()["phase"] == "Failed"


def test_a_sidecar_init_container_is_waited_for_until_it_started_and_then_kept_running() -> None:
    side = app("s", restartPolicy="Always", startupProbe={"tcpSocket": {"port": 1}})
    script = Script(make_pod(app(), initContainers=[side], restartPolicy="Never")).up("s")
    assert "c" not in script.state.units
    assert script.tell(Probed("s", 0, "startup", True)) == [StartUnit("c", 0)]
    script.started("c")
    assert script.tell(Exited("s", 0, 0, script.now)) == [StartUnit("s", 1)]
    script.started("s", 1)
    assert script.tell(Exited("c", 0, 0, script.now)) == [SendSignal("s", 1, TERM)]
    assert script.status()["phase"] == "Succeeded"


@pytest.mark.parametrize(
    ("reason", "retry_s", "shown"),
    [
        ("ErrImagePull", 10, "ImagePullBackOff"),
        ("CreateContainerConfigError", 10, "CreateContainerConfigError"),
    ],
)
def test_what_cannot_be_created_waits_with_its_reason(reason: str, retry_s: float, shown: str) -> None:
    script = Script(make_pod(app())).up()
    assert script.tell(NotStarted("c", 0, reason, "because")) == []
    assert script.container()["state"] == {"waiting": {"reason": reason, "message": "because"}}
    script.at(3)
    assert script.container()["state"]["waiting"]["reason"] == shown
    assert script.at(retry_s) == [StartUnit("c", 0)]
    assert script.container()["restartCount"] == 0


def test_a_changed_source_is_tried_at_once() -> None:
    script = Script(make_pod(app())).up()
    script.tell(NotStarted("c", 0, "CreateContainerConfigError", 'secret "x" not found'))
    assert script.tell(SourceChanged()) == [StartUnit("c", 0)]
    other = Script(make_pod(app()))
    other.turn()
    other.tell(SandboxMade("i"), MountFailed(("no",)))
    assert other.said == ["FailedMount"]
    assert other.tell(SourceChanged()) == [MountVolumes()]


def test_a_command_that_does_not_exist_is_a_run_that_ended() -> None:
    script = Script(make_pod(app())).up()
    script.tell(NotStarted("c", 0, "StartError", "no such file", 127))
    row = script.container()
    assert row["state"]["waiting"] == {"reason": "RunContainerError", "message": "no such file"}
    assert row["lastState"]["terminated"]["exitCode"] == 127
    assert script.at(1) == [StartUnit("c", 1)]


def test_a_failed_liveness_probe_stops_the_container_with_the_probes_grace() -> None:
    script = Script(make_pod(app(livenessProbe={"tcpSocket": {"port": 1}}))).up("c")
    assert script.tell(Probed("c", 0, "liveness", False, 3.0)) == [SendSignal("c", 0, TERM)]
    assert not script.container()["ready"]
    assert script.wake_at == NOW + 3
    assert script.at(3) == [SendSignal("c", 0, KILL)]
    assert script.tell(Exited("c", 0, 137, script.now, 9)) == [StartUnit("c", 1)]


def test_only_a_pod_that_ends_waits_for_its_queue_to_drain() -> None:
    asked = {"preStop": {"httpGet": {"path": "/wait-for-drain", "port": 8022}}}
    user = app(lifecycle=asked, livenessProbe={"tcpSocket": {"port": 1}})
    pod = make_pod(user, {"name": "queue-proxy", "image": "hauberk.local/queue"})
    script = Script(pod).up(PROXY, "c")
    failed = Probed("c", 0, "liveness", False, 300.0)
    assert script.tell(failed) == [RunHook("c", 0, "preStop", 1.0)]
    ending = Script(pod).up(PROXY, "c").delete(300)
    assert RunHook("c", 0, "preStop", 300.0) in ending


def test_an_answer_about_an_older_attempt_changes_nothing() -> None:
    script = Script(make_pod(app())).up("c")
    script.tell(Exited("c", 0, 1, script.now))
    before = script.state
    script.tell(Probed("c", 0, "readiness", True), Exited("c", 0, 1, script.now), Started("c", 0, "", "", 0))
    assert script.state == before


def test_an_exit_that_overtakes_the_answer_to_its_start_counts() -> None:
    script = Script(make_pod(app(), restartPolicy="Never")).up()
    script.tell(Exited("c", 0, 0, script.now))
    script.tell(Started("c", 0, "id", "img", script.now - 1))
    ended = script.container()["state"]["terminated"]
    assert (ended["containerID"], ended["reason"]) == ("id", "Completed")


def test_apps_wait_for_a_proxy_with_a_post_start_hook() -> None:
    hook = {"postStart": {"exec": {"command": ["pilot-agent", "wait"]}}}
    script = Script(make_pod(mesh(lifecycle=hook), app())).up()
    assert set(script.state.units) == {PROXY}
    assert script.started(PROXY) == []
    assert script.tell(Probed("istio-proxy", 0, "readiness", True)) == [StartUnit("c", 0)]
    script.started("c")
    # A proxy that dies does not hold back an app that restarts.
    script.tell(Exited(PROXY, 0, 137, script.now, 9))
    assert StartUnit("c", 1) in script.tell(Exited("c", 0, 1, script.now))


def test_apps_and_proxy_start_together_without_the_hook() -> None:
    script = Script(make_pod(app(), mesh()))
    script.turn()
    assert script.tell(SandboxMade("i"), Mounted()) == [StartUnit("c", 0), StartUnit(PROXY, 0)]


def test_all_proxy_containers_mirror_the_one_envoy() -> None:
    queue = {
        "name": "queue-proxy",
        "image": "hauberk.local/queue",
        "readinessProbe": {"tcpSocket": {"port": 1}},
    }
    script = Script(make_pod(app(), mesh(), queue)).up("c", PROXY)
    ids = {script.container(n)["containerID"] for n in ("istio-proxy", "queue-proxy")}
    assert ids == {f"id-{PROXY}-0"}
    wanted = wanted_probes(script.pod, script.layout, script.state)
    assert wanted == {("istio-proxy", "readiness", 0), ("queue-proxy", "readiness", 0)}
    script.tell(Exited(PROXY, 0, 137, script.now, 9))
    assert script.container("queue-proxy")["restartCount"] == 1
    assert script.condition("Ready")["status"] == "False"


def test_istio_init_is_a_redirect_not_an_envoy() -> None:
    init = {"name": "istio-init", "image": "hauberk.local/proxyv2", "args": ["istio-iptables", "-p", "15001"]}
    script = Script(make_pod(app(), mesh(), initContainers=[init]))
    assert script.layout.redirects == {"istio-init"}
    script.turn()
    begun = script.tell(SandboxMade("i"), Mounted())
    assert begun == [StartUnit("istio-init", 0), StartUnit(PROXY, 0)], "the Envoy starts beside its rules"
    done = (Started("istio-init", 0, "id", "img", NOW), Exited("istio-init", 0, 0, NOW))
    assert script.tell(*done) == [StartUnit("c", 0)], "the application after them"


def test_the_envoy_waits_for_an_init_container_that_is_a_process() -> None:
    redirect = {"name": "istio-init", "image": "hauberk.local/proxyv2", "args": ["istio-iptables"]}
    script = Script(make_pod(app(), mesh(), initContainers=[redirect, app("first")]))
    script.turn()
    assert script.tell(SandboxMade("i"), Mounted()) == [StartUnit("istio-init", 0)]
    done = (Started("istio-init", 0, "id", "img", NOW), Exited("istio-init", 0, 0, NOW))
    assert script.tell(*done) == [StartUnit("first", 0)]
    script.started("first")
    assert script.tell(Exited("first", 0, 0, NOW)) == [StartUnit("c", 0), StartUnit(PROXY, 0)]


def test_a_deleted_pod_is_not_ready_at_once_and_ends_in_order() -> None:
    hook = {"preStop": {"httpGet": {"port": 8022, "path": "/wait-for-drain"}}}
    script = Script(make_pod(app(lifecycle=hook), mesh(), terminationGracePeriodSeconds=60)).up("c", PROXY)
    script.tell(Probed("istio-proxy", 0, "readiness", True))
    assert script.condition("Ready")["status"] == "True"
    asked = script.delete(60)
    assert asked == [DrainProxy(0, 5.0), RunHook("c", 0, "preStop", 60.0)]
    assert script.condition("Ready")["status"] == "False"
    assert script.tell(HookDone("c", 0, "preStop", True)) == [SendSignal("c", 0, TERM)]
    assert script.tell(Exited("c", 0, 0, script.now)) == [SendSignal(PROXY, 0, TERM)]
    assert script.tell(Exited(PROXY, 0, 0, script.now)) == [Clean()]
    assert script.tell(Cleaned()) == [DeleteObject()]
    script.tell(Deleted())
    assert script.state.forgotten


@pytest.mark.parametrize(
    ("annotation", "drain_s"), [(None, 5), ("terminationDrainDuration: 35s", 35), ("drainDuration: 1s", 5)]
)
def test_the_mesh_proxy_leaves_when_its_drain_time_is_over(annotation: str | None, drain_s: float) -> None:
    pod = make_pod(app(), mesh(), terminationGracePeriodSeconds=300)
    notes = {"proxy.istio.io/config": annotation} if annotation else {}
    script = Script(replace(pod, annotations=notes))
    script.layout = layout_of(script.pod)
    script.up("c", PROXY)
    script.delete(300)
    assert script.at(drain_s - 1) == []
    assert script.at(drain_s) == [SendSignal(PROXY, 0, TERM)]


def test_a_pod_of_proxies_only_drains_before_it_ends() -> None:
    script = Script(make_pod({"name": "activator", "image": "hauberk.local/activator"})).up(PROXY)
    assert script.delete() == [DrainProxy(0, 5.0)]
    assert script.tell(Drained(0)) == [SendSignal(PROXY, 0, TERM)]


def test_a_hook_that_uses_the_whole_grace_period_leaves_two_seconds() -> None:
    hook = {"preStop": {"sleep": {"seconds": 100}}}
    script = Script(make_pod(app(lifecycle=hook))).up("c")
    assert script.delete(10) == [RunHook("c", 0, "preStop", 10.0)]
    assert script.at(10) == [SendSignal("c", 0, TERM)]
    assert script.at(12) == [SendSignal("c", 0, KILL)]


def test_a_second_deletion_can_shorten_the_grace_period() -> None:
    script = Script(make_pod(app())).up("c")
    assert script.delete(30) == [SendSignal("c", 0, TERM)]
    script.at(1)
    script.delete(2)
    assert script.at(3) == [SendSignal("c", 0, KILL)]


def test_a_vanished_pod_ends_without_touching_its_object() -> None:
    script = Script(make_pod(app())).up("c")
    assert script.tell(Vanished()) == [SendSignal("c", 0, TERM)]
    assert script.at(30) == [SendSignal("c", 0, KILL)]
    assert script.tell(Exited("c", 0, 137, script.now, 9)) == [Clean()]
    assert script.tell(Cleaned()) == []
    assert script.state.forgotten


def test_an_active_deadline_fails_the_pod() -> None:
    script = Script(make_pod(app(), activeDeadlineSeconds=20)).up("c")
    assert script.at(20) == [SendSignal("c", 0, TERM)]
    assert script.status()["phase"] == "Failed"
    assert script.status()["reason"] == "DeadlineExceeded"


def test_a_failed_post_start_hook_kills_the_container() -> None:
    hook = {"postStart": {"exec": {"command": ["x"]}}}
    script = Script(make_pod(app(lifecycle=hook), app("d")))
    script.up()
    assert script.started("c") == [RunHook("c", 0, "postStart", 3600.0)]
    assert not script.container()["ready"]
    assert script.tell(HookDone("c", 0, "postStart", False, "no")) == [SendSignal("c", 0, TERM)]
    assert "FailedPostStartHook" in script.said


# Random worlds.

HOOKS = {"postStart": {"exec": {"command": ["x"]}}, "preStop": {"exec": {"command": ["x"]}}}
EXTRAS = st.sampled_from(
    [{}, {"lifecycle": HOOKS}, {"startupProbe": {"tcpSocket": {"port": 1}}}, {"livenessProbe": {"exec": {}}}]
)
IMAGES = st.sampled_from(["app", "app", "hauberk.local/proxyv2", "hauberk.local/queue"])


@st.composite
def pods(draw: st.DrawFn) -> Pod:
    def container(prefix: str, index: int) -> Raw:
        return {"name": f"{prefix}{index}", "image": draw(IMAGES), **draw(EXTRAS)}

    inits = [container("i", n) for n in range(draw(st.integers(0, 2)))]
    for row in inits:
        if draw(st.booleans()):
            row["restartPolicy"] = "Always"
    apps = [container("c", n) for n in range(draw(st.integers(1, 3)))]
    policy = draw(st.sampled_from(["Always", "OnFailure", "Never"]))
    return make_pod(*apps, initContainers=inits, restartPolicy=policy)


class World:
    """Answers what the machine asks, in any order, well or badly."""

    def __init__(self, pod: Pod) -> None:
        self.script = Script(pod)
        self.waiting: list[Action] = []
        self.running: dict[str, int] = {}

    def take(self, asked: list[Action]) -> None:
        for action in asked:
            if isinstance(action, StartUnit):
                others = [a for a in self.waiting if isinstance(a, StartUnit) and a.unit == action.unit]
                assert not others, "a start while another is under way"
                assert action.unit not in self.running, "a start while the unit runs"
            self.waiting.append(action)

    def answer(self, action: Action, well: bool) -> None:
        self.waiting.remove(action)
        event = self.event_for(action, well)
        if event is not None:
            self.take(self.script.tell(event))

    def event_for(self, action: Action, well: bool) -> Event | None:
        now = self.script.now
        simple: dict[type, Event] = {
            MakeSandbox: SandboxMade("10.128.0.9"),
            MountVolumes: Mounted() if well else MountFailed(("no",)),
            Clean: Cleaned(well),
            DeleteObject: Deleted(well),
        }
        match action:
            case StartUnit(unit, attempt):
                if not well:
                    reasons = ("ErrImagePull", "CreateContainerConfigError", "StartError")
                    return NotStarted(unit, attempt, reasons[attempt % 3], "no")
                self.running[unit] = attempt
                return Started(unit, attempt, "id", "img", now)
            case RunHook(container, attempt, kind):
                return HookDone(container, attempt, kind, well)
            case SendSignal(unit, attempt, signal):
                if self.running.get(unit) == attempt and (well or signal == KILL):
                    del self.running[unit]
                    return Exited(unit, attempt, 128 + signal, now, signal)
                return None
            case DrainProxy(attempt):
                return Drained(attempt)
        return simple[type(action)]

    def exit_of(self, unit: str, code: int) -> None:
        attempt = self.running.pop(unit)
        self.take(self.script.tell(Exited(unit, attempt, code, self.script.now)))

    def probe(self, ok: bool) -> None:
        wanted = sorted(wanted_probes(self.script.pod, self.script.layout, self.script.state))
        for name, kind, attempt in wanted[:1]:
            self.take(self.script.tell(Probed(name, attempt, kind, ok)))


@settings(max_examples=150, deadline=None)
@given(pods(), st.data())
def test_no_unit_ever_runs_twice_and_a_deleted_pod_always_ends(pod: Pod, data: st.DataObject) -> None:
    world = World(pod)
    world.take(world.script.turn())
    for _ in range(data.draw(st.integers(0, 40))):
        choice = data.draw(st.sampled_from(["answer", "exit", "probe", "time"]))
        if choice == "answer" and world.waiting:
            action = data.draw(st.sampled_from(world.waiting))
            world.answer(action, data.draw(st.booleans()))
        elif choice == "exit" and world.running:
            world.exit_of(data.draw(st.sampled_from(sorted(world.running))), data.draw(st.integers(0, 2)))
        elif choice == "probe":
            world.probe(data.draw(st.booleans()))
        else:
            world.script.now += data.draw(st.sampled_from([0.1, 5.0, 400.0]))
            world.take(world.script.turn())
        world.script.status()
    world.take(world.script.delete(30))
    end = world.script.now + 120
    while not world.script.state.forgotten:
        assert world.script.now < end, f"still there: {world.script.state}"
        if world.waiting:
            # Apps ignore SIGTERM and hooks fail; the rest is answered well sooner or later.
            action = world.waiting[0]
            stubborn = isinstance(action, SendSignal | RunHook)
            world.answer(action, not stubborn)
            continue
        assert world.script.wake_at is not None, f"nothing will ever happen: {world.script.state}"
        world.script.now = max(world.script.now + 0.01, world.script.wake_at)
        world.take(world.script.turn())
    assert not world.running
