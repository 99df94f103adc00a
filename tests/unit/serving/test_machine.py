from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from hauberk.serving.activator.machine import Go, Throttle, Verdict


def test_requests_wait_until_there_is_a_pod_and_leave_in_order() -> None:
    throttle = Throttle()
    assert [throttle.arrive(i) for i in (1, 2)] == [Verdict.WAIT, Verdict.WAIT]
    assert throttle.change({"a"}, 0) == [Go(1, "a"), Go(2, "a")]
    assert throttle.arrive(3) == Go(3, "a")


def test_the_limit_of_a_pod_is_kept_and_nobody_is_overtaken() -> None:
    throttle = Throttle()
    throttle.change({"a"}, 1)
    assert throttle.arrive(1) == Go(1, "a")
    assert throttle.arrive(2) == Verdict.WAIT
    assert throttle.arrive(3) == Verdict.WAIT
    assert throttle.leave(1) == [Go(2, "a")]
    assert throttle.arrive(4) == Verdict.WAIT


def test_a_full_queue_rejects() -> None:
    throttle = Throttle(depth=1)
    assert throttle.arrive(1) == Verdict.WAIT
    assert throttle.arrive(2) == Verdict.REJECT


def test_a_waiter_that_gives_up_gives_its_place_back() -> None:
    throttle = Throttle(depth=1)
    throttle.arrive(1)
    assert throttle.leave(1) == []
    assert throttle.arrive(2) == Verdict.WAIT
    assert throttle.change({"a"}, 0) == [Go(2, "a")]


def test_what_ran_on_a_pod_that_is_gone_counts_no_more() -> None:
    throttle = Throttle()
    throttle.change({"a"}, 1)
    throttle.arrive(1)
    assert throttle.arrive(2) == Verdict.WAIT
    assert throttle.change({"b"}, 1) == [Go(2, "b")]


def test_pods_that_say_that_they_are_done_get_the_next_request() -> None:
    throttle = Throttle()
    throttle.change({"a", "b"}, 2)
    for i in range(1, 5):
        assert isinstance(throttle.arrive(i), Go)
    assert [throttle.arrive(i) for i in (5, 6)] == [Verdict.WAIT, Verdict.WAIT]
    assert throttle.settle({"a": 2, "b": 2}, ()) == []
    assert throttle.settle({"a": 1}, fresh={1, 2, 3, 4}) == []
    (go,) = throttle.settle({"a": 1}, ())
    assert go == Go(5, "a")


@given(st.lists(st.sampled_from(["arrive", "leave", "grow", "shrink"]), max_size=60), st.integers(1, 3))
def test_no_pod_ever_gets_more_than_its_limit(events: list[str], limit: int) -> None:
    throttle, pods, number, live = Throttle(depth=5), 1, 0, []
    throttle.change({"p0"}, limit)
    for event in events:
        if event == "arrive":
            number += 1
            throttle.arrive(number)
            live.append(number)
        elif event == "leave" and live:
            throttle.leave(live.pop(0))
        else:
            pods = max(0, pods + (1 if event == "grow" else -1))
            throttle.change({f"p{i}" for i in range(pods)}, limit)
        assert all(len(r) <= limit for r in throttle.running.values())
        assert not throttle.waiting or all(len(r) == limit for r in throttle.running.values())
