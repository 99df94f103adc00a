"""Decisions of the data plane's processes that need no sockets."""

from __future__ import annotations

import pytest

from hauberk.dataplane.courier import FAILED_HEADER, failed_at
from hauberk.dataplane.lanes import HEADERS_ATTRIBUTE, is_inner, passed_on, take_headers
from hauberk.dataplane.messages import Answer, Request
from hauberk.dataplane.metrics import Metrics, code_labels
from hauberk.dataplane.policy import allows
from hauberk.dataplane.process import ROLES
from hauberk.dataplane.roles.broker_filter import judged
from hauberk.dataplane.roles.broker_ingress import ttl_of
from hauberk.events import filters
from hauberk.events.event import Event

EVENT = {"ce-specversion": "1.0", "ce-id": "r", "ce-source": "/r", "ce-type": "reply"}


@pytest.mark.parametrize(
    ("text", "left"),
    [(None, 255), ("255", 254), ("1", 0), ("0", 0), ("-7", 0), ("x", 255), ("", 255), ("9" * 30, 255)],
)
def test_ttl(text: str | None, left: int) -> None:
    assert ttl_of({} if text is None else {"knativebrokerttl": text}) == left


@pytest.mark.parametrize(
    ("answer", "status", "body"),
    [
        (Answer(0, {}, b"refused"), 500, "refused"),
        (Answer(200), 200, None),
        (Answer(202), 202, None),
        pytest.param(Answer(202, EVENT, b"later"), 202, None, marks=pytest.mark.must("evd-202-no-reply")),
        (Answer(202, {}, b"queued"), 202, None),
        (Answer(200, {"content-type": "text/plain"}, b"hello"), 502, "hello"),
        (Answer(404, {}, b"gone"), 404, "gone"),
        (Answer(503, {}, b""), 503, ""),
        (Answer(200, {**EVENT, "ce-id": ""}, b""), 502, "id: MUST be a non-empty string"),
        (Answer(301, {"location": "/"}, b""), 301, ""),
    ],
)
def test_what_broker_filter_makes_of_an_answer(answer: Answer, status: int, body: str | None) -> None:
    judgement = judged(answer, "254", "http://sub.ns/")
    assert judgement.status == status
    assert judgement.body.decode() == (body or "")
    assert judgement.headers.get(FAILED_HEADER) == (None if body is None else "http://sub.ns/")


def test_a_reply_gets_its_ttl_back() -> None:
    judgement = judged(Answer(200, EVENT, b"data"), "17", "http://sub.ns/")
    assert (judgement.headers["ce-knativebrokerttl"], judgement.body) == ("17", b"data")


def test_retry_after_passes() -> None:
    assert judged(Answer(429, {"retry-after": "3"}), "1", "u").headers["retry-after"] == "3"


def test_the_user_is_told_of_the_subscriber_and_not_of_broker_filter() -> None:
    inner = "http://broker-filter.knative-eventing.svc.cluster.local/triggers/ns/t/u"
    assert failed_at(inner, Answer(500, {FAILED_HEADER: "http://sub/"})) == "http://sub/"
    assert failed_at(inner, Answer(503)) == inner


@pytest.mark.parametrize(
    ("url", "inner"),
    [
        ("http://broker-filter.knative-eventing.svc.cluster.local/triggers/ns/t/u", True),
        ("http://broker-filter.knative-eventing.svc.cluster.local/other", False),
        ("http://my-broker-filter.ns.svc/triggers/ns/t/u", False),
        ("http://sub.ns/", False),
    ],
)
def test_inner_hops(url: str, inner: bool) -> None:
    assert is_inner(url) is inner


def test_which_headers_go_on() -> None:
    headers = {"x-request-id": "1", "knative-a": "2", "k-eventing-b": "3", "authorization": "x", "kn-a": "4"}
    assert passed_on(headers) == [("x-request-id", "1"), ("knative-a", "2"), ("k-eventing-b", "3")]


def test_headers_inside_of_a_batch_are_taken_out() -> None:
    event = Event({"id": "1", HEADERS_ATTRIBUTE: "a: 1\nb: x: y"})
    assert take_headers(event) == {"a": "1", "b": "x: y"}
    assert event.attributes == {"id": "1"}
    assert take_headers(event) == {}


@pytest.mark.parametrize(
    ("subjects", "passes"),
    [
        (("system:serviceaccount:ns:a",), True),
        (("system:serviceaccount:ns:*",), True),
        (("system:serviceaccount:ns:ab",), False),
        (("*",), True),
        ((), False),
    ],
)
def test_policy_subjects(subjects: tuple[str, ...], passes: bool) -> None:
    everything = filters.compile(())
    assert allows("system:serviceaccount:ns:a", Event({}), subjects, everything) is passes


def test_policy_filters() -> None:
    only = filters.compile([{"exact": {"type": "t"}}])
    assert allows("a", Event({"type": "t"}), ("a",), only)
    assert not allows("a", Event({"type": "u"}), ("a",), only)


def test_metrics_as_prometheus_reads_them() -> None:
    metrics = Metrics("mt_broker_ingress")
    metrics.count("event_count", (("broker_name", 'a"b'), *code_labels(202)), text="Number")
    metrics.observe("event_dispatch_latencies", 3, (("broker_name", "a"),))
    lines = metrics.text().splitlines()
    assert "# TYPE mt_broker_ingress_event_count counter" in lines
    labels = 'broker_name="a\\"b",response_code="202",response_code_class="2xx"'
    assert f"mt_broker_ingress_event_count{{{labels}}} 1" in lines
    assert 'mt_broker_ingress_event_dispatch_latencies_bucket{broker_name="a",le="2"} 0' in lines
    assert 'mt_broker_ingress_event_dispatch_latencies_bucket{broker_name="a",le="5"} 1' in lines
    assert 'mt_broker_ingress_event_dispatch_latencies_bucket{broker_name="a",le="+Inf"} 1' in lines
    assert 'mt_broker_ingress_event_dispatch_latencies_sum{broker_name="a"} 3' in lines


@pytest.mark.parametrize(
    ("host", "want"),
    [("A.ns.svc", "a.ns.svc"), ("a.ns:80", "a.ns"), ("a.ns:x", "a.ns:x"), ("", "")],
)
def test_host_without_port(host: str, want: str) -> None:
    assert Request("POST", "/", {"host": host}).host == want


def test_every_role_of_the_design_has_a_row() -> None:
    assert {"broker-ingress", "broker-filter", "imc-dispatcher", "job-sink"} <= set(ROLES)
