"""What was used between two readings."""

from __future__ import annotations

from hauberk.apiserver.usage import amounts
from hauberk.app.meter import Reading, measured
from hauberk.node.pod.model import PROXY


def test_cpu_is_a_difference_and_memory_is_now() -> None:
    old = Reading(10.0, {("u", "app"): (5.0, 1.0), ("gone", "x"): (9.0, 9.0)}, (100.0, 50.0))
    new = Reading(12.0, {("u", "app"): (6.0, 2048.0), ("u", PROXY): (0.5, 1024.0)}, (103.0, 60.0))
    found = measured(old, new, 99.0, {"u": "istio-proxy"})
    assert found.pods == {"u": {"app": (0.5, 2048.0), "istio-proxy": (0.25, 1024.0)}}
    assert found.nodes == {"hauberk": (1.5, 60.0)}
    assert (found.at, found.window_s) == (99.0, 2.0)


def test_a_process_that_began_anew_used_nothing_negative() -> None:
    old, new = (
        Reading(0.0, {("u", "a"): (5.0, 0.0)}, (0.0, 0.0)),
        Reading(1.0, {("u", "a"): (1.0, 0.0)}, (0.0, 0.0)),
    )
    assert measured(old, new, 0.0, {}).pods["u"]["a"][0] == 0.0


def test_quantities_are_as_the_metrics_server_writes_them() -> None:
    assert amounts(0.25, 13 * 1024 * 1024) == {"cpu": "250000000n", "memory": "13312Ki"}
    assert amounts(0.0, 0.0) == {"cpu": "0", "memory": "0Ki"}
