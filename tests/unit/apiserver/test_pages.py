"""Pages of one list show one state, whatever is written between them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest

from hauberk.apiserver.options import ListOptions, Timeout
from hauberk.apiserver.pages import page
from hauberk.base.apierrors import BadRequest, Gone
from hauberk.base.refs import Json


def objects(names: str) -> tuple[Json, ...]:
    return tuple({"metadata": {"namespace": "ns", "name": name}} for name in names)


def names(found: Sequence[Json]) -> str:
    return "".join(o["metadata"]["name"] for o in found)


def ask(states: Mapping[int, str], **asked: object) -> tuple[str, dict[str, object]]:
    """One list over states by revision; those that are not named are forgotten."""
    known = {revision: objects(text) for revision, text in states.items()}
    found, meta = page(known.get, max(states), ListOptions(**asked), counted=True)  # type: ignore[arg-type]
    return names(found), meta


def test_later_pages_show_the_list_as_it_was_at_the_first() -> None:
    first, meta = ask({7: "abc"}, limit=2)
    assert (first, meta["remainingItemCount"], meta["resourceVersion"]) == ("ab", 1, "7")
    assert ask({7: "abc", 9: "axd"}, limit=2, token=meta["continue"]) == ("c", {"resourceVersion": "7"})


def test_a_page_that_is_forgotten_offers_to_go_on_with_the_state_of_now() -> None:
    _, meta = ask({7: "abc"}, limit=1)
    with pytest.raises(Gone, match="inconsistent list") as refused:
        ask({9: "acd"}, limit=1, token=meta["continue"])
    token = refused.value.status()["metadata"]["continue"]
    assert ask({9: "acd"}, limit=1, token=token)[0] == "c"
    assert ask({9: "acd"}, token=token) == ("cd", {"resourceVersion": "9"})


def test_a_revision_is_exact_when_asked_so_and_by_pages() -> None:
    states = {7: "ab", 9: "xy"}
    assert ask(states, revision=7, match="Exact")[0] == "ab"
    assert ask(states, revision=7, limit=5)[0] == "ab"
    assert ask(states, revision=7, match="NotOlderThan")[0] == "xy"
    assert ask(states, revision=7)[0] == "xy"
    assert ask(states, revision=0, limit=1)[0] == "x"
    with pytest.raises(Gone, match="The resourceVersion for the provided list is too old"):
        ask(states, revision=3, match="Exact")


@pytest.mark.parametrize("match", ["", "Exact", "NotOlderThan"])
def test_a_revision_that_is_still_to_come_is_a_timeout(match: str) -> None:
    with pytest.raises(Timeout) as refused:
        ask({9: "xy"}, revision=10, match=match)
    assert refused.value.status()["message"] == "Timeout: Too large resource version: 10, current: 9"
    assert refused.value.status()["details"]["causes"][0]["reason"] == "ResourceVersionTooLarge"


def test_a_selected_list_does_not_say_how_much_is_left() -> None:
    _, meta = page(lambda _: objects("ab"), 7, ListOptions(limit=1), counted=False)
    assert "continue" in meta
    assert "remainingItemCount" not in meta


@pytest.mark.parametrize("token", ["bogus", "e30", "!", "eyJydiI6MX0"])
def test_a_broken_token_is_refused(token: str) -> None:
    with pytest.raises(BadRequest, match="continue key is not valid"):
        ask({1: "a"}, token=token)
