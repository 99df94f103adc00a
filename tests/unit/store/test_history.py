"""What objects were before the last changes."""

from __future__ import annotations

from hauberk.base.refs import Ref
from hauberk.store.history import History


def ref(name: str, kind: str = "A") -> Ref:
    return Ref(kind, "n", name)


def test_it_tells_what_changed_since_a_revision_and_what_it_was_then() -> None:
    history = History(10)
    history.note(11, ref("a"), None, 5)
    history.note(12, ref("a"), {"v": 11}, 5)
    history.note(13, ref("b"), {"v": 1}, 5)
    history.note(14, ref("x", "Other"), {"v": 1}, 5)
    assert history.before("A", 10) == {("n", "a"): None, ("n", "b"): {"v": 1}}
    assert history.before("A", 11) == {("n", "a"): {"v": 11}, ("n", "b"): {"v": 1}}
    assert history.before("A", 13) == {}
    assert history.before("A", 9) is None


def test_it_forgets_the_oldest_when_they_are_too_many_or_too_large() -> None:
    few, small = History(0, most_changes=2), History(0, most_bytes=1000)
    for revision in (1, 2, 3):
        few.note(revision, ref("a"), {}, 1)
        small.note(revision, ref("a"), {}, 300)
    for history in (few, small):
        assert history.before("A", 0) is None
        assert history.before("A", 1) == {("n", "a"): {}}
