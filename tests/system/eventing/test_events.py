"""Events under the document's strict mTLS: brokers, triggers, channels, replies, dead letters, faults."""

from __future__ import annotations

import json
import os
import signal
from typing import Any

import pytest
from eventroom import EVENTING, INJECT, Room, sink, unique

from hauberk.cluster import find
from hauberk.testing.cluster import eventually, hauberk

pytestmark = pytest.mark.system
CHANNEL = {"apiVersion": "messaging.knative.dev/v1", "kind": "Channel"}


def test_a_brokers_triggers_get_what_passes_their_filters(room: Room) -> None:
    name = unique("b")
    room.broker(name)
    room.trigger(f"{name}-old", name, "/old", filter={"attributes": {"type": "greeting"}})
    new = [
        {"any": [{"prefix": {"type": "greet"}}, {"cesql": "type = 'shout'"}]},
        {"not": {"exact": {"id": "x"}}},
    ]
    room.trigger(f"{name}-new", name, "/new", filters=new)
    room.ready("broker", name)
    room.ready("trigger", f"{name}-old", f"{name}-new")
    for event, kind in ((f"{name}1", "greeting"), (f"{name}2", "shout"), (f"{name}3", "whisper")):
        assert room.to_broker(name, event, kind) == "202"
    room.until(f"/old {name}1 greeting", f"/new {name}1 greeting", f"/new {name}2 shout")
    assert not [g for g in room.got() if f"{name}3" in g or g.startswith(f"/old {name}2")]


def test_a_subscribers_answer_goes_to_the_reply(room: Room) -> None:
    name = unique("c")
    room.make(CHANNEL["apiVersion"], "Channel", name)
    spec = {"channel": {**CHANNEL, "name": name}, "subscriber": sink("/reply"), "reply": sink("/replied")}
    room.make(CHANNEL["apiVersion"], "Subscription", name, spec=spec)
    room.ready("subscription", name)
    assert room.to_channel(name, f"{name}1") == "202"
    room.until(f"/reply {name}1 greeting", f"/replied re-{name}1 answer")


def test_an_answer_to_a_trigger_is_an_event_of_the_broker(room: Room) -> None:
    name = unique("r")
    room.broker(name)
    room.trigger(f"{name}-ask", name, "/reply", filter={"attributes": {"type": "greeting"}})
    room.trigger(f"{name}-hear", name, "/heard", filter={"attributes": {"type": "answer"}})
    room.ready("trigger", f"{name}-ask", f"{name}-hear")
    assert room.to_broker(name, f"{name}1") == "202"
    room.until(f"/heard re-{name}1 answer")


def test_what_cannot_be_delivered_goes_to_the_dead_letter_sink_and_says_why(room: Room) -> None:
    name = unique("d")
    delivery = {
        "retry": 2,
        "backoffPolicy": "linear",
        "backoffDelay": "PT0.1S",
        "deadLetterSink": sink("/dead"),
    }
    room.broker(name, delivery=delivery)
    room.trigger(name, name, "/fail")
    room.ready("trigger", name)
    status = room.cluster.json("trigger", name, "-n", "default")["status"]
    assert status["deadLetterSinkUri"] == "http://ev-sink.default.svc.cluster.local/dead"
    assert room.to_broker(name, f"{name}1") == "202"
    room.until(f"/dead {name}1 greeting")
    letters = [g for g in room.got() if g.startswith(f"/dead {name}1")]
    assert len(letters) == 1
    assert "knativeerrorcode=500" in letters[0]
    assert "knativeerrordest=http://ev-sink.default.svc.cluster.local/fail" in letters[0]
    assert len([g for g in room.got() if g.startswith(f"/fail {name}1")]) == 3


def test_an_acknowledged_event_survives_kill_of_the_dispatcher(room: Room) -> None:
    name = unique("k")
    room.make(CHANNEL["apiVersion"], "Channel", name)
    late = {"uri": f"http://{name}.default.svc.cluster.local/late"}
    delivery = {"retry": 60, "backoffPolicy": "linear", "backoffDelay": "PT0.2S"}
    spec = {"channel": {**CHANNEL, "name": name}, "subscriber": late, "delivery": delivery}
    room.make(CHANNEL["apiVersion"], "Subscription", name, spec=spec)
    room.ready("subscription", name)
    events = [f"{name}{i}" for i in range(5)]
    for event in events:
        assert room.to_channel(name, event) == "202"
    kill(room, "imc-dispatcher")
    ports = [{"name": "http", "port": 80, "targetPort": 8080}]
    room.make("v1", "Service", name, spec={"selector": {"app": "ev-sink"}, "ports": ports})
    room.until(*(f"/late {event} greeting" for event in events), within_s=40)


def test_events_of_a_broker_survive_kill_of_every_process_on_their_way(room: Room) -> None:
    name = unique("a")
    delivery = {"retry": 60, "backoffPolicy": "linear", "backoffDelay": "PT0.2S"}
    room.broker(name, delivery=delivery)
    late = {"uri": f"http://{name}.default.svc.cluster.local/late"}
    room.make(EVENTING, "Trigger", name, spec={"broker": name, "subscriber": late})
    room.ready("trigger", name)
    events = [f"{name}{i}" for i in range(5)]
    for event in events:
        assert room.to_broker(name, event) == "202"
    for role in ("imc-dispatcher", "broker-filter", "broker-ingress"):
        kill(room, role)
    ports = [{"name": "http", "port": 80, "targetPort": 8080}]
    room.make("v1", "Service", name, spec={"selector": {"app": "ev-sink"}, "ports": ports})
    room.until(*(f"/late {event} greeting" for event in events), within_s=60)
    room.ready("trigger", name)


def kill(room: Room, role: str) -> None:
    """SIGKILL for the process of a role."""
    pods = room.cluster.json("pods", "-n", "knative-eventing", "-l", f"hauberk.dev/role={role}")["items"]
    assert pods
    for pod in pods:
        container = next(c["name"] for c in pod["spec"]["containers"] if c["name"] != "istio-proxy")
        os.kill(find.container_pid(room.cluster.name, pod["metadata"]["uid"], container), signal.SIGKILL)


def test_a_service_without_a_pod_starts_for_an_event(room: Room) -> None:
    name = unique("z")
    zero = {"spec": {"config": {"autoscaler": {"allow-zero-initial-scale": "true"}}}}
    serving = ("knativeserving", "knative-serving", "-n", "knative-serving")
    room.cluster.must("patch", *serving, "--type", "merge", "-p", json.dumps(zero))
    notes = {"sidecar.istio.io/rewriteAppHTTPProbers": "true", "autoscaling.knative.dev/initial-scale": "0"}
    template = {
        "metadata": {"labels": INJECT, "annotations": notes},
        "spec": {"containers": [{"image": "hauberk.local/event-display"}]},
    }
    room.make("serving.knative.dev/v1", "Service", name, spec={"template": template})
    room.broker(name)
    ref = {"apiVersion": "serving.knative.dev/v1", "kind": "Service", "name": name}
    room.trigger(name, name, subscriber={"ref": ref})
    room.ready("trigger", name)

    def pods() -> list[Any]:
        label = f"serving.knative.dev/service={name}"
        return list(room.cluster.json("pods", "-n", "default", "-l", label)["items"])

    def printed() -> bool:
        names = [p["metadata"]["name"] for p in pods()]
        logs = [room.cluster.run("logs", n, "-n", "default", "-c", "user-container").out for n in names]
        return any(f"id: {name}1" in text for text in logs)

    eventually(lambda: not pods(), within_s=60, what="no pod")
    assert room.to_broker(name, f"{name}1") == "202"
    eventually(printed, within_s=30, what="event-display printed the event")


def test_who_has_no_sidecar_cannot_send(room: Room) -> None:
    name = unique("o")
    room.broker(name)
    room.ready("broker", name)
    assert room.to_broker(name, f"{name}1", pod="ev-outside") == "000"
    assert room.to_broker(name, f"{name}2") == "202"


def test_a_destination_rule_leads_to_each_channel_while_features_istio_is_on(room: Room) -> None:
    name = unique("i")
    room.make(CHANNEL["apiVersion"], "InMemoryChannel", name)
    room.ready("inmemorychannel", name)
    rule = f"{name}-kn-channel"
    found = room.cluster.json("destinationrule", rule, "-n", "default")
    assert found["spec"]["trafficPolicy"] == {"tls": {"mode": "ISTIO_MUTUAL"}}
    try:
        features(room, "disabled")
        gone = ("get", "destinationrule", rule, "-n", "default")
        eventually(lambda: "NotFound" in room.cluster.run(*gone).err, what="the rule goes")
    finally:
        features(room, "enabled")
    eventually(lambda: room.cluster.run(*gone).code == 0, what="the rule comes back")


def features(room: Room, istio: str) -> None:
    patch = json.dumps({"spec": {"config": {"features": {"istio": istio}}}})
    where = ("knativeeventing", "knative-eventing", "-n", "knative-eventing")
    room.cluster.must("patch", *where, "--type", "merge", "-p", patch)


def test_a_dispatcher_without_the_documents_label_gets_no_events(room: Room) -> None:
    name = unique("l")
    room.make(CHANNEL["apiVersion"], "InMemoryChannel", name)
    room.ready("inmemorychannel", name)
    where = ("knativeeventing", "knative-eventing", "-n", "knative-eventing")
    whole = room.cluster.json(*where)["spec"]["workloads"]
    left = [row for row in whole if row["name"] != "imc-dispatcher"]
    try:
        workloads(room, where, left, sidecars=0)
        assert room.to_channel(name, f"{name}1") in ("502", "503")
        assert "imc-dispatcher" in hauberk("doctor", "--name", room.cluster.name).stdout
    finally:
        workloads(room, where, whole, sidecars=1)
    eventually(lambda: room.to_channel(name, f"{name}2") == "202", within_s=15, what="accepted again")


def workloads(room: Room, where: tuple[str, ...], rows: list[Any], *, sidecars: int) -> None:
    """Set the workloads of KnativeEventing; returns when the dispatcher has, or has not, its sidecar."""
    patch = json.dumps({"spec": {"workloads": rows}})
    room.cluster.must("patch", *where, "--type", "merge", "-p", patch)

    def settled() -> bool:
        pods = room.cluster.json("pods", "-n", "knative-eventing", "-l", "hauberk.dev/role=imc-dispatcher")
        ready = [
            c["ready"] for p in pods["items"] for c in (p.get("status") or {}).get("containerStatuses", ())
        ]
        return len(pods["items"]) == 1 and ready == [True] * (1 + sidecars)

    eventually(settled, within_s=60, what=f"one dispatcher with {sidecars} sidecars")
