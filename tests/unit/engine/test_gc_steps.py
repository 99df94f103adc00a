"""What garbage collection does about one object."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from hauberk.base.refs import Ref, ref_of
from hauberk.engine.gc import Remove, Rewrite, steps_for
from hauberk.store.memory import Memory

KINDS = ("ConfigMap",)


def obj(name: str, uid: str, *owners: tuple[str, str], **meta: Any) -> dict[str, Any]:
    refs = [{"apiVersion": "v1", "kind": "ConfigMap", "name": n, "uid": u} for n, u in owners]
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name, "namespace": "a", "uid": uid, "ownerReferences": refs, **meta},
    }


def memory(*objs: dict[str, Any]) -> Memory:
    out = Memory()
    for i, o in enumerate(objs):
        out.apply(ref_of(o), o, i + 1)
    return out


names = st.sampled_from(["a", "b", "c", "d"])


@given(
    st.lists(names, unique=True),
    st.lists(st.tuples(names, st.booleans()), min_size=1, max_size=4, unique_by=lambda o: o[0]),
)
def test_what_a_live_object_owns_is_never_deleted(live: list[str], owners: list[tuple[str, bool]]) -> None:
    """A reference is alive when an object has its name and its uid."""
    refs = [(name, f"uid-{name}" if same else "uid-of-an-earlier-one") for name, same in owners]
    child = obj("child", "uid-child", *refs)
    world = memory(*(obj(n, f"uid-{n}") for n in live), child)
    alive = [name for name, same in owners if same and name in live]
    steps = steps_for(world, child, KINDS)
    if alive:
        assert not any(isinstance(s, Remove) for s in steps)
        assert bool(steps) == (len(alive) < len(owners))
    else:
        assert steps == [Remove(Ref("ConfigMap", "a", "child"), "uid-child")]


def test_objects_without_owners_are_nobodys_business() -> None:
    assert steps_for(memory(), obj("x", "u"), KINDS) == []


def test_orphaning_frees_the_dependents_before_the_owner_goes() -> None:
    owner = obj("o", "u-o", deletionTimestamp="2026-01-01T00:00:00Z", finalizers=["orphan", "other"])
    child = obj("c", "u-c", ("o", "u-o"))
    first, last = steps_for(memory(owner, child), owner, KINDS)
    assert isinstance(first, Rewrite)
    assert first.patch["metadata"]["ownerReferences"] == []
    assert isinstance(last, Rewrite)
    assert last.patch["metadata"]["finalizers"] == ["other"]
