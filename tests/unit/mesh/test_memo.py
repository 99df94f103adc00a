"""Results are kept while builds use them, and let go when they do not."""

from __future__ import annotations

from hauberk.mesh.memo import Memo


class Thing:
    """Something with an identity."""


def made_by(memo: Memo, thing: Thing, calls: list[Thing]) -> object:
    def make(source: Thing) -> object:
        calls.append(source)
        return object()

    return memo.keep(("made",), lambda: make(thing), thing)


def test_a_result_is_made_once_for_each_identity() -> None:
    memo, calls, one, other = Memo(), list[Thing](), Thing(), Thing()
    first = made_by(memo, one, calls)
    assert made_by(memo, one, calls) is first
    assert made_by(memo, other, calls) is not first
    assert calls == [one, other]


def test_what_every_build_uses_stays_and_what_none_uses_goes() -> None:
    memo, calls, used, unused = Memo(), list[Thing](), Thing(), Thing()
    first = made_by(memo, used, calls)
    made_by(memo, unused, calls)
    for _ in range(100):
        memo.turn()
        assert made_by(memo, used, calls) is first
    assert len(memo._young.keys() | memo._old.keys()) == 1
    made_by(memo, unused, calls)
    assert calls == [used, unused, unused]
