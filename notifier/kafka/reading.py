"""Reading one partition without a group, from a position that the caller knows.

Rules: one small consumer per partition (A13, A14); every error ends the consumer and a new one goes on at our own next
offset, so that nothing is skipped or lost (A1, A2, A3, B9); `getmany` is never cancelled (B1), stopping the consumer
ends it; a position outside the log is `PositionLost`, never a jump (A4).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import NamedTuple, Protocol

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition

from notifier.kafka.connection import STOP_SECONDS, Options, new_reader, stop_consumer
from notifier.kafka.failures import KAFKA_TROUBLE, PositionLost

_POLL_MS = 1000
_QUIET_POLLS = 15  # after so many without a record the broker is asked whether there is one (B9)
_FIRST_BACKOFF, _LONGEST_BACKOFF = 0.1, 5.0


class RawRecord(Protocol):
    """A record as aiokafka hands it over; `timestamp` in milliseconds."""

    @property
    def offset(self) -> int: ...
    @property
    def timestamp(self) -> int: ...
    @property
    def key(self) -> bytes | None: ...
    @property
    def value(self) -> bytes | None: ...
    @property
    def headers(self) -> Sequence[tuple[str, bytes]]: ...


class Fetched(NamedTuple):
    """Records in order of offset; `next_offset` lies behind them and behind the holes that compaction left."""

    records: Sequence[RawRecord]
    next_offset: int


class PartitionReader:
    """Reads one partition; an instance can read several times, also at once."""

    def __init__(self, options: Options, topic: str, partition: int, *, at_most: int = 500) -> None:
        self._options = options
        self._partition = TopicPartition(topic, partition)
        self._at_most = at_most
        self._log = structlog.get_logger().bind(topic=topic, partition=partition)

    async def follow(self, offset: int | None) -> AsyncGenerator[Fetched, None]:
        """All records from `offset` on (None: the oldest there is), then every new one. Ends only by `aclose`.

        Raises `PositionLost` when the log does not hold `offset` any more, or not yet.
        """
        position, backoff = offset, _FIRST_BACKOFF
        while True:
            try:
                async with self._consumer() as consumer:
                    position = expected = await self._begin(consumer, position)
                    quiet = 0
                    while True:
                        fetched = await self._poll(consumer)
                        position, backoff = fetched.next_offset, _FIRST_BACKOFF
                        if fetched.records:
                            quiet = 0
                            yield fetched
                            continue
                        if position < expected:
                            raise TimeoutError("there are records and they do not come")
                        quiet += 1
                        if quiet % _QUIET_POLLS == 0:
                            expected = await self._end(consumer)
            except KAFKA_TROUBLE as trouble:
                self._log.warning("reader_rebuilt", next_offset=position, trouble=type(trouble).__name__)
            await asyncio.sleep(backoff)
            backoff = min(2 * backoff, _LONGEST_BACKOFF)

    async def read(self, start: int, end: int | None) -> AsyncGenerator[Fetched, None]:
        """The records of `[start, end)`; `end` None: up to the end of the log as it is when the reading ends.

        The last `Fetched` has `next_offset` at the end that was read to, perhaps without records. Offsets before the
        oldest record are passed over. Raises `PositionLost` when the log ends before `start`.
        """
        position, backoff = start, _FIRST_BACKOFF
        while True:
            try:
                async with self._consumer() as consumer:
                    position = await self._begin(consumer, position, from_the_oldest=True)
                    limit = await self._end(consumer) if end is None else end
                    while position < limit:
                        fetched = await self._poll(consumer)
                        position, backoff = fetched.next_offset, _FIRST_BACKOFF
                        yield fetched if end is None else _below(end, fetched)
                        if end is None and position >= limit:
                            limit = await self._end(consumer)
                yield Fetched((), position if end is None else end)
                return
            except KAFKA_TROUBLE as trouble:
                self._log.warning("reader_rebuilt", next_offset=position, trouble=type(trouble).__name__)
            await asyncio.sleep(backoff)
            backoff = min(2 * backoff, _LONGEST_BACKOFF)

    async def end(self) -> int:
        """The end of the log, asked for after this call began. Waits until a broker answers."""
        backoff = _FIRST_BACKOFF
        while True:
            try:
                async with self._consumer() as consumer:
                    return await self._end(consumer)
            except KAFKA_TROUBLE as trouble:
                self._log.warning("reader_rebuilt", trouble=type(trouble).__name__)
            await asyncio.sleep(backoff)
            backoff = min(2 * backoff, _LONGEST_BACKOFF)

    @asynccontextmanager
    async def _consumer(self) -> AsyncIterator[AIOKafkaConsumer]:
        consumer = new_reader(self._options)
        consumer.assign([self._partition])
        try:
            await consumer.start()
            yield consumer
        finally:
            await stop_consumer(consumer)

    async def _begin(self, consumer: AIOKafkaConsumer, offset: int | None, *, from_the_oldest: bool = False) -> int:
        oldest = (await consumer.beginning_offsets([self._partition]))[self._partition]
        end = await self._end(consumer)
        position: int = oldest if offset is None or (from_the_oldest and offset < oldest) else offset
        if not oldest <= position <= end:
            raise PositionLost(
                f"{self._partition.topic}:{self._partition.partition} holds offsets {oldest} to {end},"
                f" and reading was to go on at {position}"
            )
        consumer.seek(self._partition, position)
        return position

    async def _end(self, consumer: AIOKafkaConsumer) -> int:
        end: int = (await consumer.end_offsets([self._partition]))[self._partition]
        return end

    async def _poll(self, consumer: AIOKafkaConsumer) -> Fetched:
        records = (await poll(consumer, _POLL_MS, self._at_most)).get(self._partition, ())
        return Fetched(records, await consumer.position(self._partition))


async def poll(consumer: AIOKafkaConsumer, wait_ms: int, at_most: int) -> Mapping[TopicPartition, Sequence[RawRecord]]:
    """`getmany`, never cancelled: whoever is cancelled while it waits stops the consumer, and that ends it."""
    polling = asyncio.ensure_future(consumer.getmany(timeout_ms=wait_ms, max_records=at_most))
    try:
        await asyncio.wait({polling})
    finally:
        if not polling.done():
            await stop_consumer(consumer)
            await asyncio.wait({polling}, timeout=STOP_SECONDS)
    records: Mapping[TopicPartition, Sequence[RawRecord]] = polling.result()
    return records


def _below(end: int, fetched: Fetched) -> Fetched:
    if fetched.next_offset <= end:
        return fetched
    return Fetched([record for record in fetched.records if record.offset < end], end)
