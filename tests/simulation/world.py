"""The world around the engine: virtual time, a log that compacts like Kafka's, and a Twilio that remembers.

Everything that may go wrong is drawn from one seeded generator, so a seed is a whole story.
"""

from __future__ import annotations

import heapq
import random
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field

from notifier.domain.answers import LookRequest, MessageMatch, MessageState, SendRequest
from notifier.domain.events import InboxEvent, SourcePosition
from notifier.domain.outcomes import Outcome
from notifier.domain.signals import DeliveryStatus, Signal
from notifier.engine.commands import Record
from notifier.engine.inputs import LedgerRecord


@dataclass
class Stored:
    offset: int
    key: str
    value: bytes | None
    epoch: int | None
    at: float


class Log:
    """One ledger partition: batches are atomic, offsets contiguous, compaction as Kafka does it."""

    def __init__(self, compaction_lag: float) -> None:
        self.records: list[Stored] = []
        self.next = 0
        self._lag = compaction_lag
        self._newest_claim = -1
        self.valid_at = 0.0  # when the present owner last wrote

    def append(self, records: tuple[Record, ...], now: float) -> int:
        first = self.next
        if records[0].epoch is None:
            self._newest_claim = first
        elif records[0].epoch == self._newest_claim:
            self.valid_at = now
        for record in records:
            self.records.append(Stored(self.next, record.key, record.value, record.epoch, now))
            self.next += 1
        return first

    def compact(self, now: float, *, tombstones: bool) -> None:
        """A record goes when a newer one of its key is older than the lag; old tombstones go when `tombstones`."""
        newest: dict[str, int] = {}
        for record in self.records:
            if record.at <= now - self._lag:
                newest[record.key] = record.offset
        self.records = [
            record
            for record in self.records
            if record.offset >= newest.get(record.key, 0)
            and not (tombstones and record.value is None and record.at <= now - 2 * self._lag)
        ]

    def read(self, start: int, end: int) -> list[LedgerRecord]:
        return [
            LedgerRecord(record.offset, record.key, record.value, record.epoch)
            for record in self.records
            if start <= record.offset < end
        ]


@dataclass
class Message:
    sid: str
    request: SendRequest
    at: float
    status: str = "queued"


@dataclass(frozen=True)
class Faults:
    """What this story may contain, each a probability, or a length in seconds."""

    append_lost: float = 0.05
    append_late: float = 0.08
    ack_lost: float = 0.05
    answer_lost: float = 0.08
    connection_cut: float = 0.04
    server_error: float = 0.03
    too_many: float = 0.06
    rejected: float = 0.03
    unauthorized: float = 0.02
    callback_lost: float = 0.3
    callback_doubled: float = 0.1
    callback_late: float = 0.2
    publish_ack_lost: float = 0.05
    list_lag: float = 0.5
    first_callback: float = 2.0
    signals_late: float = 0.0
    read_late: float = 0.0


CALM = Faults(*[0.0] * 13)


@dataclass
class World:
    seed: int
    compaction_lag: float = 45.0
    faults: Faults = field(default_factory=Faults)
    now: float = 1_000_000.0

    def __post_init__(self) -> None:
        self.random = random.Random(self.seed)
        self.queue: list[tuple[float, int, Callable[[], None]]] = []
        self._count = 0
        self.ledger = Log(self.compaction_lag)
        self.inbox: list[tuple[InboxEvent, SourcePosition]] = []
        self.signals: list[Signal] = []
        self.results: list[tuple[float, Outcome]] = []
        self.messages: list[Message] = []
        self.halts: list[str] = []
        self.created_per_attempt: Counter[tuple[str, int]] = Counter()
        self.listeners: list[Callable[[], None]] = []
        self.refusing: set[str] = set()

    # Time.

    def after(self, delay: float, act: Callable[[], None]) -> None:
        self._count += 1
        heapq.heappush(self.queue, (self.now + delay, self._count, act))

    def run(self, until: float) -> None:
        while self.queue and self.queue[0][0] <= until:
            self.now, _, act = heapq.heappop(self.queue)
            act()
        self.now = max(self.now, until)

    def chance(self, probability: float) -> bool:
        return probability > 0 and self.random.random() < probability

    # Twilio.

    def create(self, request: SendRequest) -> Message:
        message = Message(f"SM{len(self.messages):032x}", request, self.now)
        self.messages.append(message)
        self.created_per_attempt[(request.notification_id, request.attempt)] += 1
        self.after(self.random.uniform(0.01, self.faults.first_callback), lambda: self._progress(message, "sent"))
        return message

    def _progress(self, message: Message, status: str) -> None:
        message.status = status
        self._call_back(message, status)
        if status == "sent":
            final = "undelivered" if self.chance(0.1) else "delivered"
            self.after(self.random.uniform(0.01, 3.0), lambda: self._progress(message, final))

    def _call_back(self, message: Message, status: str) -> None:
        request = message.request
        signal = DeliveryStatus(
            tenant=request.tenant, connection=request.connection, notification_id=request.notification_id,
            attempt=request.attempt, message_sid=message.sid, message_status=status,
            error_code=30003 if status == "undelivered" else None,
        )  # fmt: skip
        if self.chance(self.faults.callback_lost):
            return
        copies = 2 if self.chance(self.faults.callback_doubled) else 1
        for _ in range(copies):
            delay = self.random.uniform(0.5, 20.0) if self.chance(self.faults.callback_late) else 0.01
            self.after(delay, lambda: self.signal(signal))

    def signal(self, signal: Signal) -> None:
        self.signals.append(signal)
        for listener in self.listeners:
            listener()

    def list_messages(self, request: LookRequest) -> tuple[MessageMatch, ...]:
        return tuple(
            MessageMatch(sid=message.sid, status=message.status)
            for message in self.messages
            if message.request.to == request.to
            and message.request.body == request.body
            and message.at >= request.since - 0.001
            and (request.until is None or message.at < request.until)
            and message.at <= self.now - self.faults.list_lag
        )

    def fetch(self, sid: str) -> MessageState | None:
        for message in self.messages:
            if message.sid == sid:
                return MessageState(
                    status=message.status, error_code=30003 if message.status == "undelivered" else None
                )
        return None

    # The inbox.

    def arrive(self, event: InboxEvent, position: SourcePosition) -> None:
        self.inbox.append((event, position))
        for listener in self.listeners:
            listener()

    def outcomes_by_subject(self) -> dict[str, list[Outcome]]:
        found: dict[str, list[Outcome]] = defaultdict(list)
        for _, outcome in self.results:
            found[outcome.subject].append(outcome)
        return found
