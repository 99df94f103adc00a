from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

sys.path.insert(0, str(Path(__file__).parent))  # importlib mode does not

from keeper_fixture import OTHER_USER, Cluster, a_cluster

pytestmark = pytest.mark.system


@pytest.fixture(params=["", OTHER_USER], ids=["caller", "unprivileged"])
def user(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest_asyncio.fixture
async def cluster(user: str) -> AsyncIterator[Cluster]:
    async with a_cluster(user) as started:
        yield started
