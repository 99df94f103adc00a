"""Gradual rollouts and headers that name a tag: what the Route asks of the gateways."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hauberk.serving.config.network import Network
from hauberk.serving.route.hosts import Hosts
from hauberk.serving.route.make import Traffic, at_once, make_ingress
from hauberk.serving.route.rollout import (
    NANO,
    Pace,
    Rollout,
    Share,
    dump,
    duration_s,
    goals,
    load,
    next_step,
    step,
)
from hauberk.serving.route.traffic import Target

HOSTS = Hosts(("a.n", "a.n.svc", "a.n.svc.cluster.local"), "a.example.com")
TAGGED = Hosts(("t-a.n", "t-a.n.svc", "t-a.n.svc.cluster.local"), "t-a.example.com")
ROUTE = {"metadata": {"name": "a", "namespace": "n"}, "spec": {}}


def latest(revision: str, percent: int | None = 100, tag: str = "") -> Target:
    return Target(revision=revision, configuration="a", latest=True, percent=percent, tag=tag)


def pinned(revision: str, percent: int | None, tag: str = "") -> Target:
    return Target(revision=revision, configuration="a", latest=False, percent=percent, tag=tag)


def follow(target: Target, takes_s: int) -> list[tuple[int, ...]]:
    """The newest and the older shares at every step; the first percent took one second to get ready."""
    rows = goals([latest("a-1", target.percent)])
    wanted, now, seen = goals([target]), NANO, []
    rows = step(wanted, rows, now, ready=True, takes_s=takes_s)
    seen.append(tuple(s.percent for s in rows[0].shares))
    now += NANO
    rows = step(wanted, rows, now, ready=True, takes_s=takes_s)
    while not rows[0].is_done:
        now = next_step(rows)
        rows = step(wanted, rows, now, ready=True, takes_s=takes_s)
        seen.append(tuple(s.percent for s in rows[0].shares))
    assert now - NANO <= max(takes_s, 2) * NANO  # a second for the first percent, at least one for the rest
    return seen


def test_the_newest_revision_gets_one_percent_and_then_equal_steps_until_it_has_all() -> None:
    # 4 s, the first of which moved 1 %: three steps of 33 %
    assert follow(latest("a-2"), 4) == [(99, 1), (66, 34), (33, 67), (100,)]


def test_a_rollout_that_is_shorter_than_its_first_percent_is_one_step() -> None:
    assert follow(latest("a-2"), 1) == [(99, 1), (100,)]


def test_a_share_of_the_traffic_rolls_out_within_that_share() -> None:
    assert follow(latest("a-2", 10), 100)[:3] == [(9, 1), (8, 2), (7, 3)]


def test_nothing_moves_until_the_gateways_serve_the_first_percent() -> None:
    begun = step(goals([latest("a-2")]), goals([latest("a-1")]), NANO, ready=True, takes_s=10)
    assert next_step(begun) == 0
    later = step(goals([latest("a-2")]), begun, 60 * NANO, ready=False, takes_s=10)
    assert later == begun


def test_a_third_revision_takes_its_first_percent_from_the_second() -> None:
    rows = (
        Rollout(
            configuration="a", percent=100, shares=(Share("a-1", 60), Share("a-2", 40)), pace=Pace(1, 9, 9, 9)
        ),
    )
    (got,) = step(goals([latest("a-3")]), rows, 5, ready=False, takes_s=10)
    assert got.shares == (Share("a-1", 60), Share("a-2", 39), Share("a-3", 1))
    assert got.pace == Pace(start=5)


@pytest.mark.parametrize(
    ("percent", "want"),
    [(80, (("a-1", 40), ("a-2", 40))), (30, (("a-2", 30),)), (100, (("a-1", 60), ("a-2", 40)))],
)
def test_a_smaller_share_is_taken_from_the_oldest_revision(percent: int, want: tuple[Any, ...]) -> None:
    rows = (Rollout(configuration="a", percent=100, shares=(Share("a-1", 60), Share("a-2", 40))),)
    (got,) = step(goals([latest("a-2", percent)]), rows, 5, ready=False, takes_s=10)
    assert tuple((s.revision, s.percent) for s in got.shares) == want


@given(st.integers(2, 100), st.integers(1, 600), st.lists(st.integers(0, 40), max_size=60))
def test_shares_always_sum_to_the_whole_and_the_rollout_ends(
    percent: int, takes_s: int, waits: list[int]
) -> None:
    wanted, rows, now = goals([latest("a-2", percent)]), goals([latest("a-1", percent)]), NANO
    for wait in waits:
        rows = step(wanted, rows, now, ready=True, takes_s=takes_s)
        assert sum(s.percent for s in rows[0].shares) == percent
        assert load(dump(rows)) == rows
        now += wait * NANO
    for _ in range(103):
        now = max(now + NANO, next_step(rows))
        rows = step(wanted, rows, now, ready=True, takes_s=takes_s)
    assert rows == wanted


@pytest.mark.parametrize(
    ("notes", "default", "want"),
    [
        ({}, 0, 0),
        ({}, 7, 7),
        ({"serving.knative.dev/rollout-duration": "2m"}, 7, 120),
        ({"serving.knative.dev/rolloutDuration": "5s"}, 0, 5),
        ({"serving.knative.dev/rollout-duration": "soon"}, 7, 7),
    ],
)
def test_how_long_a_rollout_takes(notes: dict[str, str], default: int, want: int) -> None:
    assert duration_s(notes, default) == want


@pytest.mark.parametrize(
    "text",
    [
        "", "{", '{"configurations":[{}]}', "[]", '{"configurations":3}',
        '{"configurations":[{"configurationName":"a","percent":100,"revisions":[{"revisionName":"x","percent":1}]}]}',
    ],
)  # fmt: skip
def test_a_state_that_does_not_add_up_is_no_state(text: str) -> None:
    assert load(text) == ()


def rules(traffic: Traffic) -> list[Any]:
    made = make_ingress(ROUTE, traffic, {"": HOSTS, "t": TAGGED}, Network())
    rows: list[Any] = made["spec"]["rules"]
    return [rule for rule in rows if rule["visibility"] == "ExternalIP"]


def splits(path: Any) -> dict[str, int]:
    return {s["serviceName"]: s["percent"] for s in path["splits"]}


def test_the_ingress_splits_a_target_that_is_being_rolled_out() -> None:
    rows = (Rollout(configuration="a", percent=90, shares=(Share("a-1", 60), Share("a-2", 30))),)
    traffic = Traffic(targets=(latest("a-2", 90), pinned("a-0", 10)), rollouts=rows)
    (path,) = rules(traffic)[0]["http"]["paths"]
    assert splits(path) == {"a-1": 60, "a-2": 30, "a-0": 10}


def test_a_tagged_share_has_a_rollout_of_its_own_and_one_of_the_whole() -> None:
    assert [(row.tag, row.percent) for row in goals([latest("a-1", 40, "t"), pinned("a-0", 60)])] == [
        ("", 40),
        ("t", 100),
    ]


def test_a_header_names_the_tag_where_the_feature_is_on() -> None:
    targets = (latest("a-2"), pinned("a-1", None, "t"))
    assert len(rules(at_once(targets))[0]["http"]["paths"]) == 1
    own, tagged = rules(Traffic(targets=targets, rollouts=goals(targets), by_header=True))
    by_header, everyone = own["http"]["paths"]
    assert by_header["headers"] == {"Knative-Serving-Tag": {"exact": "t"}}
    assert splits(by_header) == {"a-1": 100}
    assert everyone["appendHeaders"] == {"Knative-Serving-Default-Route": "true"}
    assert splits(everyone) == {"a-2": 100}
    (path,) = tagged["http"]["paths"]
    assert path["appendHeaders"] == {"Knative-Serving-Tag": "t"}
