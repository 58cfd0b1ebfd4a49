"""The ledger of one partition: appended to in atomic batches whose offset is told, read back as records.

Rules: a writer belongs to one CLAIM, and whatever goes wrong with it is `AppendFailed`: the batch may be written, now
or later, and the writer is thrown away (design rule 7; B6, T3, T7). The epoch is a record header, so that tombstones
carry it too. Holes between offsets are what compaction leaves; they mean nothing to a reader.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

from aiokafka import AIOKafkaProducer

from notifier.engine.commands import Record
from notifier.engine.inputs import LedgerRecord
from notifier.kafka.connection import Options, discard_producer, new_producer, stop_producer
from notifier.kafka.failures import KAFKA_TROUBLE, AppendFailed
from notifier.kafka.reading import PartitionReader, RawRecord

EPOCH_HEADER = "epoch"  # decimal ASCII; absent on a CLAIM, whose epoch is its own offset
_OPEN_SECONDS = 10.0
_READ_AT_MOST = 2000  # records between two turns of the event loop (B11)


class LedgerWriter:
    """One idempotent producer for one ledger partition. One append at a time."""

    def __init__(self, options: Options, topic: str, partition: int) -> None:
        self._options = options
        self._topic, self._partition = topic, partition
        self._producer: AIOKafkaProducer | None = None
        self._failed = False

    async def open(self) -> None:
        """Connect. Raises `AppendFailed` when no broker answers in time: nothing was written."""
        producer = new_producer(self._options)
        try:
            async with asyncio.timeout(_OPEN_SECONDS):
                await producer.start()
        except KAFKA_TROUBLE as trouble:
            await discard_producer(producer)
            raise AppendFailed(f"no broker for a new writer ({_named(trouble)})") from trouble
        except BaseException:
            await discard_producer(producer)
            raise
        self._producer = producer

    async def append(self, records: Sequence[Record], deadline: float) -> int:
        """Write all of `records` or none, and return the offset of the first. Raises `AppendFailed` (unknown).

        `deadline` is in seconds from now. A batch above 8 MiB is a `ValueError`: batches are cut long before.
        """
        if self._producer is None or self._failed:
            raise AppendFailed("the writer is not open, or failed before")
        try:
            async with asyncio.timeout(deadline):
                return await self._append(self._producer, records)
        except KAFKA_TROUBLE as trouble:
            self._failed = True
            raise AppendFailed(f"no acknowledgement ({_named(trouble)})") from trouble
        except BaseException:
            self._failed = True
            raise

    async def _append(self, producer: AIOKafkaProducer, records: Sequence[Record]) -> int:
        batch = producer.create_batch()
        for record in records:
            headers = [] if record.epoch is None else [(EPOCH_HEADER, b"%d" % record.epoch)]
            key = record.key.encode()
            if batch.append(key=key, value=record.value, timestamp=None, headers=headers) is None:
                raise ValueError(f"a ledger batch of {len(records)} records does not fit into one message")
        batch.close()
        written = await (await producer.send_batch(batch, self._topic, partition=self._partition))
        # On DUPLICATE_SEQUENCE aiokafka reports success with the offset of a response that has none (T7).
        if written is None or written.offset < 0:
            raise TimeoutError("acknowledged without an offset")
        offset: int = written.offset
        return offset

    async def close(self) -> None:
        """Let go; never hangs. After a failure nothing more is sent, but what is in the socket may still be written."""
        producer, self._producer = self._producer, None
        if producer is not None:
            await (discard_producer(producer) if self._failed else stop_producer(producer))


class LedgerReader:
    """Reads one ledger partition back, for a restore or a gap."""

    def __init__(self, options: Options, topic: str, partition: int) -> None:
        self._reader = PartitionReader(options, topic, partition, at_most=_READ_AT_MOST)
        self._epochs: dict[bytes, int] = {}

    async def read(self, start: int, end: int | None) -> AsyncGenerator[tuple[Sequence[LedgerRecord], int], None]:
        """Records of `[start, end)` with the offset behind them; `end` None: to the end as it is when the reading ends.

        Goes on after any trouble with the brokers. Raises `PositionLost` when the log has lost its tail.
        """
        async with aclosing(self._reader.read(start, end)) as chunks:
            async for fetched in chunks:
                yield [_ledger_record(record, self._epochs) for record in fetched.records], fetched.next_offset


def _ledger_record(record: RawRecord, epochs: dict[bytes, int]) -> LedgerRecord:
    """`epochs`: those read so far; thousands of records have the same."""
    epoch = None
    for name, value in record.headers:
        if name == EPOCH_HEADER:
            epoch = epochs.get(value)
            if epoch is None:
                epoch = epochs[value] = int(value)
    return LedgerRecord(record.offset, (record.key or b"").decode(), record.value, epoch)


def _named(trouble: Exception) -> str:
    return f"{type(trouble).__name__}: {trouble}" if str(trouble) else type(trouble).__name__
