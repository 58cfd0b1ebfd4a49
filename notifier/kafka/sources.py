"""The source partitions of one ingest: how far each is handed on, which incarnation it is of, whether it is halted.

The positions here are the truth while a partition is ours; the group's committed ones are where the next owner begins.
Every alert is an error in the log and a count in `events_total`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, Protocol

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import UnknownTopicOrPartitionError

from notifier.domain.catalog import Catalog
from notifier.domain.events import Platform, SourcePosition
from notifier.domain.halting import BadInARow
from notifier.kafka.assignor import Place
from notifier.kafka.membership import Committed
from notifier.kafka.source_positions import RECORDS_LOST, RECREATED, Beginning, beginning, note
from notifier.kafka.topic_ids import topic_ids
from notifier.settings import IngestSettings

_STUCK_LOOKS = 3


class Halting(NamedTuple):
    """A halt that is still to be written: where reading goes on after it, and what for."""

    offset: int
    reason: str


@dataclass(slots=True, kw_only=True)
class Source:
    """One source partition. `halting`: a halt is to be written, and nothing is committed before it is; `halted_at`: the
    offset of the halt's document in the configuration, decisive until the configuration that we know reaches it;
    `resumed`: somebody ended a halt, and nothing was read since."""

    place: Place
    platform: Platform
    row: BadInARow
    next_offset: int
    incarnation: int
    topic_id: str
    committed: int | None
    halting: Halting | None = None
    halted_at: int | None = None
    halted_by_document: bool = False
    paused: bool = False
    resumed: bool = False
    seen_at: int = -1
    looks_without_progress: int = 0

    @property
    def halted(self) -> bool:
        return self.halted_by_document or self.halting is not None or self.halted_at is not None

    @property
    def name(self) -> str:
        return f"{self.place[0]}:{self.place[1]}"

    @property
    def at(self) -> Committed:
        return Committed(self.next_offset, note(self.incarnation, self.topic_id))

    def position(self, offset: int, timestamp: int) -> SourcePosition:
        """Of one of its records."""
        topic, number = self.place
        partition = f"{number}@{self.topic_id}" if self.topic_id else str(number)
        return SourcePosition(topic, partition, offset, timestamp, self.incarnation)


class Positions(Protocol):
    """The positions that the group keeps."""

    async def committed(self, places: Iterable[Place]) -> dict[Place, Committed]: ...
    async def commit(self, positions: Mapping[Place, Committed], seconds: float) -> bool: ...


class SourceTable:
    """All source partitions that this process is named for."""

    def __init__(
        self,
        group: Positions,
        platforms: Mapping[str, Platform],
        ingest: IngestSettings,
        now: Callable[[], float],
        alert: Callable[[str, str], None],
        ids: Callable[[AIOKafkaConsumer, Iterable[str]], Awaitable[Mapping[str, str]]] = topic_ids,
    ) -> None:
        """`alert` gets the topic and the name of what happened, for a metric."""
        self._group, self._platforms, self._ingest, self._now = group, platforms, ingest, now
        self._alert, self._topic_ids = alert, ids
        self._ids: dict[str, str] = {}  # of the topics as they were last read here
        self._sources: dict[Place, Source] = {}
        self._log = structlog.get_logger()

    def get(self, place: Place) -> Source | None:
        return self._sources.get(place)

    def halting(self) -> list[tuple[Source, Halting]]:
        """Those whose halt is still to be written."""
        return [(source, source.halting) for source in self._sources.values() if source.halting is not None]

    def keep_only(self, assigned: Iterable[Place]) -> None:
        """Forget what is no longer ours: its position is for the next owner to say."""
        for place in self._sources.keys() - set(assigned):
            del self._sources[place]

    async def place(self, consumer: AIOKafkaConsumer, assigned: frozenset[Place], catalog: Catalog) -> None:
        """Set the consumer to our positions, or for partitions that are new here to the committed ones."""
        partitions = [TopicPartition(*place) for place in assigned]
        ids = await self._topic_ids(consumer, (topic for topic, _ in assigned))
        oldest, ends = await consumer.beginning_offsets(partitions), await consumer.end_offsets(partitions)
        unknown = [place for place in assigned if place not in self._sources]
        committed = await self._group.committed(unknown)
        for at in partitions:
            place = (at.topic, at.partition)
            if at.topic not in ids:
                raise UnknownTopicOrPartitionError(f"{at.topic} is not there")
            source = self._sources.get(place)
            known = source.at if source is not None else committed.get(place, self._forgotten(at.topic, ids[at.topic]))
            fresh = oldest[at] if known is not None else await self._fresh(consumer, at, oldest[at], ends[at])
            begun = beginning(known, oldest[at], ends[at], fresh, int(self._now() * 1000), ids[at.topic])
            self._begin(place, begun, ids[at.topic], committed.get(place), catalog)
            consumer.seek(at, self._sources[place].next_offset)
        self._ids |= ids

    def _forgotten(self, topic: str, topic_id: str) -> Committed | None:
        """The position in a topic that was read here and is another one now: its group's offsets went with it, and
        yet it is no fresh one."""
        before = self._ids.get(topic, "")
        return Committed(0, note(0, before)) if before not in ("", topic_id) else None

    async def commit(self, seconds: float) -> None:
        """Commit what was handed on since the last time; what fails is committed the next time."""
        due = {
            place: source.at
            for place, source in self._sources.items()
            if source.committed != source.next_offset and source.halting is None
        }
        if not due or not await self._group.commit(due, seconds):
            return
        for place, at in due.items():
            source = self._sources.get(place)
            if source is not None:
                source.committed = at.offset

    async def look_for_progress(self, consumer: AIOKafkaConsumer) -> dict[Place, int]:
        """How many records each partition is behind its end. Raises `TimeoutError` when one that has records, and had
        them at the last two looks, has not moved: the consumer is stuck, whatever it says (B9). So it is when
        a topic is not the one that was begun with.

        To be called when all that was fetched is handed on: what the consumer has passed without a record for us are
        the marks of a producer's transactions. Left behind our position, they would look like records that do not
        come, and like records that were lost once retention deletes them.
        """
        ids = await self._topic_ids(consumer, {topic for topic, _ in self._sources})
        for place, source in list(self._sources.items()):
            if ids.get(place[0], source.topic_id) != source.topic_id:
                raise TimeoutError(f"{place[0]} was made anew")
            if not source.halted:
                source.next_offset = max(source.next_offset, await consumer.position(TopicPartition(*place)))
        ends = await consumer.end_offsets([TopicPartition(*place) for place in self._sources])
        lags: dict[Place, int] = {}
        for place, source in self._sources.items():
            lags[place] = max(0, ends.get(TopicPartition(*place), source.next_offset) - source.next_offset)
            moved = source.next_offset != source.seen_at or source.halted or lags[place] == 0
            source.looks_without_progress = 0 if moved else source.looks_without_progress + 1
            source.seen_at = source.next_offset
            if source.looks_without_progress >= _STUCK_LOOKS:
                raise TimeoutError(f"{source.name} has records and they do not come")
        return lags

    def pause_halted(self, consumer: AIOKafkaConsumer, catalog: Catalog) -> None:
        """Stop fetching what is halted, and go on where it stopped when it no longer is."""
        for source in self._sources.values():
            self._look_for_halt(source, catalog)
            if source.halted == source.paused:
                continue
            at = TopicPartition(*source.place)
            source.paused = source.halted
            if source.halted:
                consumer.pause(at)
                continue
            source.resumed = True
            consumer.seek(at, source.next_offset)
            consumer.resume(at)
            self._log.info("source_partition_resumed", source=source.name, offset=source.next_offset)

    def _look_for_halt(self, source: Source, catalog: Catalog) -> None:
        if source.halted_at is not None and catalog.offset >= source.halted_at:
            source.halted_at = None
        halt = catalog.halts.get(source.name)
        source.halted_by_document = halt is not None

    def _begin(
        self, place: Place, begun: Beginning, topic_id: str, committed: Committed | None, catalog: Catalog
    ) -> None:
        source = self._sources.get(place)
        if begun.alert is not None:
            self._log.error(begun.alert, source=f"{place[0]}:{place[1]}", offset=begun.offset)
            self._alert(place[0], begun.alert)
        if source is None:
            source = self._sources[place] = Source(
                place=place, platform=self._platforms[place[0]], row=BadInARow(self._ingest.halt_after),
                next_offset=begun.offset if committed is None else committed.offset, incarnation=begun.incarnation,
                topic_id=topic_id, committed=None if committed is None else committed.offset,
            )  # fmt: skip
        if source.incarnation != begun.incarnation or begun.alert is not None:
            source.committed = None
        self._look_for_halt(source, catalog)
        if begun.alert == RECORDS_LOST and not source.halted and not source.resumed:
            gone = f"records {source.next_offset} to {begun.offset - 1} were deleted before they were read"
            source.halting = Halting(begun.offset, gone)
        source.next_offset, source.incarnation, source.topic_id = begun.offset, begun.incarnation, topic_id
        source.paused = False
        source.seen_at, source.looks_without_progress = -1, 0
        halt = catalog.halts.get(source.name)
        if halt is not None and begun.alert != RECREATED:
            # Written before its offset was committed: what it counted is not read and counted again.
            source.next_offset = max(source.next_offset, halt.offset)

    async def _fresh(self, consumer: AIOKafkaConsumer, at: TopicPartition, oldest: int, end: int) -> int:
        """Where `INGEST__START` begins."""
        start = self._ingest.start
        if not isinstance(start, datetime):
            return oldest if start == "earliest" else end
        found = (await consumer.offsets_for_times({at: int(start.timestamp() * 1000)}))[at]
        offset: int = end if found is None else found.offset
        return offset
