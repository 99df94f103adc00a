from __future__ import annotations

from typing import Any

from hauberk.app.contract_feed import Taken, answers_of, changed, pods_of
from hauberk.events.contract import Contract, Egress, Resource, Served
from hauberk.events.roles import Acked


def taken(generation: int, *uids: str, problems: dict[str, str] | None = None) -> Taken:
    rows = tuple(
        Resource(
            uid=uid,
            kind="Broker",
            namespace="n",
            name=uid,
            generation=generation,
            egresses=(Egress(f"{uid}-e", "n", "e"),),
        )
        for uid in uids
    )
    return Taken(Contract(1, rows), Served(1, problems or {}))


def acked(*processes: Taken) -> dict[str, Acked]:
    return {uid: row[0] for uid, row in answers_of(processes).items()}


def test_what_is_served_is_what_every_process_serves() -> None:
    both = acked(taken(2, "a", "b"), taken(1, "a"))
    assert both == {"a": Acked(1), "a-e": Acked(1)}
    assert acked() == {}


def test_a_problem_of_one_process_is_a_problem() -> None:
    found = acked(taken(1, "a"), taken(1, "a", problems={"a-e": "no such function"}))
    assert found == {"a": Acked(1), "a-e": Acked(1, "no such function")}


def test_whoever_is_served_otherwise_is_looked_at_again_once() -> None:
    before = answers_of([taken(1, "a", "b", "gone")])
    after = answers_of(
        [
            taken(1, "a"),
        ]
    )
    later = answers_of([taken(1, "a", problems={"a": "x", "a-e": "y"})])
    assert sorted(r.uid for r in changed(before, after)) == ["b", "gone"]
    assert [r.uid for r in changed(after, later)] == ["a"]
    assert changed(after, after) == []


def pod(phase: str, ready: str = "True", restarts: int = 0, **meta: Any) -> dict[str, Any]:
    return {
        "metadata": {"uid": "u", **meta},
        "status": {
            "phase": phase,
            "conditions": [{"type": "Ready", "status": ready}],
            "containerStatuses": [{"restartCount": restarts}],
        },
    }


def test_a_process_that_started_again_is_another_one() -> None:
    pods = [
        pod("Running"),
        pod("Running", "False", 1),
        pod("Pending"),
        pod("Running", deletionTimestamp="now"),
    ]
    assert list(pods_of(pods)) == [("u/0", "u", True), ("u/1", "u", False)]
