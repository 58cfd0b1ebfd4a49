"""A shell worked by hand: it owns one partition of an empty ledger and answers what it is asked to, at once."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import msgspec

from notifier.domain.answers import Accepted, SendResult
from notifier.domain.catalog import build
from notifier.domain.documents import Connection, Document, Sender, Tenant
from notifier.domain.events import InboxEvent, SourcePosition
from notifier.domain.outcomes import NotificationData, Outcome
from notifier.engine.commands import Append, Command, FindSignalsEnd, Publish, ReadLedger, Record, Send
from notifier.engine.inputs import (
    Answer,
    Appended,
    ConfigChanged,
    InboxRecord,
    Input,
    LedgerRead,
    LedgerRecord,
    Published,
    SignalsEnd,
    Tick,
)
from notifier.engine.partition import Partition
from notifier.engine.state import EngineConfig

CONFIG = EngineConfig(partition=0, partitions=1, instance="test")


def hotel(name: str = "hotel", rate: float = 1000.0, version: int = 1) -> list[Document]:
    sender = Sender(from_="+15551230000", segments_per_second=rate)
    return [
        Tenant(tenant=name, version=1, platform="pms", name=name),
        Connection(
            tenant=name,
            version=version,
            provider="twilio",
            account_sid="AC" + "0" * 32,
            auth_token="t",
            senders=(sender,),
        ),
    ]


class Hand:
    def __init__(self, documents: list[Document], **config: object) -> None:
        self.now = 1_000_000.0
        self.partition = Partition(replace(CONFIG, **config), build(documents, 1))  # type: ignore[arg-type]
        self.log: list[Record] = []
        self.sent: list[Send] = []
        self.batches: list[tuple[Record, ...]] = []
        self.outcomes: list[Outcome] = []
        self._inbox = 0
        self.others: list[Command] = []
        self._take(self.partition.claim(self.now))

    def give(self, given: Input) -> None:
        self._take(self.partition.step(given, self.now))

    def wait(self, seconds: float) -> None:
        self.now += seconds
        self.give(Tick())

    def configure(self, documents: list[Document], offset: int = 2) -> None:
        self.give(ConfigChanged(build(documents, offset)))

    def answer(self, send: Send, result: SendResult) -> None:
        self.give(Answer(send.request.notification_id, send.request.attempt, send.epoch, result))

    def accept_all(self) -> None:
        """Twilio takes whatever was sent so far."""
        while self.sent:
            send = self.sent.pop(0)
            self.answer(send, Accepted(sid=f"SM{send.request.notification_id[4:]}"))

    def event(self, kind: str, key: str = "k1", version: int = 1, tenant: str = "hotel", **changes: object) -> None:
        self.now += 0.01  # a bucket fills meanwhile
        start, end = (datetime.fromtimestamp(self.now + offset, UTC).isoformat() for offset in (-60, 86_400))
        whole = {
            "id": key, "version": version, "origin": "pms", "status": "active", "startsAt": start, "endsAt": end,
            "persons": [{"id": "p1", "phone": "+12025550143"}], "credentials": {"doorCode": "1234"}, **changes,
        }  # fmt: skip
        event = InboxEvent(
            id=f"{kind}-{key}-{version}", source="/pms", type=kind, platform="pms", tenant=tenant,
            data=msgspec.Raw(msgspec.json.encode({"key": whole})),
        )  # fmt: skip
        offset, self._inbox = self._inbox, self._inbox + 1
        self.give(InboxRecord(offset, event, SourcePosition("pms.events", 0, offset, int(self.now))))

    def told(self) -> list[tuple[str, str | None]]:
        """Status and reason of every notification outcome, in the order of publication."""
        found = []
        for outcome in self.outcomes:
            if outcome.type.startswith("notification."):
                data = msgspec.json.decode(outcome.data, type=NotificationData)
                found.append((data.status, data.reason))
        return found

    def kinds(self) -> list[str]:
        return [outcome.type for outcome in self.outcomes]

    def _take(self, commands: list[Command]) -> None:
        for command in commands:
            match command:
                case Append(records=records):
                    first = len(self.log)
                    self.log.extend(records)
                    self.batches.append(records)
                    self.give(Appended(first))
                case ReadLedger(start=start):
                    for offset, record in enumerate(tuple(self.log[start:]), start):
                        self.give(LedgerRecord(offset, record.key, record.value, record.epoch))
                    self.give(LedgerRead(len(self.log)))
                case Publish(outcome=outcome):
                    self.outcomes.append(outcome)
                    self.give(Published((outcome.id,)))
                case Send():
                    self.sent.append(command)
                case FindSignalsEnd():
                    self.give(SignalsEnd(0))
                case _:
                    self.others.append(command)
