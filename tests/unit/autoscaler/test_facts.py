from __future__ import annotations

import pytest

from hauberk.autoscaler.config import Config, settings_of
from hauberk.autoscaler.facts import Facts, Sample

KEY = ("default", "auto-00001")
SETTINGS = settings_of(
    {
        "autoscaling.knative.dev/target": "1",
        "autoscaling.knative.dev/window": "10s",
        "autoscaling.knative.dev/target-utilization-percentage": "100",
    },
    0,
    reachable=True,
    config=Config(),
)


class Ticking:
    """A clock that is moved by hand."""

    def __init__(self) -> None:
        self.at = 1000.0

    def now(self) -> float:
        return self.at

    def monotonic(self) -> float:
        return self.at

    async def sleep(self, seconds: float) -> None:
        self.at += seconds


def decided(samples: list[Sample], ready: int) -> int:
    clock = Ticking()
    facts = Facts(clock)
    for sample in samples:
        wanted = facts.measure(KEY, sample, ready, SETTINGS)
        clock.at += 1.0
    assert wanted is not None
    return wanted.pods


@pytest.mark.parametrize(
    ("samples", "pods"),
    [
        ([Sample(5, 5, 5)] * 12, 5),  # requests of about a second are seen both ways, and count once
        ([Sample(5, 0, 0)] * 12, 5),  # long ones
        ([Sample(0, 500, 5)] * 12, 5),  # short ones
        ([Sample(0, 1, 0.01), *[Sample(0, 0)] * 8], 1),  # one short request keeps the last pod
        ([Sample(0, 1, 0.01), *[Sample(0, 0)] * 12], 0),  # until the window has passed
    ],
)
def test_the_two_views_of_concurrency_are_one_number(samples: list[Sample], pods: int) -> None:
    assert decided(samples, 1) == pods
