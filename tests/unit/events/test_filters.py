"""The dialects of filters."""

from __future__ import annotations

from typing import Any

import pytest

from hauberk.events import filters as dialects
from hauberk.events.event import Event
from hauberk.events.filters import FilterError

EVENT = Event(
    {"specversion": "1.0", "id": "1", "source": "/apps/a", "type": "com.example.made", "color": "red"}
)


@pytest.mark.parametrize(
    ("filters", "passes"),
    [
        ([], True),
        ([{}], True),
        ([{"attributes": {}}], True),
        ([{"attributes": {"type": "com.example.made"}}], True),
        ([{"attributes": {"type": "com.example.made", "color": "blue"}}], False),
        ([{"attributes": {"color": ""}}], True),
        ([{"attributes": {"size": ""}}], False),
        ([{"attributes": {"subject": ""}}], True),
        ([{"exact": {"type": "com.example.made"}}], True),
        ([{"exact": {"type": "com.example"}}], False),
        ([{"exact": {"size": "1"}}], False),
        ([{"prefix": {"type": "com.example."}}], True),
        ([{"prefix": {"type": "example."}}], False),
        ([{"prefix": {"size": "1"}}], False),
        ([{"suffix": {"type": ".made"}}], True),
        ([{"suffix": {"type": ".mad"}}], False),
        ([{"all": [{"exact": {"color": "red"}}, {"prefix": {"source": "/apps"}}]}], True),
        ([{"all": [{"exact": {"color": "red"}}, {"prefix": {"source": "/other"}}]}], False),
        ([{"any": [{"exact": {"color": "blue"}}, {"exact": {"color": "red"}}]}], True),
        ([{"any": [{"exact": {"color": "blue"}}]}], False),
        ([{"not": {"exact": {"color": "blue"}}}], True),
        ([{"not": {"exact": {"color": "red"}}}], False),
        ([{"not": {"any": [{"exact": {"color": "red"}}]}}], False),
        ([{"cesql": "color = 'red' AND type LIKE 'com.%'"}], True),
        ([{"cesql": "color = 'blue'"}], False),
        ([{"cesql": "size = 'x'"}], False),
        ([{"not": {"cesql": "size = 'x'"}}], True),
        ([{"cesql": "LENGTH(color)"}], False),
        ([{"exact": {"color": "red"}}, {"exact": {"id": "2"}}], False),
    ],
)
def test_passes(filters: list[dict[str, Any]], passes: bool) -> None:
    assert dialects.compile(filters)(EVENT) is passes


@pytest.mark.parametrize(
    ("filters", "path"),
    [
        ([{"exact": {"color": ""}}], "filters[0].exact"),
        ([{"all": [{"prefix": {"": "x"}}]}], "filters[0].all[0].prefix"),
        ([{"exact": {"a": "b"}, "prefix": {"a": "b"}}], "filters[0]"),
        ([{"regex": {"a": "b"}}], "filters[0]"),
        ([{"not": {"cesql": "a ="}}], "filters[0].not.cesql"),
        ([{"any": {"exact": {"a": "b"}}}], "filters[0].any"),
        ([{"attributes": {"a": 1}}], "filters[0].attributes"),
        ([{"cesql": 5}], "filters[0].cesql"),
        (["x"], "filters[0]"),
    ],
)
def test_what_cannot_be_compiled_says_where(filters: list[Any], path: str) -> None:
    with pytest.raises(FilterError) as caught:
        dialects.compile(filters)
    assert caught.value.path == path
    assert caught.value.text
