"""Which changes a watch with selectors is told of."""

from __future__ import annotations

from typing import Any

import pytest

from hauberk.apiserver.watching import Lines, seen
from hauberk.ports import WatchEvent


def thing(colour: str, version: int = 1) -> dict[str, Any]:
    return {"metadata": {"labels": {"c": colour}, "resourceVersion": str(version)}}


def is_red(obj: Any) -> bool:
    return bool(obj["metadata"]["labels"]["c"] == "red")


RED, BLUE = thing("red"), thing("blue")


@pytest.mark.parametrize(
    ("type_", "old", "new", "told"),
    [
        ("ADDED", None, RED, ("ADDED", "red")),
        ("ADDED", None, BLUE, None),
        ("MODIFIED", RED, RED, ("MODIFIED", "red")),
        ("MODIFIED", BLUE, RED, ("ADDED", "red")),
        ("MODIFIED", RED, BLUE, ("DELETED", "red")),
        ("MODIFIED", BLUE, BLUE, None),
        ("MODIFIED", None, RED, ("MODIFIED", "red")),
        ("MODIFIED", None, BLUE, ("DELETED", "blue")),
        ("DELETED", RED, RED, ("DELETED", "red")),
        ("DELETED", RED, BLUE, ("DELETED", "blue")),
        ("DELETED", BLUE, BLUE, None),
        ("DELETED", None, BLUE, None),
    ],
)
def test_a_change_of_the_selected_set(type_: Any, old: Any, new: Any, told: Any) -> None:
    got = seen(WatchEvent(type_, new, 7, old), is_red)
    assert (got and (got[0], got[1]["metadata"]["labels"]["c"])) == told
    if got and got[0] == "DELETED" and type_ == "MODIFIED":
        assert got[1]["metadata"]["resourceVersion"] == "7", "clients resume from it"


def test_an_event_is_made_once_for_each_form_and_the_table_is_bounded() -> None:
    lines, made = Lines(room_bytes=100), []

    def make() -> Any:
        made.append(1)
        return {"metadata": {}}

    assert lines.line(1, "ADDED", "v1", make) is lines.line(1, "ADDED", "v1", make)
    lines.line(1, "ADDED", "v2", make)
    assert len(made) == 2
    for revision in range(2, 20):
        lines.line(revision, "ADDED", "v1", make)
    lines.line(1, "ADDED", "v1", make)
    assert len(made) == 21
