"""One member of a consumer group: records through filters to a subscriber; offsets committed after delivery.

`settings` of the resource: `kafka`, `topics`; of the egress: `group`, `initial` (earliest or latest, where
the group has no position yet), `consumers`, `source` and `key_type` (records that are no events become
some), `reply_topic`. Ordered: a partition's next record waits for the last one to end.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import logging
from collections.abc import Iterable
from pathlib import Path

import msgspec
from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, ConsumerRecord, TopicPartition
from aiokafka.errors import CommitFailedError, IllegalStateError, KafkaError

from hauberk.dataplane.kafka.admin import set_initial_offsets
from hauberk.dataplane.kafka.connection import arguments, connection_of
from hauberk.dataplane.kafka.deliver import Reply, deliver
from hauberk.dataplane.kafka.offsets import Partition
from hauberk.dataplane.kafka.record import Received, to_event
from hauberk.dataplane.kafka.words import text_of
from hauberk.dataplane.place import Place
from hauberk.events.contract import PENDING, Egress, Resource
from hauberk.events.event import BadEvent
from hauberk.events.filters import compile as compile_filters

log = logging.getLogger(__name__)

AT_ONCE = 100  # deliveries of one consumer under way
AHEAD = 500  # records of one partition taken and not ended
COMMIT_S = 0.1
POLL_MS = 200
SETTLE_S = 5.0  # for deliveries under way when a partition goes elsewhere or the process ends
AGAIN_S = (0.2, 0.5, 1.0, 2.0)


class Consumer(ConsumerRebalanceListener):  # type: ignore[misc]
    """`problem` says why it does not consume; empty when it does."""

    def __init__(self, place: Place, resource: Resource, egress: Egress, reply: Reply | None) -> None:
        self._place, self._resource, self._egress, self._reply = place, resource, egress, reply
        self._passes = compile_filters(egress.filters)
        self._connection = connection_of(resource.settings)
        self._partitions: dict[TopicPartition, Partition] = {}
        self._last: dict[TopicPartition, asyncio.Task[None]] = {}
        self._running: set[asyncio.Task[None]] = set()
        self._free = asyncio.Semaphore(AT_ONCE)
        self._kafka: AIOKafkaConsumer | None = None
        self.problem = PENDING

    async def run(self) -> None:
        """Consume until cancelled; connect again after every failure."""
        attempt = 0
        while True:
            try:
                kafka = await self._start()
                attempt, self.problem = 0, ""
                await self._poll(kafka)
            except (KafkaError, OSError, ValueError) as error:
                self.problem = text_of(error, self._connection.servers)
                log.warning("%s/%s: %s", self._resource.namespace, self._resource.name, self.problem)
            finally:
                await self._stop()
            await asyncio.sleep(AGAIN_S[min(attempt, len(AGAIN_S) - 1)])
            attempt += 1

    async def _start(self) -> AIOKafkaConsumer:
        topics, settings = self._resource.settings["topics"], self._egress.settings
        # A group that once had positions and has none now would skip what came since with `latest`.
        begun = self._begun(topics, settings["group"])
        initial = "earliest" if begun.exists() else settings.get("initial", "latest")
        await set_initial_offsets(self._connection, topics, settings["group"], initial)
        begun.parent.mkdir(parents=True, exist_ok=True)
        begun.touch()
        kafka = self._kafka = AIOKafkaConsumer(
            group_id=settings["group"],
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            session_timeout_ms=6_000,
            heartbeat_interval_ms=2_000,
            retry_backoff_ms=100,
            metadata_max_age_ms=5_000,
            **arguments(self._connection),
        )
        kafka.subscribe(topics, listener=self)
        await kafka.start()
        return kafka

    def _begun(self, topics: list[str], group: str) -> Path:
        """A file of this workload: it says that the group was given its positions."""
        said = msgspec.json.encode((self._connection.servers, group, topics))
        return self._place.data / "groups" / hashlib.sha256(said).hexdigest()[:32]

    async def _stop(self) -> None:
        kafka, self._kafka = self._kafka, None
        if kafka is None:
            return
        await self._settle(list(self._partitions), kafka)
        for task in list(self._running):  # theirs come again: they were not committed
            task.cancel()
        self._partitions.clear()
        self._last.clear()
        with contextlib.suppress(KafkaError, OSError, TimeoutError):
            async with asyncio.timeout(SETTLE_S):
                await kafka.stop()

    async def _poll(self, kafka: AIOKafkaConsumer) -> None:
        loop = asyncio.get_running_loop()
        next_commit = loop.time() + COMMIT_S
        while True:
            self._throttle(kafka)
            found = await kafka.getmany(timeout_ms=POLL_MS if not self._running else 10, max_records=AHEAD)
            for where, records in found.items():
                for record in records:
                    self._hand_out(where, record)
            if loop.time() >= next_commit:
                await self._commit(list(self._partitions), kafka)
                next_commit = loop.time() + COMMIT_S
            if not found and self._running:
                await asyncio.wait(self._running, timeout=COMMIT_S, return_when=asyncio.FIRST_COMPLETED)

    def _throttle(self, kafka: AIOKafkaConsumer) -> None:
        """Fetch nothing for a partition whose subscriber does not keep up."""
        paused = kafka.paused()
        for where, partition in self._partitions.items():
            with contextlib.suppress(IllegalStateError):  # it is another member's now
                if partition.open >= AHEAD and where not in paused:
                    kafka.pause(where)
                elif partition.open < AHEAD // 2 and where in paused:
                    kafka.resume(where)

    def _hand_out(self, where: TopicPartition, record: ConsumerRecord) -> None:
        partition = self._partitions.get(where)
        if partition is None:
            partition = self._partitions[where] = Partition(record.offset)
        partition.take(record.offset)
        before = self._last.get(where) if self._egress.ordered else None
        task = self._place.tasks.create_task(self._work(partition, record, before))
        self._last[where] = task
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def _work(
        self, partition: Partition, record: ConsumerRecord, before: asyncio.Task[None] | None
    ) -> None:
        if before is not None and not before.done():
            await asyncio.wait((before,))
        async with self._free:
            outcome = await self._outcome(record)
        self._place.metrics.count("event_count", (("outcome", outcome),), text="Records that ended")
        partition.end(record.offset)

    async def _outcome(self, record: ConsumerRecord) -> str:
        settings, egress = self._egress.settings, self._egress
        try:
            event = to_event(received(record), settings.get("source", ""), settings.get("key_type", ""))
            if not self._passes(event):
                return "filtered"
            outcome = await deliver(self._place.client, egress, event, self._reply)
        except BadEvent:
            return "invalid"
        except Exception:  # one record must not end the consumer of all
            log.exception("a delivery failed")
            outcome = "lost"
        if outcome == "lost":
            where = f"{record.topic}[{record.partition}]@{record.offset}"
            log.error("%s/%s: gave up %s", egress.namespace, egress.name, where)
        return outcome

    # offsets

    async def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        """Nothing: a partition begins with its first record."""

    async def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:
        """Let what is under way end, commit it, forget the partitions."""
        rows = list(revoked)
        if self._kafka is not None:
            await self._settle(rows, self._kafka)
        for where in rows:
            self._partitions.pop(where, None)
            self._last.pop(where, None)

    async def _settle(self, rows: list[TopicPartition], kafka: AIOKafkaConsumer) -> None:
        if self._running:
            await asyncio.wait(self._running, timeout=SETTLE_S)
        await self._commit(rows, kafka)

    async def _commit(self, rows: list[TopicPartition], kafka: AIOKafkaConsumer) -> None:
        dirty = {tp: p for tp in rows if (p := self._partitions.get(tp)) is not None and p.dirty}
        if not dirty:
            return
        positions = {tp: p.position for tp, p in dirty.items()}
        try:
            async with asyncio.timeout(SETTLE_S):
                await kafka.commit(positions)
        except (CommitFailedError, IllegalStateError, KafkaError, OSError, TimeoutError) as error:
            log.warning("offsets not committed, their records may come again: %s", error)
            return
        for where, partition in dirty.items():
            partition.committed = positions[where]


def received(record: ConsumerRecord) -> Received:
    """A record of aiokafka as a value."""
    return Received(
        record.topic,
        record.partition,
        record.offset,
        record.timestamp,
        record.key,
        record.value,
        record.headers,
    )
