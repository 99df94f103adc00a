"""What the engine writes, and what it leaves alone."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hauberk.base.refs import Ref, ref_of
from hauberk.engine.plan import Controller, Plan
from hauberk.engine.reconcile import reconcile
from hauberk.engine.writes import covers, holds_more
from hauberk.testing.memory_api import MemoryApi

PARENT = {
    "apiVersion": "v1",
    "kind": "ConfigMap",
    "metadata": {"name": "p", "namespace": "a", "uid": "u-p"},
    "data": {},
}
REF = ref_of(PARENT)


def child(name: str, **data: str) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": name, "namespace": "a"},
        "data": data,
        "type": "Opaque",
    }


def controller(*plans: Plan, owns: tuple[str, ...] = ("Secret",)) -> Controller[Any]:
    """Each reconcile takes the next plan; the last one stays."""
    left = list(plans)
    return Controller(
        name="test",
        kind="ConfigMap",
        owns=owns,
        observe=lambda snap, ref: snap.get(ref),
        plan=lambda world, now: left.pop(0) if len(left) > 1 else left[0],
    )


def run(api: MemoryApi, row: Controller[Any], times: int) -> list[tuple[str, Ref]]:
    async def go() -> None:
        for _ in range(times):
            await reconcile(row, api, REF, now=1.0)

    asyncio.run(go())
    return api.log


def test_second_reconcile_writes_nothing() -> None:
    api = MemoryApi()
    api.seed(PARENT)
    status = {"conditions": [{"type": "Ready", "status": "True"}]}
    log = run(api, controller(Plan(children=(child("x", k="dg=="),), status=status)), 3)
    assert [verb for verb, _ in log] == ["apply", "apply_status"]


def test_a_child_that_is_no_longer_listed_is_deleted() -> None:
    api = MemoryApi()
    api.seed(PARENT)
    log = run(api, controller(Plan(children=(child("x"), child("y"))), Plan(children=(child("y"),))), 3)
    assert log[-1] == ("delete", Ref("Secret", "a", "x"))
    assert len(log) == 3


def test_a_field_that_the_plan_no_longer_has_is_removed() -> None:
    api = MemoryApi()
    api.seed(PARENT)
    before, after = child("x", k="dg==", gone="dg=="), child("x", k="dg==")
    run(api, controller(Plan(children=(before,)), Plan(children=(after,))), 2)
    stored = api.snapshot().get(Ref("Secret", "a", "x"))
    assert stored is not None
    assert stored["data"] == {"k": "dg=="}


def test_fields_of_others_are_left_alone() -> None:
    api = MemoryApi()
    api.seed(PARENT)
    row = controller(Plan(children=(child("x", k="dg=="),)))
    run(api, row, 1)
    asyncio.run(api.patch(Ref("Secret", "a", "x"), {"metadata": {"labels": {"of": "admin"}}}))
    log = run(api, row, 2)
    assert [verb for verb, _ in log] == ["apply", "patch"]


def test_a_drifted_field_is_put_back() -> None:
    api = MemoryApi()
    api.seed(PARENT)
    row = controller(Plan(children=(child("x", k="dg=="),)))
    run(api, row, 1)
    asyncio.run(api.patch(Ref("Secret", "a", "x"), {"data": {"k": "b3RoZXI="}}))
    run(api, row, 1)
    stored = api.snapshot().get(Ref("Secret", "a", "x"))
    assert stored is not None
    assert stored["data"] == {"k": "dg=="}


def test_children_of_another_owner_are_never_pruned() -> None:
    api = MemoryApi()
    owner = {"apiVersion": "v1", "kind": "ConfigMap", "name": "q", "uid": "u-q", "controller": True}
    api.seed(PARENT, {**child("x"), "metadata": {"name": "x", "namespace": "a", "ownerReferences": [owner]}})
    assert run(api, controller(Plan()), 2) == []


def test_transition_time_stays_while_the_status_stays() -> None:
    api = MemoryApi()
    api.seed(PARENT)

    def plan(message: str) -> Plan:
        return Plan(status={"conditions": [{"type": "Ready", "status": "True", "message": message}]})

    row = controller(plan("one"), plan("two"))

    async def go() -> None:
        await reconcile(row, api, REF, now=1.0)
        await reconcile(row, api, REF, now=100.0)

    asyncio.run(go())
    stored = api.snapshot().get(REF)
    assert stored is not None
    (condition,) = stored["status"]["conditions"]
    assert condition["message"] == "two"
    assert condition["lastTransitionTime"] == "1970-01-01T00:00:01Z"


contents = st.dictionaries(st.sampled_from("abc"), st.sampled_from(["MQ==", "Mg=="]))
stages = st.lists(st.dictionaries(st.sampled_from(["x", "y", "z"]), contents), min_size=1, max_size=5)


@given(stages)
def test_whatever_was_planned_before_the_last_plan_is_what_is_stored(stages: list[dict[str, Any]]) -> None:
    api = MemoryApi()
    api.seed(PARENT)
    plans = [
        Plan(children=tuple(child(n, **data) for n, data in s.items()), status={"n": len(s)}) for s in stages
    ]
    run(api, controller(*plans), len(plans))
    stored = {o["metadata"]["name"]: o.get("data") or {} for o in api.snapshot().list("Secret")}
    assert stored == stages[-1]
    before = len(api.log)
    run(api, controller(plans[-1]), 2)
    assert len(api.log) == before


@pytest.mark.parametrize(
    ("stored", "wanted", "fields", "want"),
    [
        ({"a": 1, "b": 2}, {"a": 1}, {}, True),
        ({"a": 1}, {"a": 2}, {}, False),
        ({}, {"a": {}}, {}, True),
        ({"l": [1, 2]}, {"l": [1]}, {}, False),
        ({"l": [{"n": "x", "d": 1}]}, {"l": [{"n": "x"}]}, {}, True),
        (
            {"l": [{"n": "other"}, {"n": "x", "d": 1}]},
            {"l": [{"n": "x"}]},
            {"f:l": {'k:{"n":"x"}': {".": {}, "f:n": {}}}},
            True,
        ),
        ({"l": ["a", "b"]}, {"l": ["b"]}, {"f:l": {'v:"b"': {}}}, True),
    ],
)
def test_covers(stored: Any, wanted: Any, fields: Any, want: bool) -> None:
    assert covers(stored, wanted, fields) is want


@pytest.mark.parametrize(
    ("fields", "wanted", "want"),
    [
        ({"f:a": {}}, {"a": 1}, False),
        ({"f:a": {}, "f:b": {}}, {"a": 1}, True),
        ({"f:a": {"f:x": {}}}, {"a": {"y": 1}}, True),
        ({"f:p": {'k:{"port":80,"protocol":"TCP"}': {"f:protocol": {}}}}, {"p": [{"port": 80}]}, False),
        ({"f:p": {'k:{"port":81}': {".": {}}}}, {"p": [{"port": 80}]}, True),
        ({"f:s": {'v:"a"': {}}}, {"s": ["a"]}, False),
        ({"f:s": {'v:"b"': {}}}, {"s": ["a"]}, True),
    ],
)  # fmt: skip
def test_holds_more(fields: Any, wanted: Any, want: bool) -> None:
    assert holds_more(fields, wanted) is want


def test_a_finalizer_is_put_on_and_taken_off_when_its_work_is_done() -> None:
    calls: list[float | None] = [0.5, None]
    row = Controller(
        name="test",
        kind="ConfigMap",
        observe=lambda snap, ref: snap.get(ref),
        plan=lambda world, now: Plan(),
        finalize=lambda world, now: Plan(retry_after=calls.pop(0)),
    )
    api = MemoryApi()
    api.seed(PARENT)

    async def go() -> None:
        await reconcile(row, api, REF, now=1.0)
        stored = api.snapshot().get(REF)
        assert stored is not None
        assert stored["metadata"]["finalizers"] == ["hauberk.dev/test"]
        await api.delete(REF)
        assert (await reconcile(row, api, REF, now=1.0)).retry_after == 0.5
        assert api.snapshot().get(REF) is not None
        await reconcile(row, api, REF, now=1.0)
        assert api.snapshot().get(REF) is None

    asyncio.run(go())


def test_an_object_that_a_controller_does_not_read_gets_no_finalizer_of_it() -> None:
    row = Controller(
        name="test",
        kind="ConfigMap",
        observe=lambda snap, ref: None,
        plan=lambda world, now: Plan(),
        finalize=lambda world, now: Plan(),
    )
    api = MemoryApi()
    api.seed(PARENT)
    asyncio.run(reconcile(row, api, REF, now=1.0))
    stored = api.snapshot().get(REF)
    assert stored is not None
    assert not stored["metadata"].get("finalizers")
