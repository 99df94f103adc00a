"""Pages of one list show one state, whatever is written between them."""

from __future__ import annotations

import pytest

from hauberk.apiserver.pages import KEPT, Pages
from hauberk.base.apierrors import BadRequest, Gone
from hauberk.base.refs import Json

QUERY = ("ConfigMap", "ns", "", "")


def objects(*names: str) -> tuple[Json, ...]:
    return tuple({"metadata": {"namespace": "ns", "name": name}} for name in names)


def names(page: object) -> list[str]:
    return [o["metadata"]["name"] for o in page]  # type: ignore[attr-defined]


def test_later_pages_show_the_list_as_it_was_at_the_first() -> None:
    pages = Pages()
    page, meta = pages.page(QUERY, lambda: objects("a", "b", "c"), 7, 2, "")
    assert (names(page), meta["remainingItemCount"]) == (["a", "b"], 1)
    page, last = pages.page(QUERY, lambda: objects("a", "bb", "d"), 9, 2, meta["continue"])
    assert names(page) == ["c"]
    assert last == {"resourceVersion": "7"}


def test_a_selected_list_does_not_say_how_much_is_left() -> None:
    _, meta = Pages().page(("ConfigMap", "ns", "a=b", ""), lambda: objects("a", "b"), 7, 1, "")
    assert "continue" in meta
    assert "remainingItemCount" not in meta


def test_a_token_outlives_a_restart_only_while_nothing_was_written() -> None:
    _, meta = Pages().page(QUERY, lambda: objects("a", "b"), 7, 1, "")
    page, _ = Pages().page(QUERY, lambda: objects("a", "b"), 7, 1, meta["continue"])
    assert names(page) == ["b"]
    with pytest.raises(Gone, match="too old"):
        Pages().page(QUERY, lambda: objects("a", "b"), 8, 1, meta["continue"])


def test_only_the_latest_lists_are_kept() -> None:
    pages = Pages()
    _, first = pages.page(QUERY, lambda: objects("a", "b"), 1, 1, "")
    for revision in range(2, KEPT + 2):
        pages.page(QUERY, lambda: objects("a", "b"), revision, 1, "")
    with pytest.raises(Gone):
        pages.page(QUERY, lambda: objects("a", "b"), KEPT + 2, 1, first["continue"])


@pytest.mark.parametrize("token", ["bogus", "e30", "!", "eyJydiI6MX0"])
def test_a_broken_token_is_refused(token: str) -> None:
    with pytest.raises(BadRequest, match="continue key is not valid"):
        Pages().page(QUERY, lambda: objects("a"), 1, 1, token)
