"""Writing to keyed topics so that order survives failures: a batch for each partition, all acknowledged, then the next.

Rules (design rule 7): a failed or unanswered batch throws the producer away, and a new one begins again with that very
batch; nothing behind it has been sent, so nothing can overtake it. What was written twice by this, readers recognise.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import NamedTuple

import structlog
from aiokafka import AIOKafkaProducer

from notifier.kafka.connection import Options, acknowledged, discard_producer, new_producer, stop_producer
from notifier.kafka.failures import KAFKA_TROUBLE
from notifier.kafka.partitions import partition_of, partition_of_tenant

_ACKNOWLEDGE_SECONDS = 15.0
_FIRST_BACKOFF, _LONGEST_BACKOFF = 0.1, 5.0

Headers = Sequence[tuple[str, bytes | None]]


class Message(NamedTuple):
    """What is to be written; without a key `lot` decides on the partition. `of_tenant`: the key is a configured one's,
    and not whatever a producer chose, however long, which nobody may remember."""

    topic: str
    key: bytes | None
    value: bytes | None
    headers: Headers
    lot: int = 0
    of_tenant: bool = False

    @property
    def size(self) -> int:
        """Bytes, roughly."""
        headers = sum(len(name) + len(value or b"") for name, value in self.headers)
        return len(self.key or b"") + len(self.value or b"") + headers


class BatchWriter:
    """One producer, renewed after every failure. One `write` at a time."""

    def __init__(self, options: Options, topics: Sequence[str]) -> None:
        self._options, self._topics = options, topics
        self._producer: AIOKafkaProducer | None = None
        self._partitions: dict[str, int] = {}
        self._log = structlog.get_logger().bind(topics=list(topics))

    async def write(self, messages: Sequence[Message]) -> None:
        """Returns when every message is acknowledged, however long that takes.

        The messages for one partition must fit into one batch of 8 MiB; a batch that does not is a `ValueError`.
        """
        left: Sequence[Message] = messages
        backoff = _FIRST_BACKOFF
        while left:
            left = await self._attempt(left)
            if left:
                await self._renew()
                await asyncio.sleep(backoff)
                backoff = min(2 * backoff, _LONGEST_BACKOFF)

    async def close(self) -> None:
        producer, self._producer = self._producer, None
        if producer is not None:
            await stop_producer(producer)

    async def _attempt(self, messages: Sequence[Message]) -> Sequence[Message]:
        """The messages of those batches that are not acknowledged."""
        sent: dict[tuple[str, int], asyncio.Future[object]] = {}
        batches: dict[tuple[str, int], list[Message]] = {}
        try:
            async with asyncio.timeout(_ACKNOWLEDGE_SECONDS):
                producer = await self._open()
                for message in messages:
                    batches.setdefault(self._place(message), []).append(message)
                for (topic, partition), batch in batches.items():
                    sent[topic, partition] = await _send(producer, topic, partition, batch)
                await acknowledged(list(sent.values()))
        except KAFKA_TROUBLE as trouble:
            self._log.warning("batches_not_acknowledged", trouble=type(trouble).__name__, messages=len(messages))
            if not batches:
                return messages
            return [
                message for place, batch in batches.items() if not _is_written(sent.get(place)) for message in batch
            ]
        return ()

    async def _open(self) -> AIOKafkaProducer:
        if self._producer is None:
            self._producer = new_producer(self._options)
            await self._producer.start()
            for topic in self._topics:
                self._partitions[topic] = len(await self._producer.partitions_for(topic))
        return self._producer

    async def _renew(self) -> None:
        producer, self._producer = self._producer, None
        if producer is not None:
            await discard_producer(producer)

    def _place(self, message: Message) -> tuple[str, int]:
        count = self._partitions[message.topic]
        if message.key is None:
            return message.topic, message.lot % count
        return message.topic, (partition_of_tenant if message.of_tenant else partition_of)(message.key, count)


async def _send(
    producer: AIOKafkaProducer, topic: str, partition: int, messages: Sequence[Message]
) -> asyncio.Future[object]:
    batch = producer.create_batch()
    for message in messages:
        appended = batch.append(key=message.key, value=message.value, timestamp=None, headers=list(message.headers))
        if appended is None:
            raise ValueError(f"{len(messages)} messages for {topic}:{partition} do not fit into one batch")
    batch.close()
    future: asyncio.Future[object] = await producer.send_batch(batch, topic, partition=partition)
    return future


def _is_written(sent: asyncio.Future[object] | None) -> bool:
    return sent is not None and sent.done() and not sent.cancelled() and sent.exception() is None
