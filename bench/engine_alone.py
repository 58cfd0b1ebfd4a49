"""(h) The engine without its shells: a backlog taken from the inbox, written, posted and said, in one thread."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator, Sequence

import msgspec

from bench.installation import OPEN_RATE, account, sender, tenant_name, token
from bench.traffic import key_ready
from notifier.domain.answers import Accepted
from notifier.domain.catalog import Catalog, build
from notifier.domain.documents import Connection, ConsentPolicy, Document, Sender, Tenant
from notifier.domain.events import InboxEvent, SourcePosition
from notifier.engine.commands import Append, Command, Publish, Send
from notifier.engine.inputs import (
    Answer,
    Appended,
    InboxRecord,
    Input,
    LedgerChunk,
    LedgerRead,
    LedgerRecord,
    Published,
)
from notifier.engine.partition import Partition
from notifier.engine.state import EngineConfig

TENANTS = 17  # of one partition of six
NOW = 1_796_000_000.0
CHUNK = 100  # inbox records between two acknowledgements, as the daemon has them with a backlog


def engine_alone(texts: int) -> float:
    """Microseconds of CPU for one, of so many texts, each to its acceptance by Twilio and with its outcome published;
    what the shells do is not counted."""
    partition = Partition(
        EngineConfig(partition=0, partitions=6, instance="bench", max_in_flight=1000, most_unpacked=4000), _catalog()
    )
    world = _World(partition)
    world.own()
    records = list(_records(texts))
    spent = 0.0
    while records:
        chunk, records = records[:CHUNK], records[CHUNK:]
        begun = time.thread_time()
        for record in chunk:
            world.give(record)
        world.answer_all()
        spent += time.thread_time() - begun
    if world.posted != texts:
        raise RuntimeError(f"{world.posted} texts for {texts} events")
    return 1e6 * spent / texts


class _World:
    """What a ledger, a provider and a results topic answer, at once."""

    def __init__(self, partition: Partition) -> None:
        self._partition = partition
        self._now, self._end, self.posted = NOW, 0, 0
        self._appends: deque[Append] = deque()
        self._sends: deque[Send] = deque()
        self._outcomes: list[str] = []

    def own(self) -> None:
        self._take(self._partition.claim(NOW))
        claim = self._appends[0].records[0]
        self._acknowledge()
        self.give(LedgerChunk(0, (LedgerRecord(0, claim.key, claim.value, None),)))
        self.give(LedgerRead(0, self._end))
        self.answer_all()

    def give(self, given: Input) -> None:
        self._now += 0.0001
        self._take(self._partition.step(given, self._now))

    def answer_all(self) -> None:
        """Until nothing is under way any more."""
        while self._appends or self._sends or self._outcomes:
            if self._appends:
                self._acknowledge()
            for _ in range(len(self._sends)):
                self._answer(self._sends.popleft())
            if self._outcomes:
                said, self._outcomes = tuple(self._outcomes), []
                self.give(Published(said))

    def _take(self, commands: Sequence[Command]) -> None:
        for command in commands:
            match command:
                case Append():
                    self._appends.append(command)
                case Send():
                    self._sends.append(command)
                case Publish():
                    self._outcomes.append(command.outcome.id)

    def _acknowledge(self) -> None:
        written = self._appends.popleft()
        first, self._end = self._end, self._end + len(written.records)
        self.give(Appended(first))

    def _answer(self, send: Send) -> None:
        self.posted += 1
        accepted = Accepted(sid=f"SM{self.posted:032x}", status="queued")
        self.give(Answer(send.request.notification_id, send.request.attempt, send.epoch, accepted))


def _catalog() -> Catalog:
    documents: list[Document] = []
    for number in range(TENANTS):
        name = tenant_name(number)
        documents.append(
            Tenant(
                tenant=name, platform="pms", name=name, timezone="Europe/Oslo", consent=ConsentPolicy(required=False)
            )
        )  # fmt: skip
        documents.append(
            Connection(
                tenant=name, provider="twilio", account_sid=account(number), auth_token=token(name),
                senders=(Sender(from_=sender(number), segments_per_second=OPEN_RATE),),
            )
        )  # fmt: skip
    return build(documents, 0)


def _records(texts: int) -> Iterator[InboxRecord]:
    for number in range(texts):
        told = msgspec.json.decode(key_ready(tenant_name(number % TENANTS), number).value)
        event = InboxEvent(
            id=told["id"], source=told["source"], type=told["type"], platform="pms", tenant=told["tenant"],
            data=msgspec.Raw(msgspec.json.encode(told["data"])), subject=told["subject"],
        )  # fmt: skip
        yield InboxRecord(number, event, SourcePosition("pms.events", "0", number, 1_796_000_000_000 + number, 0))
