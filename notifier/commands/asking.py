"""Asking the engine over `notifier.signals`, and waiting until whoever owns the partition has heard it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import aclosing, asynccontextmanager

import msgspec

from notifier.domain.signals import Command
from notifier.engine.entities import Positions
from notifier.kafka.connection import client_options
from notifier.kafka.ledger_table import LedgerTable
from notifier.kafka.reading import PartitionReader
from notifier.kafka.signal_writer import SignalWriter, Stored
from notifier.settings import Settings


class NotHeard(Exception):
    """The wish is written, and nobody has read it yet; the message says what that means."""


@asynccontextmanager
async def _writer(settings: Settings) -> AsyncIterator[SignalWriter]:
    writer = SignalWriter(client_options(settings.kafka), settings.topics.name("signals"))
    try:
        yield writer
    finally:
        await writer.close()


async def ask(settings: Settings, wishes: Sequence[Command]) -> list[Stored]:
    """Write them in order. Raises `WriteFailed`; those before the failed one are written."""
    async with _writer(settings) as writer:
        return [await writer.write(wish) for wish in wishes]


async def heard(settings: Settings, stored: Sequence[Stored], seconds: float, *, undone: Collection[str] = ()) -> None:
    """Returns when the owners' positions in the ledger are behind all of `stored`, and none of the keys `undone` stands
    there any more. Raises `NotHeard`."""
    wanted: dict[int, int] = {}
    for one in stored:
        wanted[one.partition] = max(one.offset, wanted.get(one.partition, -1))
    try:
        async with asyncio.timeout(seconds), asyncio.TaskGroup() as group:
            for partition, offset in wanted.items():
                group.create_task(_read_beyond(settings, partition, offset, undone))
    except TimeoutError:
        raise NotHeard(
            f"nobody has carried it out within {seconds:g} s; it is stored, and is carried out when a daemon with the"
            " role engine owns the partition again"
        ) from None


async def _read_beyond(settings: Settings, partition: int, offset: int, undone: Collection[str]) -> None:
    """Until a valid owner says in the ledger that it has read signals beyond `offset` and done what is `undone`."""
    table = LedgerTable(lambda key, _: key.startswith("w/") or key in undone)
    reader = PartitionReader(client_options(settings.kafka), settings.topics.name("ledger"), partition)
    async with aclosing(reader.follow(None)) as chunks:
        async for fetched in chunks:
            for record in fetched.records:
                table.take(partition, record)
            rows = table.rows()
            owners = [row for row in rows if row.key.startswith("w/")]
            read = any((msgspec.json.decode(row.value, type=Positions).signals or 0) > offset for row in owners)
            if read and len(owners) == len(rows):
                return
