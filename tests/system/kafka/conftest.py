"""One real Kafka in the document's cluster, and the document's KnativeKafka, for the tests of Kafka."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from hauberk.cluster.kafka import judge
from hauberk.node.images.kafka import missing
from hauberk.testing.cluster import Cluster, hauberk

sys.path.insert(0, str(Path(__file__).parents[1] / "eventing"))
sys.path.insert(0, str(Path(__file__).parent))
from kafkaroom import KafkaRoom, furnish


@pytest.fixture(scope="session")
def kafka(document: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[KafkaRoom]:
    """The document's cluster with Kafka. Skips where Kafka cannot run, except in CI."""
    problem = judge(missing(os.environ), maven=shutil.which("mvn") is not None)
    if problem is not None and os.environ.get("CI") != "true":
        pytest.skip(str(problem))
    up = hauberk("up", "--name", document.name, "--ephemeral", "--kafka", timeout_s=900)
    assert up.returncode == 0, up.stderr
    room = furnish(document, tmp_path_factory.mktemp("kafka"))
    yield room
    room.clear()
