"""Objects share equal managed fields and say the same as before."""

from __future__ import annotations

import copy
from typing import Any

from hauberk.store.shared import Shared


def written(name: str, field: str) -> dict[str, Any]:
    entry = {"manager": "kubectl", "time": name, "fieldsV1": {"f:spec": {f"f:{field}": {}}}}
    return {"metadata": {"name": name, "managedFields": [entry]}}


def fields_of(obj: dict[str, Any]) -> Any:
    return obj["metadata"]["managedFields"][0]["fieldsV1"]


def test_equal_fields_are_one_object_and_nothing_is_changed() -> None:
    shared = Shared()
    originals = [written("a", "x"), written("b", "x"), written("c", "y")]
    before = copy.deepcopy(originals)
    a, b, c = (shared.with_shared_fields(obj) for obj in originals)
    assert fields_of(a) is fields_of(b)
    assert fields_of(c) is not fields_of(a)
    assert [a, b, c] == before


def test_a_full_table_begins_anew() -> None:
    shared = Shared(room=2)
    for i in range(100):
        obj = shared.with_shared_fields(written(str(i), f"field{i}"))
        assert fields_of(obj) == {"f:spec": {f"f:field{i}": {}}}
    assert len(shared._known) <= 2


def test_an_object_without_managed_fields_stays_as_it_is() -> None:
    assert Shared().with_shared_fields({"metadata": {"name": "a"}}) == {"metadata": {"name": "a"}}
