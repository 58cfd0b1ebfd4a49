"""Putting records on topics and reading whole topics back, for tests."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import aclosing

from notifier.kafka.connection import Options, new_producer
from notifier.kafka.partitions import partition_of
from notifier.kafka.reading import PartitionReader, RawRecord
from notifier.kafka.topics import admin, existing

Given = tuple[bytes | None, bytes | None, Sequence[tuple[str, bytes]]]


async def put(
    options: Options,
    topic: str,
    records: Sequence[Given],
    partition: int | None = None,
    timestamp: int | None = None,
) -> None:
    """Publish in order, keyed like Kafka's default unless a partition is named; `timestamp` None: now."""
    producer = new_producer(options)
    await producer.start()
    try:
        count = len(await producer.partitions_for(topic))
        batches: dict[int, list[Given]] = {}
        for record in records:
            place = partition if partition is not None else partition_of(record[0] or b"", count)
            batches.setdefault(place, []).append(record)
        pieces = [(place, group[n : n + 300]) for place, group in batches.items() for n in range(0, len(group), 300)]
        for place, piece in pieces:  # below a topic's usual 1 MiB
            batch = producer.create_batch()
            for key, value, headers in piece:
                assert batch.append(key=key, value=value, timestamp=timestamp, headers=list(headers)) is not None
            batch.close()
            await (await producer.send_batch(batch, topic, partition=place))
    finally:
        await producer.stop()


async def partitions_of(options: Options, topic: str) -> int:
    async with admin(options) as client:
        return (await existing(client))[topic][0]


async def whole(options: Options, topic: str) -> list[RawRecord]:
    """Every record of a topic, one partition after the other."""
    found: list[RawRecord] = []
    for partition in range(await partitions_of(options, topic)):
        async with aclosing(PartitionReader(options, topic, partition).read(0, None)) as chunks:
            async for fetched in chunks:
                found += fetched.records
    return found


async def until_there_are(options: Options, topic: str, count: int) -> list[RawRecord]:
    """Every record of a topic, once it has so many."""
    found = await whole(options, topic)
    while len(found) < count:
        found = await whole(options, topic)
    return found
