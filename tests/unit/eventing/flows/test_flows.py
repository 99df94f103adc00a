"""What Sequences and Parallels consist of, and what they say."""

from __future__ import annotations

from typing import Any

from hauberk.base.refs import Json, ref_of
from hauberk.eventing.flows.parallel import plan as parallel
from hauberk.eventing.flows.sequence import plan as sequence
from hauberk.kinds.testing import a

IMC = {"apiVersion": "messaging.knative.dev/v1", "kind": "InMemoryChannel"}
READY = {"conditions": [{"type": "Ready", "status": "True"}]}


def to(name: str) -> dict[str, Any]:
    return {"ref": {"apiVersion": "v1", "kind": "Service", "name": name, "namespace": "default"}}


def a_sequence(*steps: Json, **spec: Any) -> Json:
    meta = {"uid": "u", "generation": 1}
    parts = {"steps": list(steps), "channelTemplate": IMC, **spec}
    return a("Sequence.flows.knative.dev", "s", metadata=meta, spec=parts)


def a_parallel(*branches: Json, **spec: Any) -> Json:
    meta = {"uid": "u", "generation": 1}
    parts = {"branches": list(branches), "channelTemplate": IMC, **spec}
    return a("Parallel.flows.knative.dev", "p", metadata=meta, spec=parts)


def as_ready(child: Json) -> Json:
    status: dict[str, Any] = dict(READY)
    if child["kind"] != "Subscription":
        status["address"] = {"url": f"http://{child['metadata']['name']}.x"}
    return {**child, "status": status}


def states(status: Json) -> dict[str, str]:
    return {c["type"]: c["status"] for c in status["conditions"]}


def named(children: Any, kind: str) -> dict[str, Json]:
    return {c["metadata"]["name"]: c for c in children if c["kind"] == kind}


def test_each_step_has_a_channel_and_a_subscription_that_answers_into_the_next() -> None:
    delivery = {"retry": 3}
    world = sequence.World(
        sequence=a_sequence(to("a"), {**to("b"), "delivery": delivery}, reply=to("end")), stored={}
    )
    children = sequence.plan(world, 0.0).children
    assert set(named(children, "InMemoryChannel")) == {"s-kn-sequence-0", "s-kn-sequence-1"}
    first, last = named(children, "Subscription").values()
    assert first["spec"]["channel"] == {**IMC, "name": "s-kn-sequence-0"}
    assert first["spec"]["subscriber"] == to("a")
    assert first["spec"]["reply"] == {"ref": {**IMC, "name": "s-kn-sequence-1", "namespace": "default"}}
    assert (last["spec"]["reply"], last["spec"]["delivery"]) == (to("end"), delivery)
    assert "delivery" not in last["spec"]["subscriber"]


def test_a_sequence_is_ready_when_all_its_children_are_and_has_the_first_channels_address() -> None:
    flow = a_sequence(to("a"), to("b"))
    children = sequence.plan(sequence.World(sequence=flow, stored={}), 0.0).children
    stored = {ref_of(c): as_ready(c) for c in children}
    status = sequence.plan(sequence.World(sequence=flow, stored=stored), 0.0).status
    assert status is not None
    assert set(states(status).values()) == {"True"}
    assert status["address"] == {"url": "http://s-kn-sequence-0.x"}
    assert [r["channel"]["name"] for r in status["channelStatuses"]] == ["s-kn-sequence-0", "s-kn-sequence-1"]
    late = {r: c if c["kind"] != "Subscription" else {**c, "status": {}} for r, c in stored.items()}
    status = sequence.plan(sequence.World(sequence=flow, stored=late), 0.0).status
    assert status is not None
    assert states(status)["SubscriptionsReady"] == states(status)["Ready"] == "Unknown"
    assert status["subscriptionStatuses"][0]["ready"]["reason"] == "NoReady"


def test_a_subscription_whose_channel_kind_changed_is_left_out_so_that_it_is_made_anew() -> None:
    old = sequence.plan(sequence.World(sequence=a_sequence(to("a")), stored={}), 0.0).children
    flow = a_sequence(to("a"), channelTemplate={**IMC, "kind": "KafkaChannel"})
    world = sequence.World(sequence=flow, stored={ref_of(c): c for c in old})
    assert [c["kind"] for c in sequence.plan(world, 0.0).children] == ["KafkaChannel"]


def test_a_channel_kind_that_is_not_known_is_told() -> None:
    flow = a_sequence(to("a"), channelTemplate={"apiVersion": "x.example.com/v1", "kind": "Pipe"})
    found = sequence.plan(sequence.World(sequence=flow, stored={}), 0.0)
    assert not found.children
    assert found.status is not None
    assert states(found.status)["ChannelsReady"] == "False"


def test_branches_have_a_filter_before_their_channel_and_the_parallels_reply_when_they_have_none() -> None:
    flow = a_parallel(
        {"filter": to("f"), "subscriber": to("a"), "reply": to("own")},
        {"subscriber": to("b")},
        reply=to("all"),
    )
    children = parallel.plan(parallel.World(parallel=flow, stored={}), 0.0).children
    assert set(named(children, "InMemoryChannel")) == {"p-kn-parallel", "p-kn-parallel-0", "p-kn-parallel-1"}
    subs = named(children, "Subscription")
    assert subs["p-kn-parallel-filter-0"]["spec"]["subscriber"] == to("f")
    assert "subscriber" not in subs["p-kn-parallel-filter-1"]["spec"]
    assert subs["p-kn-parallel-filter-1"]["spec"]["reply"]["ref"]["name"] == "p-kn-parallel-1"
    assert subs["p-kn-parallel-0"]["spec"]["reply"] == to("own")
    assert subs["p-kn-parallel-1"]["spec"]["reply"] == to("all")
    assert subs["p-kn-parallel-1"]["spec"]["channel"]["name"] == "p-kn-parallel-1"


def test_a_parallel_without_addresses_is_not_ready_and_with_them_is() -> None:
    flow = a_parallel({"subscriber": to("a")})
    found = parallel.plan(parallel.World(parallel=flow, stored={}), 0.0)
    assert found.status is not None
    assert states(found.status) == dict.fromkeys(
        ("Addressable", "ChannelsReady", "SubscriptionsReady", "Ready"), "False"
    )
    stored = {ref_of(c): as_ready(c) for c in found.children}
    status = parallel.plan(parallel.World(parallel=flow, stored=stored), 0.0).status
    assert status is not None
    assert set(states(status).values()) == {"True"}
    assert set(status["branchStatuses"][0]) == {
        "filterChannelStatus",
        "filterSubscriptionStatus",
        "subscriberSubscriptionStatus",
    }
