"""Events as objects."""

from __future__ import annotations

from hauberk.base.refs import Ref
from hauberk.base.times import rfc3339
from hauberk.engine.recorder import expired, make_event

POD = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "p", "namespace": "a", "uid": "u", "fieldPath": "spec.containers{c}"},
}
KEY = ("u", "Started", "Container started", "Normal", "kubelet")


def test_an_event_names_its_object_and_its_source() -> None:
    event = make_event(POD, KEY, 10.0, 20.0, 3, 1, "hauberk")
    assert event["metadata"] == {"name": f"p.{10 * 10**9 + 1:x}", "namespace": "a"}
    assert event["involvedObject"]["fieldPath"] == "spec.containers{c}"
    assert event["source"] == {"component": "kubelet", "host": "hauberk"}
    assert (event["firstTimestamp"], event["lastTimestamp"], event["count"]) == (rfc3339(10), rfc3339(20), 3)


def test_an_event_about_an_object_without_namespace_is_in_default() -> None:
    node = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n", "uid": "u"}}
    event = make_event(node, KEY, 10.0, 10.0, 1, 1, "hauberk")
    assert event["metadata"]["namespace"] == "default"
    assert "namespace" not in event["involvedObject"]


def test_events_go_an_hour_after_they_last_happened() -> None:
    events = [
        {"metadata": {"name": "old", "namespace": "a"}, "lastTimestamp": rfc3339(0)},
        {"metadata": {"name": "fresh", "namespace": "a"}, "lastTimestamp": rfc3339(100)},
    ]
    assert expired(events, 3650.0) == [Ref("Event", "a", "old")]
