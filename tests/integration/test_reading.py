"""Reading one partition: positions, cancellation, and a log that compaction went through."""

from __future__ import annotations

import asyncio
import uuid
from contextlib import aclosing

import pytest
from aiokafka import TopicPartition
from aiokafka.admin import NewTopic, RecordsToDelete

from notifier.engine.commands import Record
from notifier.kafka.connection import Options
from notifier.kafka.failures import PositionLost
from notifier.kafka.ledger import LedgerReader, LedgerWriter
from notifier.kafka.reading import PartitionReader, RawRecord
from notifier.kafka.topics import admin
from notifier.settings import TopicSettings
from tests.brokers import Broker
from tests.integration.records import put

pytestmark = pytest.mark.integration


async def taken(reader: PartitionReader, offset: int | None, count: int) -> list[RawRecord]:
    found: list[RawRecord] = []
    async with aclosing(reader.follow(offset)) as chunks:
        async for fetched in chunks:
            found += fetched.records
            if len(found) >= count:
                break
    return found


async def test_reading_begins_at_the_position_and_follows_what_comes(options: Options, topics: TopicSettings) -> None:
    inbox = topics.name("inbox")
    await put(options, inbox, [(b"k", b"%d" % n, ()) for n in range(3)], partition=1)
    reading = asyncio.create_task(taken(PartitionReader(options, inbox, 1), 1, 3))
    await put(options, inbox, [(b"k", b"3", ())], partition=1)
    assert [record.value for record in await reading] == [b"1", b"2", b"3"]


async def test_without_a_position_reading_begins_at_the_oldest(options: Options, topics: TopicSettings) -> None:
    inbox = topics.name("inbox")
    await put(options, inbox, [(b"k", b"0", ())], partition=1)
    assert [record.offset for record in await taken(PartitionReader(options, inbox, 1), None, 1)] == [0]


async def test_a_position_behind_the_end_is_lost(options: Options, topics: TopicSettings) -> None:
    with pytest.raises(PositionLost, match="was to go on at 9"):
        await taken(PartitionReader(options, topics.name("inbox"), 0), 9, 1)


async def test_a_position_before_the_oldest_record_is_lost(
    real_kafka: Broker, options: Options, topics: TopicSettings
) -> None:
    inbox = topics.name("inbox")
    await put(options, inbox, [(b"k", b"%d" % n, ()) for n in range(5)], partition=0)
    async with admin(options) as client:
        await client.delete_records({TopicPartition(inbox, 0): RecordsToDelete(3)})
    with pytest.raises(PositionLost, match="holds offsets 3 to 5"):
        await taken(PartitionReader(options, inbox, 0), 1, 1)


async def test_whoever_waits_for_records_can_be_cancelled_at_once(options: Options, topics: TopicSettings) -> None:
    reading = asyncio.create_task(taken(PartitionReader(options, topics.name("inbox"), 2), None, 1))
    await put(options, topics.name("inbox"), [(b"k", b"0", ())], partition=3)
    reading.cancel()
    async with asyncio.timeout(5):
        await asyncio.wait({reading})
    assert reading.cancelled()


async def test_the_end_is_that_of_the_moment(options: Options, topics: TopicSettings) -> None:
    reader = PartitionReader(options, topics.name("signals"), 1)
    ends = [await reader.end()]
    await put(options, topics.name("signals"), [(b"k", b"0", ())], partition=1)
    ends.append(await reader.end())
    assert ends == [0, 1]


async def test_a_restore_reads_a_compacted_ledger_to_its_end(real_kafka: Broker, options: Options) -> None:
    """The newest record of every key, at its own offset, whatever holes are between."""
    topic = f"test-{uuid.uuid4().hex[:12]}.compacted"
    settings = {
        "cleanup.policy": "compact", "segment.ms": "200", "min.cleanable.dirty.ratio": "0.001",
        "max.compaction.lag.ms": "200", "delete.retention.ms": "0",
    }  # fmt: skip
    async with admin(options) as client:
        await client.create_topics([NewTopic(topic, 1, 1, topic_configs=settings)])
    writer = LedgerWriter(options, topic, 0)
    await writer.open()
    last = 0
    for round_ in range(20):
        batch = [Record(f"n/{n}", b"%d" % round_, 0) for n in range(50)]
        last = await writer.append(batch, 10.0) + 49
    records = [0] * 1000
    async with asyncio.timeout(60):
        while len(records) > 500:  # the active segment is never compacted: a write rolls it, then the cleaner comes
            last = await writer.append([Record("n/last", None, 0)], 10.0)
            records = [r.offset async for chunk, _ in LedgerReader(options, topic, 0).read(0, None) for r in chunk]
    values = {}
    behind = 0
    async for chunk, next_offset in LedgerReader(options, topic, 0).read(0, None):
        values.update({record.key: record.value for record in chunk})
        behind = next_offset
    await writer.close()
    async with admin(options) as client:
        await client.delete_topics([topic])
    assert {values[f"n/{n}"] for n in range(50)} == {b"19"}
    assert behind == last + 1
