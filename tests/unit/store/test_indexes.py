"""Objects are found by label and by index without a look at each, whatever was written before."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from hauberk.base.refs import Json, Ref
from hauberk.ports import Index
from hauberk.store.memory import Memory

NAMES, SPACES, COLOURS = ("a", "b", "c"), ("x", "y"), ("red", "blue")
BY_NOTE = Index("K", lambda obj: obj.get("notes") or ())


def thing(namespace: str, name: str, colour: str | None, notes: list[str]) -> dict[str, Any]:
    labels = {"colour": colour} if colour else {}
    return {"metadata": {"name": name, "namespace": namespace, "labels": labels}, "notes": notes}


places = st.tuples(st.sampled_from(SPACES), st.sampled_from(NAMES))
contents = st.none() | st.tuples(
    st.sampled_from((*COLOURS, None)), st.lists(st.sampled_from(("m", "n")), unique=True)
)


@given(st.lists(st.tuples(places, contents), max_size=25), st.integers(0, 25))
def test_an_answer_is_that_of_looking_at_every_object(
    steps: list[tuple[tuple[str, str], Any]], asked_first: int
) -> None:
    memory, model = Memory(), dict[tuple[str, str], Json]()
    for number, ((namespace, name), content) in enumerate(steps):
        if number == asked_first:  # from here on the indexes are kept, before they are made
            memory.list("K", None, {"colour": "red"})
            memory.find(BY_NOTE, "m")
        obj = None if content is None else thing(namespace, name, *content)
        memory.apply(Ref("K", namespace, name), obj, number)
        if obj is None:
            model.pop((namespace, name), None)
        else:
            model[namespace, name] = obj
    every = [model[place] for place in sorted(model)]
    assert list(memory.list("K")) == every
    for space in SPACES:
        mine = [o for o in every if o["metadata"]["namespace"] == space]
        assert list(memory.list("K", space)) == mine
        for colour in COLOURS:
            wanted = [o for o in mine if o["metadata"]["labels"].get("colour") == colour]
            assert list(memory.list("K", space, {"colour": colour})) == wanted
    for note in ("m", "n"):
        assert list(memory.find(BY_NOTE, note)) == [o for o in every if note in o["notes"]]
