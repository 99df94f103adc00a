from __future__ import annotations

from hauberk.base.refs import Ref
from hauberk.store.memory import Memory


def thing(name: str, namespace: str = "n", labels: dict | None = None, owner: str = "") -> dict:
    meta = {"name": name, "namespace": namespace, "labels": labels or {}}
    if owner:
        meta["ownerReferences"] = [{"uid": owner}]
    return {"apiVersion": "v1", "kind": "Thing", "metadata": meta}


def filled(*things: dict) -> Memory:
    memory = Memory()
    for i, obj in enumerate(things, 1):
        memory.apply(Ref("Thing", obj["metadata"]["namespace"], obj["metadata"]["name"]), obj, i)
    return memory


def names(objects) -> list[str]:
    return [o["metadata"]["name"] for o in objects]


def test_lists_come_in_the_order_of_namespace_and_name_whatever_the_order_of_writes():
    memory = filled(thing("b", "y"), thing("c", "x"), thing("a", "y"))
    assert names(memory.list("Thing")) == ["c", "a", "b"]
    assert names(memory.list("Thing", "y")) == ["a", "b"]


def test_a_list_with_labels_holds_objects_with_all_of_them():
    memory = filled(thing("a", labels={"x": "1", "y": "2"}), thing("b", labels={"x": "1"}))
    assert names(memory.list("Thing", labels={"x": "1", "y": "2"})) == ["a"]


def test_a_removed_object_is_in_no_index():
    memory = filled(thing("a", owner="u"), thing("b", owner="u"))
    assert names(memory.owned_by("u", ["Thing"])) == ["a", "b"]
    memory.apply(Ref("Thing", "n", "a"), None, 3)
    assert names(memory.owned_by("u", ["Thing"])) == ["b"]
    assert memory.get(Ref("Thing", "n", "a")) is None
    assert names(memory.list("Thing")) == ["b"]
    assert memory.revision == 3


def test_an_owner_that_is_taken_off_is_forgotten():
    memory = filled(thing("a", owner="u"))
    memory.apply(Ref("Thing", "n", "a"), thing("a", owner="w"), 2)
    assert memory.owned_by("u", ["Thing"]) == ()
    assert names(memory.owned_by("w", ["Thing"])) == ["a"]


def test_owned_by_leaves_out_other_kinds():
    assert filled(thing("a", owner="u")).owned_by("u", ["Other"]) == ()
