"""The configuration topic: followed by every role, read and written by the commands.

Rules: all documents lie in partition 0, whatever the topic's partition count, so that one offset says how much of the
configuration is known and one record batch can hold a whole change; other partitions are not read. A record that is
no document is reported and left out, it never stops the follower. What is written is one batch, all or nothing, and
only onto a topic that still ends where it ended when it was read.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass

import structlog
from aiokafka.errors import MessageSizeTooLargeError, RecordListTooLargeError

from notifier.domain.catalog import Catalog, CatalogBuilder, empty
from notifier.domain.config_records import DocumentTable, RefusedRecord, encode_document
from notifier.domain.documents import Document
from notifier.kafka.connection import LARGEST_BATCH_BYTES, Options, discard_producer, new_producer, stop_producer
from notifier.kafka.failures import KAFKA_TROUBLE, PositionLost
from notifier.kafka.reading import Fetched, PartitionReader

CONFIG_PARTITION = 0
_WRITE_SECONDS = 20.0
_READ_SECONDS = 30.0

Change = tuple[str, Document | None]  # record key, and the document or None for a deletion


class ConfigNotRead(Exception):
    """The topic could not be read in time; the message says what to look at."""


class ConfigNotWritten(Exception):
    """Nothing was written, or, where the message says so, nobody knows."""


class ConfigRaced(Exception):
    """All was written, but somebody else wrote just before: what is in force mixes both."""


@dataclass(frozen=True, slots=True)
class ConfigSnapshot:
    """The whole topic at one moment: `end` is the offset that the next record will get."""

    documents: Mapping[str, Document]
    end: int


class ConfigFollower:
    """Holds the catalog of the configuration in force. One task runs `run`; anybody else may look and wait.

    A record or a document that has to be left out is an error in the log; documents stand in `configFaults` of
    `/status`, too.
    """

    def __init__(self, options: Options, topic: str) -> None:
        self._reader = PartitionReader(options, topic, CONFIG_PARTITION)
        self._table, self._builder = DocumentTable(), CatalogBuilder()
        self._catalog = empty()
        self._next_offset = 0
        self._loaded = False
        self._moved = asyncio.Condition()
        self._log = structlog.get_logger().bind(topic=topic)

    @property
    def catalog(self) -> Catalog:
        """Empty until the topic was read to its end once; its `offset` says how far it reaches."""
        return self._catalog

    @property
    def offset(self) -> int:
        """The last offset that the catalog knows: `configOffset` of `/status`; -1 before anything is known."""
        return self._catalog.offset

    @property
    def loaded(self) -> bool:
        """Whether the topic was read to its end since the start."""
        return self._loaded

    async def run(self) -> None:
        """Read the topic whole, then follow it, until cancelled. Survives every trouble with the brokers."""
        while True:
            try:
                async with aclosing(self._reader.read(self._next_offset, None)) as chunks:
                    async for fetched in chunks:
                        self._take(fetched)
                await self._publish()
                async with aclosing(self._reader.follow(self._next_offset)) as chunks:
                    async for fetched in chunks:
                        self._take(fetched)
                        await self._publish()
            except PositionLost as lost:
                self._log.error("config_topic_recreated", reason=str(lost))
                self._table, self._next_offset = DocumentTable(), 0

    async def wait_loaded(self) -> Catalog:
        """The first whole catalog."""
        async with self._moved:
            await self._moved.wait_for(lambda: self._loaded)
        return self._catalog

    async def wait_for(self, offset: int) -> None:
        """Return when the catalog knows `offset`."""
        async with self._moved:
            await self._moved.wait_for(lambda: self._loaded and self._catalog.offset >= offset)

    async def wait_for_end(self) -> Catalog:
        """A catalog that knows everything that the topic held when this was called."""
        end = await self._reader.end()
        await self.wait_for(end - 1)
        return self._catalog

    async def changes(self) -> AsyncGenerator[Catalog, None]:
        """The first whole catalog, then each newer one; a reader that is slow misses those in between."""
        seen: Catalog | None = None
        while True:
            async with self._moved:
                while not self._loaded or self._catalog is seen:
                    await self._moved.wait()
            seen = self._catalog
            yield seen

    def _take(self, fetched: Fetched) -> None:
        for record in fetched.records:
            try:
                self._table.read(record.key, record.value)
            except RefusedRecord as refused:
                self._log.error("config_record_refused", offset=record.offset, reason=str(refused))
        self._next_offset = fetched.next_offset

    async def _publish(self) -> None:
        before = self._catalog
        built = self._builder.build(self._table.documents.values(), self._next_offset - 1)
        for fault in built.faults:
            if fault not in before.faults:
                self._log.error("config_document_refused", reason=fault)
        async with self._moved:
            self._catalog, self._loaded = built, True
            self._moved.notify_all()


async def read_config(options: Options, topic: str, *, seconds: float = _READ_SECONDS) -> ConfigSnapshot:
    """The topic as it is now. Raises `ConfigNotRead`."""
    reader, table, end = PartitionReader(options, topic, CONFIG_PARTITION), DocumentTable(), 0
    log = structlog.get_logger().bind(topic=topic)
    try:
        async with asyncio.timeout(seconds), aclosing(reader.read(0, None)) as chunks:
            async for fetched in chunks:
                end = fetched.next_offset
                for record in fetched.records:
                    try:
                        table.read(record.key, record.value)
                    except RefusedRecord as refused:
                        log.error("config_record_refused", offset=record.offset, reason=str(refused))
    except TimeoutError:
        raise ConfigNotRead(
            f"{topic} could not be read within {seconds:g} s: are the brokers of NOTIFIER_KAFKA__BOOTSTRAP_SERVERS"
            " there, and does the topic exist (notifier topics verify)?"
        ) from None
    return ConfigSnapshot(table.documents, end)


async def write_config(options: Options, topic: str, changes: Sequence[Change], *, expected_end: int) -> int:
    """Write all of `changes` in one record batch, and return the offset of the last.

    `expected_end` is where the topic ended when it was read. Raises `ConfigNotWritten`, and `ConfigRaced` when somebody
    wrote between the last look and this batch.
    """
    try:
        async with asyncio.timeout(_WRITE_SECONDS):
            end = await PartitionReader(options, topic, CONFIG_PARTITION).end()
    except TimeoutError:
        raise ConfigNotWritten(f"{topic} could not be reached; nothing was applied") from None
    if end != expected_end:
        raise ConfigNotWritten(f"{topic} was written to since it was read; nothing was applied, run it again")
    return await append_config(options, topic, changes, expected_first=expected_end)


async def append_config(
    options: Options, topic: str, changes: Sequence[Change], *, expected_first: int | None = None
) -> int:
    """As `write_config` without the look before; `expected_first` None: wherever the topic ends now."""
    try:
        async with asyncio.timeout(_WRITE_SECONDS):
            first = await _write_batch(options, topic, changes)
    except (MessageSizeTooLargeError, RecordListTooLargeError):
        raise ConfigNotWritten(_too_large(topic, len(changes))) from None
    except KAFKA_TROUBLE as trouble:
        raise ConfigNotWritten(
            f"no acknowledgement from {topic} ({type(trouble).__name__}); whether it was written is not known:"
            " compare with notifier config export, and run it again"
        ) from None
    last = first + len(changes) - 1
    if expected_first is not None and first != expected_first:
        raise ConfigRaced(
            f"somebody else wrote to {topic} at the same moment (offsets {expected_first} to {first - 1}), and this"
            f" was written behind it (to offset {last}): compare with notifier config export"
        )
    return last


async def _write_batch(options: Options, topic: str, changes: Sequence[Change]) -> int:
    producer = new_producer(options)
    acknowledged = False
    try:
        await producer.start()
        batch = producer.create_batch()
        for key, document in changes:
            value = None if document is None else encode_document(document)
            if batch.append(key=key.encode(), value=value, timestamp=None) is None:
                raise ConfigNotWritten(_too_large(topic, len(changes)))
        batch.close()
        written = await (await producer.send_batch(batch, topic, partition=CONFIG_PARTITION))
        if written is None or written.offset < 0:  # a repeated request was answered without its offset (kafka.md T7)
            raise TimeoutError("acknowledged without an offset")
        acknowledged = True
    finally:
        await (stop_producer(producer) if acknowledged else discard_producer(producer))
    offset: int = written.offset
    return offset


def _too_large(topic: str, count: int) -> str:
    return (
        f"{count} documents do not fit into one record batch of {topic} (its max.message.bytes, {LARGEST_BATCH_BYTES}"
        " at most); nothing was applied, apply fewer at a time"
    )
