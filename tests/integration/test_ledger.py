"""The ledger on a broker: what a writer is told, what a reader gets back, and that nothing hangs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from notifier.engine.commands import Record
from notifier.engine.inputs import LedgerRecord
from notifier.kafka.connection import Options
from notifier.kafka.failures import AppendFailed, PositionLost
from notifier.kafka.ledger import LedgerReader, LedgerWriter
from notifier.settings import TopicSettings
from tests.brokers import Broker

pytestmark = pytest.mark.integration
DEADLINE = 10.0


@asynccontextmanager
async def opened(options: Options, topics: TopicSettings) -> AsyncIterator[LedgerWriter]:
    writer = LedgerWriter(options, topics.name("ledger"), 1)
    await writer.open()
    try:
        yield writer
    finally:
        await writer.close()


async def read(options: Options, topics: TopicSettings, start: int, end: int | None) -> tuple[list[LedgerRecord], int]:
    records: list[LedgerRecord] = []
    behind = start
    async for chunk, next_offset in LedgerReader(options, topics.name("ledger"), 1).read(start, end):
        records += chunk
        behind = next_offset
    return records, behind


async def test_the_offsets_of_one_writer_follow_each_other(options: Options, topics: TopicSettings) -> None:
    async with opened(options, topics) as writer:
        first = [await writer.append([Record(f"n/{n}", b"{}", 7), Record("e/x", None, 7)], DEADLINE) for n in range(20)]
    assert first == [2 * n for n in range(20)]


async def test_what_another_writer_wrote_shows_as_a_gap(options: Options, topics: TopicSettings) -> None:
    async with opened(options, topics) as one, opened(options, topics) as other:
        mine = await one.append([Record("n/1", b"{}", 0)], DEADLINE)
        theirs = await other.append([Record("claim/2", b"{}", None)], DEADLINE)
        next_of_mine = await one.append([Record("n/2", b"{}", 0)], DEADLINE)
    assert (mine, theirs, next_of_mine) == (0, 1, 2)


async def test_records_come_back_as_they_were_written(options: Options, topics: TopicSettings) -> None:
    """A claim has no epoch, a tombstone has one."""
    async with opened(options, topics) as writer:
        await writer.append([Record("claim/u", b"me", None), Record("k/ø", b"v", 0), Record("k/ø", None, 0)], DEADLINE)
    records, behind = await read(options, topics, 0, None)
    assert records == [
        LedgerRecord(0, "claim/u", b"me", None),
        LedgerRecord(1, "k/ø", b"v", 0),
        LedgerRecord(2, "k/ø", None, 0),
    ]
    assert behind == 3


async def test_a_gap_is_read_exactly(options: Options, topics: TopicSettings) -> None:
    async with opened(options, topics) as writer:
        for n in range(10):
            await writer.append([Record(f"n/{n}", b"{}", 0)], DEADLINE)
    records, behind = await read(options, topics, 3, 6)
    assert ([record.key for record in records], behind) == (["n/3", "n/4", "n/5"], 6)


async def test_an_empty_ledger_is_read_to_its_end(options: Options, topics: TopicSettings) -> None:
    assert await read(options, topics, 0, None) == ([], 0)


async def test_a_reading_without_end_includes_what_is_written_while_it_reads(
    options: Options, topics: TopicSettings
) -> None:
    """A restore ends at the end of the log as it is when the reading ends (rule 10)."""
    async with opened(options, topics) as writer:
        await writer.append([Record(f"n/{n}", b"x", 0) for n in range(3000)], DEADLINE)
        keys: list[str] = []
        late = False
        async for records, _ in LedgerReader(options, topics.name("ledger"), 1).read(0, None):
            keys += [record.key for record in records]
            if not late:
                late = True
                await writer.append([Record("n/late", b"x", 0)], DEADLINE)
    assert keys[-1] == "n/late"
    assert len(keys) == 3001


async def test_a_ledger_that_lost_its_tail_is_an_incident(options: Options, topics: TopicSettings) -> None:
    with pytest.raises(PositionLost, match="reading was to go on at 5"):
        await read(options, topics, 5, None)


async def test_a_batch_of_megabytes_is_written_whole(
    real_kafka: Broker, options: Options, topics: TopicSettings
) -> None:
    async with opened(options, topics) as writer:
        await writer.append([Record(f"p/{n}", bytes(1024 * 1024), 0) for n in range(7)], DEADLINE)
        with pytest.raises(ValueError, match="does not fit"):
            await writer.append([Record(f"p/{n}", bytes(1024 * 1024), 0) for n in range(9)], DEADLINE)
    records, _ = await read(options, topics, 0, None)
    assert [len(record.value or b"") for record in records] == [1024 * 1024] * 7


async def test_opening_without_a_broker_fails_and_leaves_nothing_behind(options: Options) -> None:
    writer = LedgerWriter(options | {"bootstrap_servers": "127.0.0.1:1"}, "ledger", 0)
    with pytest.raises(AppendFailed, match="no broker"):
        await writer.open()
    await writer.close()


async def test_an_append_that_is_not_acknowledged_in_time_is_unknown_and_closing_does_not_hang(
    options: Options, topics: TopicSettings
) -> None:
    """A deadline that no broker can keep; afterwards the writer takes nothing more."""
    async with asyncio.timeout(15):
        async with opened(options, topics) as writer:
            with pytest.raises(AppendFailed, match="no acknowledgement"):
                await writer.append([Record("n/1", b"{}", 0)], 0.0)
            with pytest.raises(AppendFailed, match="failed before"):
                await writer.append([Record("n/2", b"{}", 0)], DEADLINE)
