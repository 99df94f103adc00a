"""One client and one sink for the tests of events."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from hauberk.testing.cluster import Cluster

sys.path.insert(0, str(Path(__file__).parent))
from eventroom import Room, furnish


@pytest.fixture(scope="session")
def room(document: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Room]:
    """The document's cluster, with events."""
    found = furnish(document, tmp_path_factory.mktemp("sink"))
    yield found
    found.until_gone()
