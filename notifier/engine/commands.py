"""Everything that a partition can ask of its shell. The shell does it and reports; it decides nothing."""

from __future__ import annotations

import msgspec

from notifier.domain.answers import LookRequest, SendRequest
from notifier.domain.outcomes import Outcome


class Record(msgspec.Struct, frozen=True):
    """A ledger record to write: `value` None is a tombstone, `epoch` None a CLAIM (its epoch is its own offset)."""

    key: str
    value: bytes | None
    epoch: int | None


class Append(msgspec.Struct, frozen=True):
    """Write one atomic batch to the ledger; at most one is in flight. Answered by `Appended` or `AppendUnknown`.

    A batch that begins with a CLAIM is written by a new producer, and everything after it by the same one.
    """

    records: tuple[Record, ...]


class ReadLedger(msgspec.Struct, frozen=True):
    """Read `[start, end)` of the ledger (`end` None: to its end, as it is when the reading ends). Answered by
    `LedgerChunk`s and one `LedgerRead` with the same epoch."""

    epoch: int
    start: int
    end: int | None


class Send(msgspec.Struct, frozen=True):
    """POST now. Answered by one `Answer` with the same epoch, whatever happens."""

    epoch: int
    request: SendRequest


class Look(msgspec.Struct, frozen=True):
    notification_id: str
    attempt: int
    request: LookRequest


class Poll(msgspec.Struct, frozen=True):
    notification_id: str
    connection: str
    sid: str


class Publish(msgspec.Struct, frozen=True):
    """Publish in this order; `outcome.id` is what `Published` brings back."""

    outcome: Outcome


class FindSignalsEnd(msgspec.Struct, frozen=True):
    """Ask for the end of the signals partition, now. Answered by one `SignalsEnd` with the same epoch."""

    epoch: int


class Seek(msgspec.Struct, frozen=True):
    """Restored: feed inbox and signals from these offsets (None: the beginning)."""

    inbox: int | None
    signals: int | None


class WakeAt(msgspec.Struct, frozen=True):
    """Send a `Tick` at this time (seconds); a later one replaces an earlier one."""

    time: float


class Halt(msgspec.Struct, frozen=True):
    """Stop this partition and alert: going on could text somebody twice or lose something."""

    reason: str


class Measured(msgspec.Struct, frozen=True):
    """Something worth counting happened: a metric of contract section 9 without its prefix, its labels in order."""

    metric: str
    labels: tuple[str, ...] = ()
    value: float = 1.0


Command = (
    Append | ReadLedger | Send | Look | Poll | Publish | FindSignalsEnd | Seek | WakeAt | Halt | Measured
)  # fmt: skip
