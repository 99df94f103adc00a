from __future__ import annotations

import json
from typing import Annotated, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hauberk.apiserver import managers, ownership
from hauberk.apiserver.managers import Writer
from hauberk.base.apierrors import Conflict
from hauberk.kinds.meta import ObjectMeta, Part, merge_by
from hauberk.kinds.shape import object_shape


class Item(Part, frozen=True):
    name: str = ""
    value: int = 0


class Spec(Part, frozen=True):
    items: Annotated[tuple[Item, ...], merge_by("name")] = ()
    tags: Annotated[tuple[str, ...], merge_by()] = ()
    args: tuple[str, ...] = ()
    replicas: int = 0
    options: dict[str, str] | None = None


class Thing(Part, frozen=True):
    metadata: ObjectMeta = ObjectMeta()
    spec: Spec = Spec()


SHAPE = object_shape(Thing)
ALICE, BOB = Writer("alice", "Apply", "v1"), Writer("bob", "Apply", "v1")


def thing(entries: Any = (), **spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Thing",
        "metadata": {"name": "x", "managedFields": list(entries)},
        "spec": spec,
    }


def applied(live: dict, writer: Writer, *, force: bool = False, **spec: Any) -> dict[str, Any]:
    outcome = managers.apply(live, thing(**spec), writer, SHAPE, "now", force=force)
    new = outcome.obj
    return {**new, "metadata": {**new["metadata"], "managedFields": outcome.entries}}


def owners(obj: dict) -> dict[str, Any]:
    return {e["manager"]: e["fieldsV1"] for e in obj["metadata"]["managedFields"]}


def test_a_set_steps_into_maps_keyed_lists_and_sets_but_not_into_other_lists():
    fields = managers.set_of(
        thing(items=[{"name": "a", "value": 1}], tags=["t"], args=["x"], replicas=1, options={"k": "v"}),
        SHAPE,
    )
    assert fields == {
        "f:spec": {
            "f:items": {'k:{"name":"a"}': {".": {}, "f:name": {}, "f:value": {}}},
            "f:tags": {'v:"t"': {}},
            "f:args": {},
            "f:replicas": {},
            "f:options": {"f:k": {}},
        }
    }


def test_what_a_manager_no_longer_applies_goes_and_what_others_own_stays():
    live = applied(thing(), ALICE, items=[{"name": "a"}], replicas=1, options={"k": "v"})
    live = applied(live, BOB, items=[{"name": "b"}], replicas=1)
    live = applied(live, ALICE, items=[{"name": "a"}])
    assert live["spec"] == {"items": [{"name": "a"}, {"name": "b"}], "replicas": 1}


def test_an_item_that_others_say_something_about_loses_only_the_managers_own_fields():
    live = applied(thing(), ALICE, items=[{"name": "a", "value": 1}])
    live = applied(live, BOB, items=[{"name": "a"}])
    live = applied(live, ALICE, replicas=2)
    assert live["spec"]["items"] == [{"name": "a"}]


def test_a_changed_field_of_another_manager_is_a_conflict_in_upstreams_words():
    live = applied(thing(), ALICE, replicas=1, items=[{"name": "a", "value": 1}])
    with pytest.raises(Conflict) as one:
        applied(live, BOB, replicas=2)
    assert one.value.message == 'Apply failed with 1 conflict: conflict with "alice": .spec.replicas'
    assert [(c.path, c.reason) for c in one.value.causes] == [(".spec.replicas", "FieldManagerConflict")]
    with pytest.raises(Conflict) as two:
        applied(live, BOB, replicas=2, items=[{"name": "a", "value": 2}])
    assert 'Apply failed with 2 conflicts: conflicts with "alice":\n- ' in two.value.message
    assert '- .spec.items[name="a"].value' in two.value.message


def test_force_takes_the_field_and_the_same_value_is_shared():
    live = applied(thing(), ALICE, replicas=1)
    shared = applied(live, BOB, replicas=1)
    assert owners(shared) == {"alice": {"f:spec": {"f:replicas": {}}}, "bob": {"f:spec": {"f:replicas": {}}}}
    taken = applied(live, BOB, replicas=2, force=True)
    assert owners(taken) == {"bob": {"f:spec": {"f:replicas": {}}}}


def test_an_update_takes_what_it_changes_and_forgets_what_it_removes():
    live = applied(thing(), ALICE, replicas=1, options={"k": "v"})
    new = thing(replicas=2)
    entries = managers.after_update(
        live["metadata"]["managedFields"], live, new, Writer("bob", "Update", "v1"), SHAPE, "now"
    )
    assert {e["manager"]: e["fieldsV1"] for e in entries} == {"bob": {"f:spec": {"f:replicas": {}}}}


items = st.lists(
    st.fixed_dictionaries({"name": st.sampled_from("abc")}, optional={"value": st.integers(0, 3)}),
    max_size=3,
    unique_by=lambda i: i["name"],
)
specs = st.fixed_dictionaries(
    {},
    optional={
        "items": items,
        "tags": st.lists(st.sampled_from("xyz"), max_size=3, unique=True),
        "args": st.lists(st.sampled_from("xyz"), max_size=3),
        "replicas": st.integers(0, 3),
        "options": st.dictionaries(st.sampled_from("kl"), st.sampled_from("vw"), max_size=2),
    },
)


@given(st.lists(st.tuples(st.sampled_from([ALICE, BOB]), specs), max_size=6), specs)
def test_applying_twice_is_applying_once(history, last):
    live = thing()
    for writer, spec in history:
        live = applied(live, writer, force=True, **spec)
    once = applied(live, ALICE, force=True, **last)
    assert applied(once, ALICE, force=True, **last) == once


@given(specs, specs)
def test_the_merged_object_says_all_that_was_applied(first, second):
    merged = applied(applied(thing(), ALICE, **first), BOB, force=True, **second)
    said = managers.owned_part(thing(**second))
    assert ownership.merge(merged, said, SHAPE) == merged


@given(specs, specs)
def test_a_set_without_itself_is_empty_and_a_union_holds_both(first, second):
    a, b = (managers.set_of(thing(**s), SHAPE) for s in (first, second))
    assert ownership.minus(a, a) == {}
    both = ownership.union(a, b)
    assert ownership.minus(a, both) == {}
    assert ownership.minus(b, both) == {}


KUBECTL = Writer("kubectl", "Apply", "v1")


def test_the_first_apply_of_an_object_that_nobody_owns_meets_those_who_were_there_before():
    live = thing(replicas=1)
    with pytest.raises(Conflict, match='"before-first-apply" using v1'):
        applied(live, ALICE, replicas=2)
    shared = owners(applied(live, ALICE, replicas=1))
    assert set(shared) == {"alice", "before-first-apply"}


def test_kubectl_may_change_what_it_applied_from_the_clients_side_and_nobody_changed_since():
    said = json.dumps({"apiVersion": "v1", "kind": "Thing", "spec": {"replicas": 1, "options": {"k": "v"}}})
    live = thing(replicas=1, options={"k": "v"})
    live["metadata"]["annotations"] = {managers.LAST_APPLIED: said}
    mine = Writer("kubectl-client-side-apply", "Update", "v1")
    live["metadata"]["managedFields"] = managers.after_update((), None, live, mine, SHAPE, "now")
    assert applied(live, KUBECTL, replicas=2)["spec"]["replicas"] == 2
    with pytest.raises(Conflict):
        applied(live, ALICE, replicas=2)
    live["spec"]["replicas"] = 5  # by somebody else
    with pytest.raises(Conflict):
        applied(live, KUBECTL, replicas=2)


def test_kubectls_annotation_follows_what_it_applies_from_the_servers_side():
    live = thing(replicas=1)
    live["metadata"]["annotations"] = {managers.LAST_APPLIED: "{}", "other": "kept"}
    config = thing(replicas=2)
    new = managers.with_last_applied(live, config, KUBECTL)
    assert json.loads(new["metadata"]["annotations"][managers.LAST_APPLIED])["spec"] == {"replicas": 2}
    assert new["metadata"]["annotations"]["other"] == "kept"
    assert managers.with_last_applied(live, config, ALICE) is live


def test_the_oldest_of_many_updaters_become_one():
    entries = []
    for i in range(12):
        row = Writer(f"m{i}", "Update", "v1").entry({f"f:x{i}": {}}, f"2026-01-01T00:00:{i:02d}Z")
        entries = managers.capped([*entries, row])
    assert [e["manager"] for e in entries] == ["ancient-changes", *(f"m{i}" for i in range(3, 12))]
    assert entries[0]["fieldsV1"] == {"f:x0": {}, "f:x1": {}, "f:x2": {}}


def test_an_update_may_say_who_owns_what_and_nonsense_is_not_believed():
    stored = [ALICE.entry({"f:spec": {}}, "now")]
    live = {"metadata": {"managedFields": stored}}
    told = [BOB.entry({"f:spec": {}}, "now")]
    assert managers.given_entries({"metadata": {"managedFields": told}}, live) == told
    assert managers.given_entries({"metadata": {"managedFields": []}}, live) == ()
    assert managers.given_entries({"metadata": {"managedFields": [{}]}}, live) == ()
    assert managers.given_entries({"metadata": {"managedFields": [{"manager": "x"}]}}, live) == stored
    assert managers.given_entries({"metadata": {}}, live) == stored
