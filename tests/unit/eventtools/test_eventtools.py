"""What `hauberk events` means by a target, what it makes, and what it says of an answer."""

from __future__ import annotations

import base64
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from hauberk.base.problems import Problem
from hauberk.base.refs import Ref
from hauberk.eventtools import send, watch
from hauberk.eventtools.target import Named, parse_target, url_of

EVENT = {"id": "1", "source": "/s", "type": "t"}
BROKER = Named("broker", Ref("Broker.eventing.knative.dev", "ns", "b"))


def a_wish(**parts: Any) -> send.Wish:
    said: dict[str, Any] = {
        "target": "broker/b", "namespace": "ns", "attributes": EVENT, "data": b"x", "structured": False,
        "sidecar": True, "image": "curl",
    }  # fmt: skip
    return send.Wish(**{**said, **parts})


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("broker/b", BROKER),
        ("Broker/b", BROKER),
        ("ksvc/a", Named("ksvc", Ref("Service.serving.knative.dev", "ns", "a"))),
        ("service/a", Named("service", Ref("Service", "ns", "a"))),
        ("http://x.y/z", "http://x.y/z"),
    ],
)
def test_targets(text: str, wanted: object) -> None:
    assert parse_target(text, "ns") == wanted


@pytest.mark.parametrize("text", ["b", "broker/", "pipe/b", "broker/a/b", "ftp://x"])
def test_what_is_no_target_is_told_with_an_example(text: str) -> None:
    with pytest.raises(Problem) as caught:
        parse_target(text, "ns")
    assert caught.value.found == text


def test_the_address_is_the_objects_and_its_absence_is_explained() -> None:
    url = {"status": {"address": {"url": "http://x"}}}
    assert url_of(BROKER, url) == "http://x"
    service = Named("service", Ref("Service", "ns", "a"))
    assert url_of(service, {}) == "http://a.ns.svc.cluster.local"
    rows = [{"type": "IngressReady", "status": "False", "reason": "NoPods", "message": "none"}]
    with pytest.raises(Problem) as caught:
        url_of(BROKER, {"status": {"conditions": rows}})
    assert caught.value.found == "IngressReady: NoPods none"
    with pytest.raises(Problem, match="there is no broker b"):
        url_of(BROKER, None)


def test_an_event_that_is_none_is_refused_before_anything_is_made() -> None:
    with pytest.raises(Problem) as caught:
        send.make_event(a_wish(attributes={**EVENT, "Bad": "x"}))
    assert "Bad" in caught.value.found
    with pytest.raises(Problem, match="too large"):
        send.make_event(a_wish(data=b"x" * (send.LIMIT + 1)))


def test_the_message_stands_in_a_secret_and_the_pod_is_injected() -> None:
    wish = a_wish(attributes={**EVENT, "datacontenttype": "text/plain"})
    secret, pod = send.make_objects(wish, "n", "http://x", send.make_event(wish))
    headers = base64.b64decode(secret["data"]["headers"]).decode().splitlines()
    assert "ce-specversion: 1.0" in headers
    assert "content-type: text/plain" in headers
    assert base64.b64decode(secret["data"]["body"]) == b"x"
    assert pod["metadata"]["annotations"] == {"sidecar.istio.io/inject": "true"}
    outside = send.make_objects(a_wish(sidecar=False), "n", "http://x", send.make_event(wish))[1]
    assert outside["metadata"]["labels"]["sidecar.istio.io/inject"] == "false"


@pytest.mark.parametrize(
    ("log", "status", "answer"),
    [
        ("HTTP/1.1 202 Accepted\r\nallow: POST\r\n\r\n\nhauberk-events 202 0.004 0\n", 202, ""),
        ("HTTP/1.1 404 Not Found\r\nx: y\r\n\r\nno broker\nhauberk-events 404 0.1 0\n", 404, "no broker"),
        ("curl: (7) Failed to connect\nhauberk-events 000 0.1 7\n", 0, "curl: (7) Failed to connect"),
    ],
)
def test_the_pods_output_tells_what_came_of_it(log: str, status: int, answer: str) -> None:
    outcome = send.read_outcome(log, "http://x", "1")
    assert outcome is not None
    assert (outcome.status, outcome.answer) == (status, answer)
    problem = send.problem_of(outcome)
    assert (problem is None) == (status == 202)
    assert ("problem" in outcome.as_json()) == (status != 202)


def test_output_without_its_end_is_no_outcome() -> None:
    assert send.read_outcome("HTTP/1.1 202 Accepted\n", "http://x", "1") is None


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not here")
def test_the_pods_script_says_that_nobody_answers(tmp_path: Path) -> None:
    script = send._SCRIPT.replace("/event/", f"{tmp_path}/").replace("sleep 5", "")
    for name in ("headers", "body"):
        (tmp_path / name).write_text("")
    env = {"PATH": "/usr/bin:/bin", "TARGET": "http://127.0.0.1:1/", "SIDECAR": "false"}
    ran = subprocess.run(["sh", "-c", script], env=env, capture_output=True, text=True, check=True)
    outcome = send.read_outcome(ran.stdout, "http://x", "1")
    assert outcome is not None
    assert outcome.status == 0
    assert "127.0.0.1" in outcome.answer


def a_watch(**parts: Any) -> watch.Wish:
    said: dict[str, Any] = {
        "target": "broker/b", "namespace": "ns", "filters": {}, "sidecar": True, "image": "display",
    }  # fmt: skip
    return watch.Wish(**{**said, **parts})


def test_a_broker_is_watched_by_a_trigger_and_a_channel_by_a_subscription() -> None:
    wish = a_watch(filters={"type": "t"})
    pod, service, trigger = watch.make_objects(wish, "n", watch.watched(wish), "eventing.knative.dev/v1")
    assert service["spec"]["selector"].items() <= pod["metadata"]["labels"].items()
    assert (trigger["kind"], trigger["spec"]["filter"]) == ("Trigger", {"attributes": {"type": "t"}})
    wish = a_watch(target="imc/c")
    *_, made = watch.make_objects(wish, "n", watch.watched(wish), "messaging.knative.dev/v1")
    assert made["spec"]["channel"] == {
        "apiVersion": "messaging.knative.dev/v1",
        "kind": "InMemoryChannel",
        "name": "c",
    }


@pytest.mark.parametrize(
    "parts", [{"target": "ksvc/a"}, {"target": "http://x"}, {"target": "channel/c", "filters": {"a": "b"}}]
)
def test_what_cannot_be_watched_is_refused(parts: dict[str, Any]) -> None:
    with pytest.raises(Problem):
        watch.watched(a_watch(**parts))
