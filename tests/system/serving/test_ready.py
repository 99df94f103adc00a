"""A Service that says Ready answers at once, through the router and through the cluster-local name."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest

pytestmark = pytest.mark.system
TIMES = 10


@pytest.fixture
def named(mesh: Any) -> Iterator[list[str]]:
    """Names of services, removed at the end."""
    names = [f"at-once-{i}" for i in range(TIMES)]
    yield names
    mesh.forget(*names)


def test_the_first_request_after_ready_is_answered_ten_times_without_a_retry(
    mesh: Any, named: list[str]
) -> None:
    for name in named:
        mesh.cluster.apply(json.dumps(mesh.manifest(name)))
        mesh.cluster.must("wait", f"ksvc/{name}", "-n", "default", "--for=condition=Ready", "--timeout=30s")
        reply = mesh.call(mesh.host(name))
        assert (reply.status, reply.text) == (200, "Hello World!"), name


def test_a_new_tag_answers_as_soon_as_the_service_is_ready_again(mesh: Any, named: list[str]) -> None:
    name = named[0]
    mesh.deploy(name)
    for i in range(3):
        traffic = [{"latestRevision": True, "percent": 100, "tag": f"t{i}"}]
        mesh.cluster.apply(json.dumps(mesh.manifest(name, traffic=traffic)))
        wait_observed(mesh, name)
        assert mesh.call(mesh.host(f"t{i}-{name}")).text == "Hello World!", i


def wait_observed(mesh: Any, name: str) -> None:
    """Wait for Ready of the stored generation; `kubectl wait` may see the Ready of the one before."""
    end = time.monotonic() + 20
    while not mesh.is_settled(name):
        assert time.monotonic() < end, "not Ready"
