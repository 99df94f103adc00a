"""Order of the tests: everything in random order, except the system tests.

System tests share a cluster, and a module of them tells a story on it (apply, use, take away), so
they run as they are written, after all others.
"""

from __future__ import annotations

import pytest

WRITTEN = pytest.StashKey[int]()
_count = 0


def pytest_itemcollected(item: pytest.Item) -> None:
    """Remember the place in the file before anything shuffles."""
    global _count
    _count += 1
    item.stash[WRITTEN] = _count


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the system tests last, as they are written."""
    system = [item for item in items if "system" in item.path.parts]
    rest = [item for item in items if "system" not in item.path.parts]
    items[:] = [*rest, *sorted(system, key=lambda item: item.stash[WRITTEN])]
