from __future__ import annotations

from typing import Any

import pytest

from hauberk.base.conditions import Condition
from hauberk.eventing.inmemorychannel.plan import World as ChannelWorld
from hauberk.eventing.inmemorychannel.plan import plan as plan_channel
from hauberk.eventing.policies import applies
from hauberk.eventing.served import served
from hauberk.eventing.subscribers.plan import World as SubscribersWorld
from hauberk.eventing.subscribers.plan import plan as plan_subscribers
from hauberk.eventing.trigger.plan import dependency_ready
from hauberk.events.roles import Acked
from hauberk.kinds.testing import a

CHANNEL = "InMemoryChannel.messaging.knative.dev"
SUBSCRIPTION = "Subscription.messaging.knative.dev"


@pytest.mark.parametrize(
    ("acked", "status", "reason"),
    [
        (None, "Unknown", "NotYetServed"),
        (Acked(3), "Unknown", "NotYetServed"),
        (Acked(4, "no such topic"), "False", "CannotBeServed"),
        (Acked(4), "True", ""),
        (Acked(5), "True", ""),
    ],
)
def test_served_is_what_was_acknowledged(acked: Acked | None, status: str, reason: str) -> None:
    found = served("T", "role", acked, 4)
    assert (found.status, found.reason) == (status, reason)


def channel(*subscribers: dict[str, Any], before: tuple[dict[str, Any], ...] = ()) -> dict[str, Any]:
    meta = {"uid": "c", "generation": 4}
    return a(
        CHANNEL, metadata=meta, spec={"subscribers": list(subscribers)}, status={"subscribers": list(before)}
    )


SUBSCRIBER = {"uid": "s", "generation": 2, "subscriberUri": "http://x"}
WAS_READY = {"uid": "s", "observedGeneration": 2, "ready": "True"}
WAS_OLDER = {"uid": "s", "observedGeneration": 1, "ready": "True"}


@pytest.mark.parametrize(
    ("acked", "before", "ready"),
    [
        (Acked(4, "bad filter"), (WAS_READY,), "False"),
        (Acked(4), (), "True"),
        (Acked(3), (WAS_READY,), "True"),
        (Acked(3), (WAS_OLDER,), "Unknown"),
        (Acked(3), (), "Unknown"),
        (None, (WAS_READY,), "Unknown"),
    ],
)
def test_a_subscriber_is_ready_when_its_dispatcher_says_so(
    acked: Acked | None, before: Any, ready: str
) -> None:
    world = ChannelWorld(
        channel=channel(SUBSCRIBER, before=before),
        deployment=None,
        service={},
        endpoints=True,
        own_service=None,
        dead_letter=None,
        policies=(Condition("EventPoliciesReady", "True"), []),
        acked=Acked(4),
        subscribers={"s": acked},
    )
    status = plan_channel(world, 0.0).status
    assert status is not None
    assert [row["ready"] for row in status["subscribers"]] == [ready]


def subscription(name: str, created: str, **physical: str) -> dict[str, Any]:
    meta = {"uid": name, "generation": 1, "creationTimestamp": created}
    reference = {"apiVersion": "messaging.knative.dev/v1", "kind": "InMemoryChannel", "name": "a"}
    status = {"physicalSubscription": physical, "observedGeneration": 1} if physical else {}
    return a(SUBSCRIPTION, name, metadata=meta, spec={"channel": reference}, status=status)


def patched(channel: dict[str, Any], *subscriptions: dict[str, Any]) -> Any:
    plan = plan_subscribers(SubscribersWorld(channel=channel, subscriptions=subscriptions), 0.0)
    return plan.patches[0][1]["spec"]["subscribers"] if plan.patches else None


def test_subscribers_are_all_resolved_subscriptions_oldest_first() -> None:
    new = subscription("new", "2026-02-01T00:00:00Z", subscriberUri="http://new")
    old = subscription("old", "2026-01-01T00:00:00Z", replyUri="http://old")
    late = subscription("late", "2026-01-01T00:00:00Z")
    found = patched(channel(), new, old, late)
    assert [row["uid"] for row in found] == ["old", "new"]
    assert patched({**channel(), "spec": {"subscribers": found}}, old, new) is None


def test_a_subscription_without_delivery_has_its_channels() -> None:
    mine = subscription("s", "2026-01-01T00:00:00Z", subscriberUri="http://s", deadLetterSinkUri="http://d")
    whole = channel()
    whole["spec"]["delivery"] = {"retry": 7, "backoffDelay": "PT1S", "deadLetterSink": {"uri": "/x"}}
    (row,) = patched(whole, mine)
    assert row["delivery"] == {"retry": 7, "backoffDelay": "PT1S", "deadLetterSink": {"uri": "http://d"}}
    mine["spec"]["delivery"] = {"retry": 1}
    (row,) = patched(whole, mine)
    assert row["delivery"] == {"retry": 1, "deadLetterSink": {"uri": "http://d"}}


@pytest.mark.parametrize(
    ("to", "it_does"),
    [
        ([], True),
        ([{"ref": {"apiVersion": "messaging.knative.dev/v1", "kind": "InMemoryChannel", "name": "a"}}], True),
        (
            [{"ref": {"apiVersion": "messaging.knative.dev/v1", "kind": "InMemoryChannel", "name": "b"}}],
            False,
        ),
        ([{"selector": {"matchLabels": {"app": "x"}}}], True),
        ([{"selector": {"matchLabels": {"app": "y"}}}], False),
        ([{"selector": {"matchExpressions": [{"key": "app", "operator": "NotIn", "values": ["x"]}]}}], False),
    ],
)
def test_a_policy_is_about_what_it_names_selects_or_everything(to: list[Any], it_does: bool) -> None:
    policy = a("EventPolicy.eventing.knative.dev", spec={"to": to})
    assert applies(policy, a(CHANNEL, metadata={"labels": {"app": "x"}})) is it_does


PING = '{"apiVersion": "sources.knative.dev/v1", "kind": "PingSource", "name": "p"}'


@pytest.mark.parametrize(
    ("note", "source", "status", "reason"),
    [
        (None, None, "True", ""),
        ("{", None, "False", "ReferenceError"),
        (PING, None, "False", "DependencyDoesNotExist"),
        (
            PING,
            {"metadata": {"generation": 2}, "status": {"observedGeneration": 1}},
            "Unknown",
            "GenerationNotEqual",
        ),
        (
            PING,
            {"metadata": {"generation": 1}, "status": {"observedGeneration": 1}},
            "Unknown",
            "DependencyNotConfigured",
        ),
    ],
)
def test_a_trigger_waits_for_the_source_in_its_annotation(
    note: str | None, source: Any, status: str, reason: str
) -> None:
    notes = {"knative.dev/dependency": note} if note is not None else {}
    found = dependency_ready(a("Trigger.eventing.knative.dev", metadata={"annotations": notes}), source)
    assert (found.status, found.reason) == (status, reason)
