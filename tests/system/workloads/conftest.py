"""A namespace of its own for each module, removed at its end."""

from __future__ import annotations

import secrets
from collections.abc import Iterator

import pytest

from hauberk.testing.cluster import Cluster
from hauberk.testing.space import Space


@pytest.fixture(scope="module")
def space(document: Cluster) -> Iterator[Space]:
    """A fresh namespace outside the mesh."""
    name = f"k-{secrets.token_hex(3)}"
    document.must("create", "namespace", name)
    try:
        yield Space(document, name)
    finally:
        document.must("delete", "namespace", name, "--wait=false")
