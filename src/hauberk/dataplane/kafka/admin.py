"""What is asked of a Kafka cluster itself: topics, and where a consumer group begins."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import TopicAlreadyExistsError, UnknownTopicOrPartitionError, for_code

from hauberk.dataplane.kafka.connection import Connection, arguments

log = logging.getLogger(__name__)

TIMEOUT_MS = 5_000


@asynccontextmanager
async def admin(connection: Connection) -> AsyncIterator[AIOKafkaAdminClient]:
    """A connected admin client. Raises KafkaError, OSError, ValueError."""
    client = AIOKafkaAdminClient(request_timeout_ms=TIMEOUT_MS, **arguments(connection))
    try:
        await client.start()
        yield client
    finally:
        await client.close()


async def partitions_of(client: AIOKafkaAdminClient) -> Mapping[str, list[int]]:
    """Every topic that is there, with its partitions.

    All are listed: to ask for one by name makes it where brokers create topics on demand.
    """
    return {
        row["topic"]: sorted(part["partition"] for part in row["partitions"])
        for row in await client.describe_topics()
        if not row["error_code"]
    }


async def create(
    client: AIOKafkaAdminClient, name: str, partitions: int, replication: int, config: Mapping[str, str]
) -> None:
    """Make a topic, unless somebody else did meanwhile. Raises KafkaError."""
    answer = await client.create_topics([NewTopic(name, partitions, replication, topic_configs=dict(config))])
    _raise(answer.topic_errors, TopicAlreadyExistsError)


async def delete(client: AIOKafkaAdminClient, name: str) -> None:
    """Delete a topic, unless it is gone. Raises KafkaError."""
    answer = await client.delete_topics([name])
    _raise(answer.topic_error_codes, UnknownTopicOrPartitionError)


def _raise(rows: Iterable[tuple[object, ...]], forgiven: type[Exception]) -> None:
    for row in rows:
        code = row[1]
        assert isinstance(code, int), "the protocol's error code"
        kind = for_code(code)
        if code and kind is not forgiven:
            text = str(row[2]) if len(row) > 2 and row[2] else kind.description
            raise kind(text)


class NoTopic(ValueError):
    """A topic that a group should read is not there."""


async def set_initial_offsets(
    connection: Connection, topics: Iterable[str], group: str, initial: str
) -> None:
    """Give the group a position in every partition where it has none. Raises KafkaError, NoTopic.

    What is written from now on is then delivered, whoever joins when.
    Source: knative-extensions/eventing-kafka-broker control-plane/pkg/kafka/offset/offsets.go, InitOffsets.
    """
    async with admin(connection) as client:
        known = await partitions_of(client)
    missing = sorted(set(topics) - set(known))
    if missing:
        raise NoTopic(f"topic {', '.join(missing)} does not exist")
    kafka = AIOKafkaConsumer(group_id=group, enable_auto_commit=False, **arguments(connection))
    try:
        await kafka.start()
        rows = [TopicPartition(topic, number) for topic in topics for number in known[topic]]
        kafka.assign(rows)
        fresh = [row for row in rows if await kafka.committed(row) is None]
        if fresh:
            find = kafka.beginning_offsets if initial == "earliest" else kafka.end_offsets
            positions = await find(fresh)
            log.info(
                "group %s begins at %s", group, {f"{r.topic}[{r.partition}]": n for r, n in positions.items()}
            )
            await kafka.commit(positions)
    finally:
        await kafka.stop()
