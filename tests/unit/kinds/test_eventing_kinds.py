from __future__ import annotations

from typing import Any

import pytest

from hauberk.kinds import BY_ID
from hauberk.kinds.eventing.parts import parse_period_s
from hauberk.kinds.serving.rules import upstream_text
from hauberk.kinds.testing import a

SINK = {"uri": "http://sink.example.com"}
BROKER, TRIGGER = "Broker.eventing.knative.dev", "Trigger.eventing.knative.dev"
SUBSCRIPTION, CHANNEL = "Subscription.messaging.knative.dev", "Channel.messaging.knative.dev"
POLICY = "EventPolicy.eventing.knative.dev"


def said(kind: str, **spec: Any) -> str:
    row = BY_ID[kind]
    whole = a(kind)
    obj = row.default({**whole, "spec": {**whole.get("spec", {}), **spec}})
    return upstream_text(row.validate(row.parse(obj)))


@pytest.mark.parametrize(
    ("kind", "spec", "text"),
    [
        (BROKER, {"delivery": {"retry": -1}}, "invalid value: -1: spec.delivery.retry"),
        (BROKER, {"delivery": {"backoffPolicy": "x"}}, "invalid value: x: spec.delivery.backoffPolicy"),
        (BROKER, {"delivery": {"backoffDelay": "1s"}}, "invalid value: 1s: spec.delivery.backoffDelay"),
        (BROKER, {"delivery": {"timeout": "PT0S"}}, "invalid value: PT0S: spec.delivery.timeout"),
        (
            BROKER,
            {"config": {"kind": "ConfigMap"}},
            "missing field(s): spec.config.apiVersion, spec.config.name",
        ),
        (
            TRIGGER,
            {"filter": {"attributes": {"Type": "x"}}},
            'invalid key name "Type": spec.filter.attributes[Type]\n'
            "Attribute name must start with a letter and can only contain lowercase alphanumeric",
        ),
        (
            TRIGGER,
            {"filters": [{"exact": {"type": "a"}, "prefix": {"type": "b"}}]},
            "multiple dialects found, filters can have only one dialect set: spec.filters[0]",
        ),
        (
            TRIGGER,
            {"filters": [{"not": {"any": [{"suffix": {"a": "b", "c": "d"}}]}}]},
            "Multiple items found, can have only one key-value: spec.filters[0].not.any[0].suffix",
        ),
        (
            SUBSCRIPTION,
            {"subscriber": None},
            "missing field(s): spec.reply, spec.subscriber\n"
            "the Subscription must reference at least one of (reply or a subscriber)",
        ),
        (
            SUBSCRIPTION,
            {"channel": {"apiVersion": "v1", "kind": "X", "name": "c", "namespace": "n"}},
            "must not set the field(s): spec.channel.namespace\n"
            "only name, apiVersion and kind are supported fields",
        ),
        (CHANNEL, {"channelTemplate": None}, "missing field(s): spec.channelTemplate"),
        (
            POLICY,
            {"from": [{"sub": "a*b"}], "to": [{}]},
            "expected exactly one, got neither: spec.to[0].ref, spec.to[0].selector\n"
            "invalid value: a*b: spec.from[0].sub\n'*' is only allowed as suffix",
        ),
    ],
)
def test_upstreams_words(kind: str, spec: dict[str, Any], text: str) -> None:
    assert said(kind, **spec) == text


@pytest.mark.parametrize(
    ("kind", "before", "after", "refused"),
    [
        (BROKER, {"config": {"name": "a"}}, {"config": {"name": "b"}}, True),
        (BROKER, {"delivery": {"retry": 1}}, {"delivery": {"retry": 2}}, False),
        (TRIGGER, {"broker": "a"}, {"broker": "b"}, True),
        (TRIGGER, {"broker": "a"}, {"broker": "a", "filter": {}}, False),
        (CHANNEL, {"channelTemplate": {"kind": "A"}}, {"channelTemplate": {"kind": "B"}}, True),
        (SUBSCRIPTION, {"channel": {"name": "a"}}, {"channel": {"name": "b"}}, True),
        (SUBSCRIPTION, {"subscriber": SINK}, {"subscriber": {"uri": "http://b.example.com"}}, False),
    ],
)
def test_what_may_not_change(kind: str, before: Any, after: Any, refused: bool) -> None:
    found = list(BY_ID[kind].validate_update({**a(kind), "spec": before}, {**a(kind), "spec": after}))
    assert bool(found) is refused


def test_a_trigger_carries_its_broker_as_a_label_and_lets_everything_pass() -> None:
    found = BY_ID[TRIGGER].default(a(TRIGGER))
    assert found["metadata"]["labels"] == {"eventing.knative.dev/broker": "b"}
    assert found["spec"]["filter"] == {}


def test_references_are_to_the_objects_own_namespace() -> None:
    ref = {"apiVersion": "v1", "kind": "Service", "name": "s"}
    found = BY_ID[SUBSCRIPTION].default(a(SUBSCRIPTION, namespace="n", spec={"reply": {"ref": dict(ref)}}))
    assert found["spec"]["reply"]["ref"]["namespace"] == "n"


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("PT0.2S", 0.2), ("PT1M30S", 90), ("P1DT1H", 90_000), ("P1W", 604_800), ("-PT5S", -5)],
)
def test_periods(text: str, seconds: float) -> None:
    assert parse_period_s(text) == pytest.approx(seconds)


@pytest.mark.parametrize("text", ["", "P", "PT", "1s", "PT1"])
def test_what_is_no_period(text: str) -> None:
    with pytest.raises(ValueError, match="not an ISO 8601 period"):
        parse_period_s(text)
