"""The topics of one partition as its driver needs them: ledger, inbox, signals, in the engine's words.

An inbox record is written by ingest alone; one that cannot be read means that two versions disagree, and that stops the
partition with an error rather than losing an event. A signal that cannot be read only counts with its offset.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

import msgspec

from notifier.domain.events import InboxEvent, SourcePosition
from notifier.domain.signals import Signal
from notifier.engine.inputs import InboxRecord, LedgerRecord, SignalRecord
from notifier.kafka.connection import Options
from notifier.kafka.ledger import LedgerReader, LedgerWriter
from notifier.kafka.reading import PartitionReader, RawRecord
from notifier.settings import TopicSettings

_decode_event = msgspec.json.Decoder(InboxEvent).decode
_decode_signal: msgspec.json.Decoder[Signal] = msgspec.json.Decoder(Signal)


class PartitionTopics:
    """Inbox, signals and ledger of one partition."""

    def __init__(self, options: Options, topics: TopicSettings, partition: int) -> None:
        self._options = options
        self._ledger = topics.name("ledger")
        self._partition = partition
        self._ledger_reader = LedgerReader(options, self._ledger, partition)
        self._inbox = PartitionReader(options, topics.name("inbox"), partition)
        self._signals = PartitionReader(options, topics.name("signals"), partition)

    def new_writer(self) -> LedgerWriter:
        return LedgerWriter(self._options, self._ledger, self._partition)

    def read_ledger(self, start: int, end: int | None) -> AsyncGenerator[tuple[Sequence[LedgerRecord], int], None]:
        return self._ledger_reader.read(start, end)

    async def read_inbox(self, offset: int | None) -> AsyncGenerator[Sequence[InboxRecord], None]:
        """Raises `PositionLost`, and `msgspec.DecodeError` for a record that ingest cannot have written."""
        async with aclosing(self._inbox.follow(offset)) as chunks:
            async for fetched in chunks:
                yield [inbox_record(record) for record in fetched.records]

    async def read_signals(self, offset: int | None) -> AsyncGenerator[Sequence[SignalRecord], None]:
        """Raises `PositionLost`."""
        async with aclosing(self._signals.follow(offset)) as chunks:
            async for fetched in chunks:
                yield [SignalRecord(record.offset, _signal(record)) for record in fetched.records]

    async def signals_end(self) -> int:
        return await self._signals.end()


def position_headers(position: SourcePosition) -> list[tuple[str, bytes]]:
    """A source position as record headers, for whoever reads the inbox with other tools, too."""
    number, _, topic_id = position.partition.partition("@")
    return [
        ("source-topic", position.topic.encode()),
        ("source-topic-id", topic_id.encode()),
        ("source-partition", number.encode()),
        ("source-offset", b"%d" % position.offset),
        ("source-timestamp", b"%d" % position.timestamp),
        ("source-incarnation", b"%d" % position.incarnation),
    ]


def inbox_record(record: RawRecord) -> InboxRecord:
    """Raises `msgspec.DecodeError`, `KeyError` or `ValueError` for what is no inbox record."""
    headers = dict(record.headers)
    number, topic_id = int(headers["source-partition"]), headers.get("source-topic-id", b"").decode()
    position = SourcePosition(
        topic=headers["source-topic"].decode(),
        partition=f"{number}@{topic_id}" if topic_id else str(number),
        offset=int(headers["source-offset"]),
        timestamp=int(headers["source-timestamp"]),
        incarnation=int(headers["source-incarnation"]),
    )
    return InboxRecord(record.offset, _decode_event(record.value or b""), position)


def _signal(record: RawRecord) -> Signal | None:
    try:
        return _decode_signal.decode(record.value or b"")
    except msgspec.DecodeError:
        return None
