"""The mesh's stage, set once on the shared cluster and cleared afterwards."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from hauberk.testing.cluster import Cluster

sys.path.insert(0, str(Path(__file__).parent))

from doors import Keys, tls_secret
from stage import OUT, A, B, Relay, Room, cast, join, leave, namespace, ready


@pytest.fixture(scope="session")
def room(document: Cluster) -> Iterator[Room]:
    """Pods in two member namespaces and outside, ready to serve and ask."""
    relay = Relay(document)
    room = Room(document, relay)
    try:
        room.apply(*(namespace(n) for n in (A, B, OUT)))
        join(document, A, B)
        room.apply(*cast())
        ready(document, A, "web-1", "web-2", "client")
        ready(document, B, "client")
        ready(document, OUT, "client")
        yield room
    finally:
        relay.close()
        leave(document, A, B)
        document.run("delete", "namespace", A, B, OUT, "--wait=false", "--ignore-not-found")


@pytest.fixture(scope="session")
def keys(room: Room) -> Iterator[Keys]:
    """Credentials of the tests' gateways."""
    keys = Keys(room)
    pairs = {name: keys.issue(name, f"{name}.example.com") for name in ("gw-a", "gw-b", "gw-m")}
    keys.issue("somebody", "somebody")
    secrets = [
        tls_secret("gw-a", pairs["gw-a"]),
        tls_secret("gw-b", pairs["gw-b"]),
        tls_secret("gw-m", pairs["gw-m"], ca_crt=keys.chain),
    ]
    room.apply(*secrets)
    yield keys
    room.delete(*secrets)
