from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from hauberk.autoscaler.config import Config, Settings, num_activators, parse_config, settings_of
from hauberk.autoscaler.facts import Wanted
from hauberk.autoscaler.plan import UNKNOWN, Scale, World, choose_mode, decide_scale, plan
from hauberk.autoscaler.pods import Counts
from hauberk.base.times import rfc3339

NOW = 1_700_000_600.0


def autoscaler(active: str = "True", age: float = 0, initialized: bool = True) -> dict[str, Any]:
    since = rfc3339(NOW - age)
    rows = [{"type": "Active", "status": active, "reason": "R", "message": "M", "lastTransitionTime": since}]
    if initialized:
        rows.append({"type": "ScaleTargetInitialized", "status": "True", "lastTransitionTime": since})
    return {
        "apiVersion": "autoscaling.internal.knative.dev/v1alpha1",
        "kind": "PodAutoscaler",
        "metadata": {"name": "a-00001", "namespace": "n", "uid": "u", "creationTimestamp": since},
        "spec": {
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "a-00001-deployment"}
        },
        "status": {"conditions": rows},
    }


def settings(**notes: str) -> Settings:
    named = {f"autoscaling.knative.dev/{k.replace('_', '-')}": v for k, v in notes.items()}
    return settings_of(named, 0, reachable=True, config=Config())


WORLD = World(
    autoscaler=autoscaler(),
    settings=settings(),
    deployment={"spec": {"replicas": 1}},
    sks={
        "spec": {"mode": "Proxy"},
        "status": {"serviceName": "a-00001", "privateServiceName": "a-00001-private"},
    },
    pods=Counts(ready=1),
    wanted=Wanted(0, -111),
    activator_in_path=True,
)


@pytest.mark.parametrize(
    ("situation", "world", "want"),
    [
        ("demand", replace(WORLD, wanted=Wanted(3, 0)), Scale(3, 3)),
        ("no data", replace(WORLD, wanted=None), Scale(UNKNOWN, None)),
        ("idle, just active", WORLD, Scale(1, 1, 60.0)),
        ("idle for long", replace(WORLD, autoscaler=autoscaler(age=60)), Scale(0, None, 1.0)),
        ("inactive", replace(WORLD, autoscaler=autoscaler("False", 10)), Scale(0, None, 20.0)),
        ("inactive for long", replace(WORLD, autoscaler=autoscaler("False", 30)), Scale(0, 0)),
        (
            "inactive, activator not in the path",
            replace(WORLD, autoscaler=autoscaler("False", 99), activator_in_path=False),
            Scale(0, None, 1.0),
        ),
        (
            "a request waits for a pod",
            replace(WORLD, autoscaler=autoscaler("False", 99), pods=Counts(), held=1),
            Scale(1, 1),
        ),
        (
            "many requests wait for a pod",
            replace(WORLD, autoscaler=autoscaler("False", 99), pods=Counts(), held=141),
            Scale(3, 3),
        ),
        ("minimum", replace(WORLD, settings=settings(min_scale="2")), Scale(2, 2)),
        ("maximum", replace(WORLD, settings=settings(max_scale="2"), wanted=Wanted(9, 0)), Scale(2, 2)),
        (
            "first pods",
            replace(
                WORLD,
                autoscaler=autoscaler("Unknown", 5, initialized=False),
                settings=settings(initial_scale="3"),
                pods=Counts(),
                wanted=None,
            ),
            Scale(3, 3),
        ),
        (
            "scale to zero forbidden",
            replace(WORLD, settings=replace(settings(), scale_to_zero=False), autoscaler=autoscaler(age=999)),
            Scale(1, 1),
        ),
    ],
)
def test_scale(situation: str, world: World, want: Scale) -> None:
    assert decide_scale(world, NOW) == want, situation


@pytest.mark.parametrize(
    ("wanted", "before", "want", "mode"),
    [
        (Wanted(0, 100), "Serve", 0, "Proxy"),
        (Wanted(2, -1), "Serve", 2, "Proxy"),
        (Wanted(2, 0), "Proxy", 2, "Serve"),
        (None, "Proxy", UNKNOWN, "Proxy"),
        (None, "Serve", UNKNOWN, "Proxy"),
    ],
)
def test_mode(wanted: Wanted | None, before: str, want: int, mode: str) -> None:
    assert choose_mode(replace(WORLD, wanted=wanted, sks={"spec": {"mode": before}}), want) == mode


@pytest.mark.parametrize(
    ("situation", "world", "status", "reason"),
    [
        ("ready pods", replace(WORLD, wanted=Wanted(1, 0)), "True", ""),
        ("no ready pod", replace(WORLD, wanted=Wanted(1, 0), pods=Counts()), "Unknown", "Queued"),
        ("idle", replace(WORLD, autoscaler=autoscaler(age=99)), "False", "NoTraffic"),
        (
            "never became ready",
            replace(WORLD, autoscaler=autoscaler("Unknown", 9999), pods=Counts(), wanted=Wanted(0, -1)),
            "False",
            "TimedOut",
        ),
    ],
)
def test_active(situation: str, world: World, status: str, reason: str) -> None:
    got = plan(world, NOW).status
    assert got is not None
    (row,) = [c for c in got["conditions"] if c["type"] == "Active"]
    assert (row["status"], row.get("reason", "")) == (status, reason), situation


def test_the_class_hpa_gets_an_autoscaler_of_kubernetes_and_serves_from_its_pods() -> None:
    status = {"currentReplicas": 2, "desiredReplicas": 3}
    got = plan(replace(WORLD, kpa=False, hpa={"status": status}), NOW)
    kinds = {child["kind"]: child for child in got.children}
    assert set(kinds) == {"ServerlessService", "HorizontalPodAutoscaler"}
    assert kinds["ServerlessService"]["spec"]["mode"] == "Serve"
    assert not got.others, "the size is the other autoscaler's"
    assert got.status is not None
    assert (got.status["desiredScale"], got.status["actualScale"]) == (3, 2)
    assert {c["type"]: c["status"] for c in got.status["conditions"]}["Active"] == "True"


def test_settings_follow_the_annotations() -> None:
    mine = settings(target="10", window="6s", metric="rps", target_burst_capacity="0")
    assert (mine.spec.target, mine.spec.stable_window, mine.metric) == (7.0, 6.0, "rps")
    assert (mine.panic_window_s, mine.burst_capacity) == (1.0, 0.0)


def test_a_target_never_exceeds_the_container_concurrency() -> None:
    notes = {"autoscaling.knative.dev/target": "50"}
    assert settings_of(notes, 10, reachable=True, config=Config()).total == 10


def test_a_minimum_does_not_bind_what_no_route_leads_to() -> None:
    notes = {"autoscaling.knative.dev/min-scale": "5"}
    assert settings_of(notes, 0, reachable=False, config=Config()).min_scale == 0


def test_three_activators_carry_an_idle_revision_by_default() -> None:
    assert num_activators(settings(), 0) == 3


def test_unreadable_configuration_counts_as_absent() -> None:
    assert parse_config({"stable-window": "soon", "max-scale": "many", "unknown": "1"}) == Config()
