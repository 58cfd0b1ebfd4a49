"""Everything that a partition can be told. One at a time, with the time, to `Partition.step`."""

from __future__ import annotations

import msgspec

from notifier.domain.answers import MessageMatch, MessageState, SendResult
from notifier.domain.catalog import Catalog
from notifier.domain.events import InboxEvent, SourcePosition
from notifier.domain.signals import Signal


class InboxRecord(msgspec.Struct, frozen=True):
    offset: int
    event: InboxEvent
    position: SourcePosition


class SignalRecord(msgspec.Struct, frozen=True):
    """`signal` is None for a record that nobody understands: its offset counts, nothing else."""

    offset: int
    signal: Signal | None


class Appended(msgspec.Struct, frozen=True):
    """The batch in flight was acknowledged; `first_offset` is the offset of its first record."""

    first_offset: int


class AppendUnknown(msgspec.Struct, frozen=True):
    """Nobody knows whether the batch in flight was written; its producer has been thrown away."""


class LedgerRecord(msgspec.Struct, frozen=True):
    """A record of the ledger as it is read back. `epoch` is the writer's, from the header; None on a CLAIM."""

    offset: int
    key: str
    value: bytes | None
    epoch: int | None


class LedgerChunk(msgspec.Struct, frozen=True):
    """Records that `ReadLedger` asked for, in order. Those of an older epoch's reading mean nothing any more: in the
    midst of a later restore they would put back what it has read since."""

    epoch: int
    records: tuple[LedgerRecord, ...]


class LedgerRead(msgspec.Struct, frozen=True):
    """What `ReadLedger` asked for was read; every record below `end` was handed over."""

    epoch: int
    end: int


class Answer(msgspec.Struct, frozen=True):
    """How a create ended. `epoch` is that of the `Send`: an answer to an older one is a fact, not a step."""

    notification_id: str
    attempt: int
    epoch: int
    result: SendResult


class Looked(msgspec.Struct, frozen=True):
    """Twilio's list was read; `matches` is None when it could not be."""

    notification_id: str
    attempt: int
    matches: tuple[MessageMatch, ...] | None


class Polled(msgspec.Struct, frozen=True):
    """One message was fetched; `state` is None when it could not be."""

    notification_id: str
    sid: str
    state: MessageState | None


class Published(msgspec.Struct, frozen=True):
    """The results topic acknowledged these outcomes, by id."""

    outcome_ids: tuple[str, ...]


class SignalsEnd(msgspec.Struct, frozen=True):
    """The end of the signals partition, as it was after `FindSignalsEnd` was asked."""

    epoch: int
    offset: int


class ConfigChanged(msgspec.Struct, frozen=True):
    catalog: Catalog


class Elected(msgspec.Struct, frozen=True):
    """The group still names this process: a heartbeat or join was answered after the partition was lost."""


class Stopping(msgspec.Struct, frozen=True):
    """Begin no further intent; what is under way is finished (SIGTERM, or an assignment without the partition)."""


class Tick(msgspec.Struct, frozen=True):
    """Time has passed: a `WakeAt` came due."""


Input = (
    InboxRecord | SignalRecord | Appended | AppendUnknown | LedgerChunk | LedgerRead | Answer | Looked | Polled
    | Published | SignalsEnd | ConfigChanged | Elected | Stopping | Tick
)  # fmt: skip
