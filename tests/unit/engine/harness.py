"""A shell worked by hand: an in-memory log, a clock that a test moves, and whatever the partition asked for, collected.

It answers appends at the next offset and reads back what stands in the log; sends, looks, polls and publications wait
for the test, which says how each of them ends.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import msgspec

from notifier.domain.answers import Accepted, MessageMatch, MessageState, SendRequest, SendResult
from notifier.domain.catalog import Catalog, CatalogBuilder
from notifier.domain.documents import Document
from notifier.domain.events import SourcePosition
from notifier.domain.outcomes import Outcome
from notifier.domain.signals import Command as SignalCommand
from notifier.domain.signals import DeliveryStatus
from notifier.engine.commands import (
    Append,
    Command,
    FindSignalsEnd,
    Halt,
    Look,
    Measured,
    Poll,
    Publish,
    ReadLedger,
    Record,
    Seek,
    Send,
    WakeAt,
)
from notifier.engine.entities import Notification
from notifier.engine.inputs import (
    Answer,
    Appended,
    AppendUnknown,
    ConfigChanged,
    InboxRecord,
    Input,
    LedgerChunk,
    LedgerRead,
    Looked,
    Polled,
    Published,
    SignalRecord,
    SignalsEnd,
    Tick,
)
from notifier.engine.partition import Partition
from notifier.engine.state import EngineConfig
from tests.unit.engine.builders import (
    CLINIC,
    DAY,
    HOTEL,
    OTHER_PHONE,
    PHONE,
    START,
    connection,
    hotel_and_clinic,
    inbox_event,
    key,
    person,
    tenant,
    time_of,
    workflow,
)
from tests.unit.engine.log import Ledger

__all__ = [  # tests import documents, events and the shell from here
    "CLINIC",
    "CONFIG",
    "DAY",
    "HOTEL",
    "OTHER_PHONE",
    "PHONE",
    "START",
    "Ledger",
    "Shell",
    "connection",
    "hotel_and_clinic",
    "inbox_event",
    "key",
    "person",
    "tenant",
    "time_of",
    "workflow",
]

CONFIG = EngineConfig(partition=0, partitions=4, instance="test")


class Shell:
    """One partition and its hand-worked shell. `hold_appends` leaves batches unanswered until `acknowledge`."""

    def __init__(
        self, documents: list[Document] | None = None, *, config: EngineConfig = CONFIG, ledger: Ledger | None = None,
        now: float = START, config_offset: int = 0, **settings: Any,
    ) -> None:  # fmt: skip
        self._builder = CatalogBuilder()
        self._offset = config_offset
        self.documents = documents if documents is not None else hotel_and_clinic()
        self.partition = Partition(replace(config, **settings), self._catalog(self.documents))
        self.ledger = ledger if ledger is not None else Ledger()
        self.now = now
        self.hold_appends = False
        self.appends: list[tuple[Record, ...]] = []  # those not answered yet
        self.batches: list[tuple[Record, ...]] = []  # all of this shell
        self.sends: list[SendRequest] = []
        self.epochs: list[int] = []  # of the sends
        self.looks: list[Look] = []
        self.polls: list[Poll] = []
        self.published: list[Outcome] = []
        self.unacknowledged: list[str] = []
        self.measured: list[Measured] = []
        self.seeks: list[Seek] = []
        self.halts: list[str] = []
        self.ends_asked = 0
        self._wake_at: float | None = None
        self._inbox = 0
        self._signals = 0

    def _catalog(self, documents: list[Document]) -> Catalog:
        self._offset += 1
        built = self._builder.build(documents, self._offset)
        assert built.faults == ()
        return built

    # Driving.

    def claim(self) -> None:
        """The election names this process; where that ends, the ledger says."""
        self.carry_out(self.partition.claim(self.now))
        for seek in self.seeks[-1:]:
            self._inbox, self._signals = seek.inbox or 0, seek.signals or 0

    def own(self) -> Shell:
        """Claim, restore, and stand ready; what the world had not acknowledged by then is published again."""
        self.claim()
        assert self.phase == "owning"
        return self

    def successor(self, documents: list[Document] | None = None, **settings: Any) -> Shell:
        """Another process that takes over, from the same log, now; with other `documents`, which came meanwhile."""
        config = replace(self.partition.state.config, instance="successor")
        found = documents if documents is not None else self.documents
        offset = self._offset if documents is not None else self._offset - 1
        return Shell(found, config=config, ledger=self.ledger, now=self.now, config_offset=offset, **settings).own()

    def give(self, given: Input) -> None:
        self.carry_out(self.partition.step(given, self.now))

    def carry_out(self, commands: list[Command]) -> None:  # noqa: C901 — one flat list of what a shell can do
        for command in commands:
            match command:
                case Append(records):
                    self.batches.append(records)
                    self.appends.append(records)
                case ReadLedger(epoch, start, end):
                    stop = len(self.ledger.records) if end is None else end
                    self.give(LedgerChunk(epoch, tuple(self.ledger.records[start:stop])))
                    self.give(LedgerRead(epoch, stop))
                case Send(epoch, request):
                    self.sends.append(request)
                    self.epochs.append(epoch)
                case Look():
                    self.looks.append(command)
                case Poll():
                    self.polls.append(command)
                case Publish(outcome):
                    self.published.append(outcome)
                    self.unacknowledged.append(outcome.id)
                case FindSignalsEnd():
                    self.ends_asked += 1
                case Seek():
                    self.seeks.append(command)
                case WakeAt(time):
                    self._wake_at = time
                case Halt(reason):
                    self.halts.append(reason)
                case Measured():
                    self.measured.append(command)
        if not self.hold_appends and self.appends:
            self.acknowledge()

    def acknowledge(self) -> None:
        """The batch in flight is written, at the end of the log."""
        records = self.appends.pop(0)
        self.give(Appended(self.ledger.write(records)))

    def lose_append(self) -> None:
        """Nobody knows whether the batch in flight was written; it was not."""
        self.appends.pop(0)
        self.give(AppendUnknown())

    def read_signals_again(self) -> None:
        """From where the last restore said; those in between are as if they had never been written."""
        self._signals = self.seeks[-1].signals or 0

    def pass_time(self, seconds: float) -> None:
        """Let time pass, with a tick wherever the partition asked to be woken."""
        until = self.now + seconds
        while self._wake_at is not None and self._wake_at <= until:
            self.now, self._wake_at = max(self.now, self._wake_at), None
            self.give(Tick())
        self.now = until
        self.give(Tick())

    # The world.

    def event(
        self, type_: str, data: dict[str, Any], *, name: str = HOTEL, id_: str | None = None,
        position: SourcePosition | None = None, time: float | None = None,
    ) -> str:  # fmt: skip
        """One inbox record; returns the event's id."""
        offset, self._inbox = self._inbox, self._inbox + 1
        event = inbox_event(id_ or f"e{offset}", type_, data, name, time)
        place = position or SourcePosition(f"{event.platform}.events", 0, offset, int(self.now * 1000))
        self.give(InboxRecord(offset, event, place))
        return event.id

    def key_event(self, type_: str, of: dict[str, Any], **where: Any) -> str:
        return self.event(type_, {"key": of}, **where)

    def order(self, number: int = 1, phone: str = PHONE, *, name: str = CLINIC, kind: str = "shipped") -> str:
        return self.event(f"order.{kind}", {"n": number, "customer": {"phone": phone}}, name=name)

    def answer(self, result: SendResult | None = None, *, send: int = -1, epoch: int | None = None) -> str:
        """The POST ends; by default Twilio takes it. Returns the SID."""
        request = self.sends[send]
        sid = f"SM{request.notification_id[4:12]}{request.attempt}"
        at = self.epochs[send] if epoch is None else epoch
        self.give(Answer(request.notification_id, request.attempt, at, result or Accepted(sid=sid)))
        return sid

    def answer_all(self) -> None:
        """Twilio takes whatever was posted and not answered yet."""
        while under_way := self.partition.state.posted:
            ids = [request.notification_id for request in self.sends]
            self.answer(send=len(ids) - 1 - ids[::-1].index(next(iter(under_way))))

    def callback(
        self, status: str, *, send: int = -1, sid: str | None = None, error_code: int | None = None, **other: Any
    ) -> None:
        request = self.sends[send]
        given: dict[str, Any] = {
            "tenant": request.tenant, "connection": request.connection, "notification_id": request.notification_id,
            "attempt": request.attempt, "message_status": status, "error_code": error_code,
            "message_sid": sid or f"SM{request.notification_id[4:12]}{request.attempt}",
        }  # fmt: skip
        offset, self._signals = self._signals, self._signals + 1
        self.give(SignalRecord(offset, DeliveryStatus(**{**given, **other})))

    def signal(self, command: SignalCommand) -> None:
        """What an operator asks for."""
        offset, self._signals = self._signals, self._signals + 1
        self.give(SignalRecord(offset, command))

    def end_of_signals(self, offset: int | None = None) -> None:
        epoch = self.partition.state.ledger.epoch
        assert epoch is not None
        self.give(SignalsEnd(epoch, self._signals if offset is None else offset))

    def show(self, *matches: MessageMatch, answered: bool = True) -> None:
        """Twilio's list answers the last look, or does not."""
        look = self.looks[-1]
        self.give(Looked(look.notification_id, look.attempt, matches if answered else None))

    def poll_answer(self, status: str, error_code: int | None = None) -> None:
        poll = self.polls[-1]
        self.give(Polled(poll.notification_id, poll.sid, MessageState(status=status, error_code=error_code)))

    def configure(self, documents: list[Document]) -> None:
        self.documents = documents
        self.give(ConfigChanged(self._catalog(documents)))

    def results_acknowledged(self) -> None:
        ids, self.unacknowledged = tuple(self.unacknowledged), []
        self.give(Published(ids))

    # Looking.

    @property
    def phase(self) -> str:
        return self.partition.state.ledger.phase

    def said(self, subject: str | None = None) -> list[tuple[str, str | None]]:
        """(status, reason) of everything published of notifications, in order; of one, when `subject` names it."""
        found = []
        for outcome in self.published:
            if outcome.type.startswith("notification.") and subject in (None, outcome.subject):
                data = msgspec.json.decode(outcome.data)
                found.append((data["status"], data["reason"]))
        return found

    def data(self, number: int = -1) -> Any:
        """`data` of one published outcome: whatever JSON it holds."""
        return msgspec.json.decode(self.published[number].data)

    def types(self) -> list[str]:
        return [outcome.type for outcome in self.published]

    def only(self) -> Notification:
        (found,) = self.partition.state.notifications.values()
        return found

    def count(self, metric: str) -> float:
        return sum(found.value for found in self.measured if found.metric == metric)
