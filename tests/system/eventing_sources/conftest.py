"""One display and one app that answers, for the tests of sources and flows."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from hauberk.testing.cluster import Cluster

sys.path.insert(0, str(Path(__file__).parent))
from sourceroom import Room, furnish


@pytest.fixture(scope="module")
def sources(document: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Room]:
    """The document's cluster, with somewhere for events to go."""
    found = furnish(document, tmp_path_factory.mktemp("step"))
    yield found
    found.clear()
