"""Outcomes to the results topic, in order, again until acknowledged (design section 2, rule 5).

One queue and one producer per process. A chunk is written with one batch per partition; when any of them fails the
producer is thrown away and the whole chunk is written again in the same order: readers drop ids that they know.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence

import msgspec
import structlog
from aiokafka import AIOKafkaProducer

from notifier.domain.outcomes import Outcome
from notifier.kafka.connection import Options, discard_producer, new_producer, stop_producer
from notifier.kafka.failures import KAFKA_TROUBLE
from notifier.kafka.partitions import partition_of

CHUNK = 500
CLOUD_EVENT = [("content-type", b"application/cloudevents+json")]
_DEADLINE = 10.0
_FIRST_BACKOFF, _LONGEST_BACKOFF = 0.2, 5.0

Published = Callable[[str], None]


class ResultsPublisher:
    """`publish` only queues; `run` does the work until `close`."""

    def __init__(self, options: Options, topic: str) -> None:
        self._options, self._topic = options, topic
        self._queue: deque[tuple[Outcome, Published]] = deque()
        self._wanted = asyncio.Event()
        self._drained = asyncio.Event()
        self._drained.set()
        self._producer: AIOKafkaProducer | None = None
        self._encode = msgspec.json.Encoder().encode
        self._log = structlog.get_logger().bind(topic=topic)

    def publish(self, outcome: Outcome, published: Published) -> None:
        """`published` is called with the outcome's id once the topic has acknowledged it."""
        self._queue.append((outcome, published))
        self._drained.clear()
        self._wanted.set()

    async def drain(self, seconds: float) -> bool:
        """Wait until everything queued is acknowledged. What is not is in the ledger, for the next owner."""
        try:
            async with asyncio.timeout(seconds):
                await self._drained.wait()
        except TimeoutError:
            return False
        return True

    async def run(self) -> None:
        """Until cancelled. Survives every trouble with the brokers."""
        backoff = _FIRST_BACKOFF
        try:
            while True:
                await self._wanted.wait()
                chunk = [self._queue[index] for index in range(min(CHUNK, len(self._queue)))]
                try:
                    async with asyncio.timeout(_DEADLINE):
                        await self._write([outcome for outcome, _ in chunk])
                except KAFKA_TROUBLE as trouble:
                    self._log.warning("results_not_acknowledged", outcomes=len(chunk), trouble=type(trouble).__name__)
                    await self._drop_producer()
                    await asyncio.sleep(backoff)
                    backoff = min(2 * backoff, _LONGEST_BACKOFF)
                    continue
                backoff = _FIRST_BACKOFF
                self._acknowledged(chunk)
        finally:
            producer, self._producer = self._producer, None
            if producer is not None:
                await stop_producer(producer)

    def _acknowledged(self, chunk: Sequence[tuple[Outcome, Published]]) -> None:
        for _ in chunk:
            self._queue.popleft()
        for outcome, published in chunk:
            published(outcome.id)
        if not self._queue:
            self._wanted.clear()
            self._drained.set()

    async def _write(self, outcomes: Sequence[Outcome]) -> None:
        producer = self._producer
        if producer is None:
            producer = self._producer = new_producer(self._options)
            await producer.start()
        partitions = len(await producer.partitions_for(self._topic))
        by_partition: dict[int, list[Outcome]] = {}
        for outcome in outcomes:
            by_partition.setdefault(partition_of(outcome.tenant.encode(), partitions), []).append(outcome)
        waiting = []
        for partition, those in by_partition.items():
            batch = producer.create_batch()
            for outcome in those:
                key, value = outcome.tenant.encode(), self._encode(outcome)
                if batch.append(key=key, value=value, timestamp=None, headers=CLOUD_EVENT) is None:
                    raise ValueError(f"{len(those)} outcomes do not fit into one batch")
            batch.close()
            waiting.append(await producer.send_batch(batch, self._topic, partition=partition))
        for acknowledged in waiting:
            await acknowledged

    async def _drop_producer(self) -> None:
        producer, self._producer = self._producer, None
        if producer is not None:
            await discard_producer(producer)
