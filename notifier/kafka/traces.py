"""Every trace that one event left: in the inbox, the dead letters, the results and the ledger. Looks, joins nothing.

Rules: what cannot hold the event's id is not decoded. Inbox, results and ledger are written by ourselves, so that the
id stands there as our own JSON writes it; a dead letter is whatever a producer wrote.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import msgspec

from notifier.domain.events import EventRef, InboxEvent, SourcePosition
from notifier.domain.identifiers import event_identity
from notifier.domain.outcomes import Outcome
from notifier.engine.entities import IdentityPage, Positions
from notifier.kafka.connection import Options
from notifier.kafka.dead_letters import DeadLetter, read_letters
from notifier.kafka.ledger_table import Row, read_table
from notifier.kafka.reading import RawRecord
from notifier.kafka.store import inbox_record
from notifier.kafka.topic_scan import Progress, Scanned, partition_counts, scan
from notifier.settings import TopicSettings


class Received(NamedTuple):
    """A record of the inbox; `time` in milliseconds."""

    partition: int
    offset: int
    time: int
    event: InboxEvent
    position: SourcePosition


class Refused(NamedTuple):
    """A dead letter. Of a value that is not JSON only its text can be searched: then the attributes are None."""

    letter: DeadLetter
    source: str | None
    type: str | None
    tenant: str | None
    replayed: bool


class _About(msgspec.Struct):
    event: EventRef | None = None


class _Mentions(msgspec.Struct):
    event: EventRef | None = None
    cause: _About | None = None


class Said(NamedTuple):
    """An outcome; `direct`: of this event itself, else of another one that this event is the cause of."""

    outcome: Outcome
    direct: bool


@dataclass(slots=True)
class Traces:
    """`rows`: the ledger's entities that may belong to it. `positions`: the newest of each partition that was read.
    `pages`: when the identity of the event under this source is forgotten, seconds."""

    received: list[Received] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)
    said: list[Said] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)
    positions: dict[int, Positions] = field(default_factory=dict)
    pages: dict[str, float] = field(default_factory=dict)
    scanned: list[Scanned] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sought:
    event: str
    source: str | None = None
    tenant: str | None = None

    def fits(self, event: str, source: str, tenant: str | None) -> bool:
        return event == self.event and self.source in (None, source) and self.tenant in (None, tenant)


class TraceReader:
    """`chosen` gives the partitions of a topic that is keyed by tenant, of its count."""

    def __init__(
        self, options: Options, topics: TopicSettings, sought: Sought, chosen: Callable[[int], Sequence[int]],
        progress: Progress,
    ) -> None:  # fmt: skip
        self._options, self._topics, self._sought = options, topics, sought
        self._chosen, self._progress = chosen, progress
        self._written = msgspec.json.encode(sought.event)[1:-1]
        self._traces = Traces()
        self._subjects: set[str] = set()

    async def read(self) -> Traces:
        """Raises `TopicsUnfit`, `BrokerAway`."""
        names = {role: self._topics.name(role) for role in ("inbox", "results", "dead_letters", "ledger")}
        counts = await partition_counts(self._options, names.values())
        async with asyncio.TaskGroup() as group:
            for role, take in (("inbox", self._take_inbox), ("results", self._take_result)):
                topic = names[role]
                group.create_task(self._scan(topic, self._chosen(counts[topic]), take))
            group.create_task(self._read_letters(names["dead_letters"], range(counts[names["dead_letters"]])))
        await self._read_ledger(names["ledger"], self._chosen(counts[names["ledger"]]))
        return self._traces

    async def _scan(self, topic: str, partitions: Sequence[int], take: Callable[[int, RawRecord], None]) -> None:
        self._traces.scanned.append(await scan(self._options, topic, partitions, take, self._progress))

    def _take_inbox(self, partition: int, record: RawRecord) -> None:
        if self._written not in (record.value or b""):
            return
        try:
            found = inbox_record(record)
        except (msgspec.DecodeError, KeyError, ValueError):
            return  # nothing that ingest wrote
        event = found.event
        if self._sought.fits(event.id, event.source, event.tenant):
            self._traces.received.append(Received(partition, record.offset, record.timestamp, event, found.position))

    def _take_result(self, _partition: int, record: RawRecord) -> None:
        value = record.value or b""
        if self._written not in value and b'"parked.resolved"' not in value:
            return
        try:
            outcome = msgspec.json.decode(value, type=Outcome)
            mentions = msgspec.json.decode(outcome.data, type=_Mentions)
        except msgspec.DecodeError:
            return  # nothing that the engine wrote
        about, cause = mentions.event, mentions.cause.event if mentions.cause is not None else None
        if about is not None and self._sought.fits(about.id, about.source, outcome.tenant):
            self._subjects.add(outcome.subject)
            self._traces.said.append(Said(outcome, direct=True))
        elif outcome.type == "parked.resolved" and outcome.subject in self._subjects:
            self._traces.said.append(Said(outcome, direct=True))
        elif cause is not None and self._sought.fits(cause.id, cause.source, outcome.tenant):
            self._traces.said.append(Said(outcome, direct=False))

    async def _read_letters(self, topic: str, partitions: Iterable[int]) -> None:
        found: list[tuple[DeadLetter, str | None, str | None, str | None]] = []

        def look(letter: DeadLetter, value: bytes | None) -> None:
            named = self._named(letter, value)
            if named is not None:
                found.append((letter, *named))

        letters, scanned = await read_letters(self._options, topic, partitions, look, self._progress)
        self._traces.scanned.append(scanned)
        self._traces.refused = [
            Refused(letter, source, type_, tenant, letter.position in letters.replayed)
            for letter, source, type_, tenant in found
        ]

    def _named(self, letter: DeadLetter, value: bytes | None) -> tuple[str | None, str | None, str | None] | None:
        """Source, type and tenant of a dead letter that speaks of the event; None when it speaks of another."""
        attributes: dict[str, object] = {
            name.removeprefix("ce_"): (content or b"").decode("utf-8", "replace")
            for name, content in letter.headers
            if name.startswith("ce_")
        }
        if "id" not in attributes and (self._written in (value or b"") or b"\\u" in (value or b"")):
            try:
                decoded = msgspec.json.decode(value or b"")
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
                return (None, None, None) if self._written in (value or b"") else None
            attributes = decoded if isinstance(decoded, dict) else {}
        source, tenant = _text(attributes.get("source")), _text(attributes.get("tenant"))
        wanted = self._sought
        if attributes.get("id") != wanted.event or wanted.source not in (None, source):
            return None
        if wanted.tenant not in (None, tenant) and tenant is not None:
            return None
        return source, _text(attributes.get("type")), tenant

    async def _read_ledger(self, topic: str, partitions: Sequence[int]) -> None:
        traces = self._traces
        sources = {self._sought.source} if self._sought.source else set()
        sources |= {received.event.source for received in traces.received}
        keys = set(map(key_of, traces.received))
        identities = {event_identity(source, self._sought.event): source for source in sources if source}

        def wanted(key: str, value: bytes) -> bool:
            prefix = key.partition("/")[0]
            return prefix == "w" or key.startswith("e/p") or key in keys or self._written in value

        rows, scanned = await read_table(self._options, topic, partitions, wanted, self._progress)
        traces.scanned.append(scanned)
        newest: dict[int, int] = {}
        for row in rows:
            if row.key.startswith("w/"):
                if row.offset > newest.get(row.partition, -1):
                    newest[row.partition] = row.offset
                    traces.positions[row.partition] = msgspec.json.decode(row.value, type=Positions)
            elif row.key.startswith("e/p"):
                self._look_up(msgspec.json.decode(row.value, type=IdentityPage), identities)
            else:
                traces.rows.append(row)

    def _look_up(self, page: IdentityPage, identities: dict[bytes, str]) -> None:
        for identity, source in identities.items():
            starts = range(0, len(page.identities), len(identity))
            if identity in page.identities and any(
                page.identities[start : start + len(identity)] == identity for start in starts
            ):
                self._traces.pages[source] = max(page.expires, self._traces.pages.get(source, 0.0))


def key_of(received: Received) -> str:
    """The ledger key of the PMS key that an event speaks of; of another event one that does not exist."""
    try:
        data = msgspec.json.decode(received.event.data, type=_KeyData)
    except msgspec.DecodeError:
        return ""
    return f"k/{received.event.tenant}/{data.key.id}" if received.event.platform == "pms" else ""


class _KeyId(msgspec.Struct):
    id: str = ""


class _KeyData(msgspec.Struct):
    key: _KeyId = msgspec.field(default_factory=_KeyId)


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None
