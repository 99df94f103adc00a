from __future__ import annotations

from dataclasses import replace

import pytest

from hauberk.autoscaler.last_pod import AskActivator, Drop, GoInactive, Idle, Keep, Phase, Step, next_step

IDLE = Idle(
    allowed=True,
    phase="active",
    phase_age=0,
    activation_timeout=600,
    stable_window=60,
    grace=30,
    retention=0,
    proxied_for=0,
    activator_answers=True,
)


@pytest.mark.parametrize(
    ("phase", "age", "want"),
    [
        ("activating", 599, Keep(1)),
        ("activating", 600, Drop()),
        ("active", 59, Keep(1)),
        ("active", 60, GoInactive()),
        ("inactive", 29, Keep(1)),
        ("inactive", 30, Drop()),
    ],
)
def test_steps(phase: Phase, age: float, want: Step) -> None:
    assert next_step(replace(IDLE, phase=phase, phase_age=age)) == want


def test_the_pod_stays_until_the_activator_is_in_the_path() -> None:
    assert next_step(replace(IDLE, phase="inactive", phase_age=99, activator_answers=None)) == AskActivator()


def test_a_long_time_behind_the_activator_ends_the_wait() -> None:
    assert next_step(replace(IDLE, phase="inactive", phase_age=1, proxied_for=31)) == Drop()


def test_retention_is_a_hard_minimum() -> None:
    idle = replace(IDLE, phase="inactive", phase_age=40, proxied_for=99, retention=60)
    assert next_step(idle) == Keep(20)


def test_scale_to_zero_may_be_forbidden() -> None:
    assert next_step(replace(IDLE, allowed=False, phase="inactive", phase_age=999)) == Keep(None)
