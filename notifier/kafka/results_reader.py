"""Reading the results topic from its beginning: every outcome once, all partitions, to the end or for ever."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing

import msgspec

from notifier.domain.outcomes import Outcome
from notifier.kafka.connection import Options
from notifier.kafka.failures import TopicsUnfit
from notifier.kafka.reading import Fetched, PartitionReader
from notifier.kafka.topics import admin, existing

_IDS_REMEMBERED = 200_000  # a crash repeats what is not long past


class ResultsReader:
    """Tells `told` every outcome with its own bytes. Repeated ids and what is no outcome are dropped."""

    def __init__(self, options: Options, topic: str, told: Callable[[Outcome, bytes], None]) -> None:
        self._options, self._topic, self._told = options, topic, told
        self._seen: OrderedDict[str, None] = OrderedDict()

    async def read(self, *, follow: bool) -> None:
        """`follow` False: to the end as it is now. Raises `TopicsUnfit` when there is no topic, `BrokerAway`."""
        async with admin(self._options) as client:
            there = await existing(client)
        if self._topic not in there:
            raise TopicsUnfit(f"there is no topic {self._topic}; notifier topics create makes it")
        async with asyncio.TaskGroup() as group:
            for partition in range(there[self._topic][0]):
                group.create_task(self._read_partition(partition, follow), name=f"results-{partition}")

    async def _read_partition(self, partition: int, follow: bool) -> None:
        reader = PartitionReader(self._options, self._topic, partition)
        chunks = reader.follow(None) if follow else self._to_the_end(reader)
        async with aclosing(chunks):
            async for fetched in chunks:
                for record in fetched.records:
                    self._take(record.value)

    async def _to_the_end(self, reader: PartitionReader) -> AsyncGenerator[Fetched, None]:
        async with aclosing(reader.read(0, await reader.end())) as chunks:
            async for fetched in chunks:
                yield fetched

    def _take(self, value: bytes | None) -> None:
        try:
            outcome = msgspec.json.decode(value or b"", type=Outcome)
        except msgspec.DecodeError:
            return
        if outcome.id in self._seen:
            return
        self._seen[outcome.id] = None
        if len(self._seen) > _IDS_REMEMBERED:
            self._seen.popitem(last=False)
        self._told(outcome, value or b"")
