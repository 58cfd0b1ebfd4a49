"""Reading topics once from their oldest record to their end as of the start: for commands that look for something.

No group is joined and nothing is remembered. `oldest` and `records` of a `Scanned` say how far back it could look.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from contextlib import aclosing
from dataclasses import dataclass

from notifier.kafka.connection import Options
from notifier.kafka.failures import TopicsUnfit
from notifier.kafka.reading import PartitionReader, RawRecord
from notifier.kafka.topics import admin, existing

_AT_ONCE = 8  # partitions: each has a consumer of its own
_READ_AT_MOST = 2000

Take = Callable[[int, RawRecord], None]  # partition, record
Progress = Callable[[str, int, int, int], None]  # topic, partition, records passed, records to pass


@dataclass(slots=True)
class Scanned:
    """What was looked at of one topic. `oldest`: the time of its oldest record, milliseconds; None when it is empty."""

    topic: str
    partitions: tuple[int, ...]
    records: int = 0
    oldest: int | None = None

    def count(self, record: RawRecord) -> None:
        self.records += 1
        if self.oldest is None or record.timestamp < self.oldest:
            self.oldest = record.timestamp


async def partition_counts(options: Options, topics: Iterable[str]) -> Mapping[str, int]:
    """How many partitions each has. Raises `TopicsUnfit` when one is not there, `BrokerAway`."""
    async with admin(options) as client:
        there = await existing(client)
    missing = [topic for topic in topics if topic not in there]
    if missing:
        raise TopicsUnfit(f"missing topics: {', '.join(missing)}; notifier topics create makes them")
    return {topic: there[topic][0] for topic in topics}


async def scan(
    options: Options, topic: str, partitions: Iterable[int], take: Take, progress: Progress | None = None
) -> Scanned:
    """Hand every record to `take`; those of one partition in their order, partitions among each other in any."""
    scanned, slots = Scanned(topic, tuple(partitions)), asyncio.Semaphore(_AT_ONCE)

    async def one(partition: int) -> None:
        async with slots:
            await _scan_partition(options, scanned, partition, take, progress)

    async with asyncio.TaskGroup() as group:
        for partition in scanned.partitions:
            group.create_task(one(partition), name=f"scan-{topic}-{partition}")
    return scanned


async def _scan_partition(
    options: Options, scanned: Scanned, partition: int, take: Take, progress: Progress | None
) -> None:
    reader = PartitionReader(options, scanned.topic, partition, at_most=_READ_AT_MOST)
    end = await reader.end()
    first: int | None = None
    async with aclosing(reader.read(0, end)) as chunks:
        async for fetched in chunks:
            for record in fetched.records:
                scanned.count(record)
                take(partition, record)
            if fetched.records and first is None:
                first = fetched.records[0].offset
            if progress is not None and first is not None:
                progress(scanned.topic, partition, fetched.next_offset - first, end - first)
