"""The role `ingest`: source topics to the inbox, or to the dead letters, in order and without loss.

Rules: an offset is committed only when everything up to it is acknowledged; order is kept from each source partition to
each inbox partition; bad input stops nobody but, when there is much of it, its own partition. The group divides the
source partitions; what a rebalance makes two members read twice is recognised by its source position. A member never
hands on records of a partition that it is not named for, and commits nothing of it either (A7, A8).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import NamedTuple, Protocol, TypeVar

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition

from notifier.domain.catalog import Catalog
from notifier.domain.cloudevents import Refusal
from notifier.domain.events import Platform
from notifier.kafka.assignor import Place
from notifier.kafka.batches import BatchWriter, Message
from notifier.kafka.connection import Options, new_reader, stop_consumer
from notifier.kafka.failures import KAFKA_TROUBLE
from notifier.kafka.halts import HaltWriter
from notifier.kafka.intake import dead_letter, inbox_message, understand
from notifier.kafka.membership import Membership
from notifier.kafka.reading import RawRecord, poll
from notifier.kafka.sources import Halting, Source, SourceTable
from notifier.metrics import Metrics
from notifier.settings import Settings

_POLL_MS = 250  # how soon a new assignment, a halt or a stop is noticed while nothing arrives
_CHUNK_RECORDS, _CHUNK_BYTES = 500, 4 * 1024 * 1024
_COMMIT_EVERY, _COMMIT_SECONDS = 1.0, 5.0
_FINISH_SECONDS = 5.0
_LOOK_EVERY = 5.0
_ALIVE_EVERY = 5.0
_FIRST_BACKOFF, _LONGEST_BACKOFF = 0.5, 5.0

_Result = TypeVar("_Result")


class Following(Protocol):
    """The configuration, as it is followed."""

    @property
    def catalog(self) -> Catalog: ...

    async def wait_for_end(self) -> Catalog:
        """A catalog that knows everything that the configuration topic held when this was called."""


class _Taken(NamedTuple):
    """A record of a source, and what is written for it."""

    source: Source
    record: RawRecord
    message: Message
    refusal: Refusal | None
    event_type: str


class Ingest:
    """Reads what the group names this process for, until `stop`."""

    def __init__(
        self, options: Options, settings: Settings, following: Following, metrics: Metrics, now: Callable[[], float]
    ) -> None:
        """`now`: seconds since 1970."""
        topics = settings.topics
        self._options, self._settings, self._following = options, settings, following
        self._metrics, self._now = metrics, now
        self._lags = metrics.series("consumer_lag")
        self._platforms: dict[str, Platform] = dict.fromkeys(topics.sources("pms"), "pms")
        self._platforms |= dict.fromkeys(topics.sources("care"), "care")
        self._inbox, self._dead_letters = topics.name("inbox"), topics.name("dead_letters")
        self._membership = Membership(
            options,
            settings.kafka.group("ingest"),
            self._platforms,
            instance=settings.instance_id,
            session_timeout=settings.kafka.session_timeout,
            now=now,
            assigned=self._take_assignment,
            moving=self._commit,
        )
        self._sources = SourceTable(self._membership, self._platforms, settings.ingest, now, self._alert)
        self._halts = HaltWriter(options, topics.name("config"), now)
        self._writer = BatchWriter(options, (self._inbox, self._dead_letters))
        self._assigned: frozenset[Place] = frozenset()
        self._news = asyncio.Event()
        self._stopping = asyncio.Event()
        self.progressed_at = self._looked_at = now()  # the first: when the work last came round, for `/healthz`
        self._log = structlog.get_logger()

    async def run(self) -> None:
        """Until `stop`; survives every trouble with the brokers."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._membership.run(), name="ingest-membership")
            committing = group.create_task(self._commit_now_and_then(), name="ingest-commit")
            working = group.create_task(self._work(), name="ingest-work")
            await self._stopping.wait()
            await asyncio.wait({working}, timeout=_FINISH_SECONDS)
            working.cancel()  # what it was writing is read again, and recognised
            committing.cancel()
            await asyncio.wait({working, committing})
            await self._commit()
            self._membership.leave()
            await self._writer.close()

    def stop(self) -> None:
        """End after what is being written."""
        self._stopping.set()
        self._news.set()

    # Assignments and positions.

    def _take_assignment(self, assigned: frozenset[Place]) -> None:
        self._assigned = assigned
        self._sources.keep_only(assigned)
        self._news.set()

    async def _commit(self) -> None:
        await self._sources.commit(_COMMIT_SECONDS)

    async def _commit_now_and_then(self) -> None:
        while True:
            await asyncio.sleep(_COMMIT_EVERY)
            await self._commit()

    # Reading.

    async def _work(self) -> None:
        await self._patiently(self._following.wait_for_end())  # without the halts there is no telling what may be read
        backoff = _FIRST_BACKOFF
        while not self._stopping.is_set():
            self._news.clear()
            assigned = self._assigned
            self.progressed_at = self._now()
            if not assigned:
                self._lags.tell({})
                await self._wait_for_news(_LONGEST_BACKOFF)
                continue
            try:
                async with self._consumer(assigned) as consumer:
                    await self._sources.place(consumer, assigned, self._following.catalog)
                    await self._halt_where_due()
                    await self._commit()  # a fresh group that begins at the end begins there from now on
                    backoff = _FIRST_BACKOFF
                    await self._consume(consumer, assigned)
            except KAFKA_TROUBLE as trouble:
                self._log.warning("source_reader_rebuilt", trouble=type(trouble).__name__, detail=str(trouble))
                await self._wait_for_news(backoff)
                backoff = min(2 * backoff, _LONGEST_BACKOFF)

    async def _patiently(self, work: Coroutine[object, object, _Result]) -> _Result:
        """Wait for a broker as long as it takes: that Kafka is away is no lack of progress of ours."""
        task = asyncio.ensure_future(work)
        try:
            while not task.done():
                self.progressed_at = self._now()
                await asyncio.wait({task}, timeout=_ALIVE_EVERY)
        finally:
            task.cancel()
        return task.result()

    async def _wait_for_news(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._news.wait()
        except TimeoutError:
            return

    @asynccontextmanager
    async def _consumer(self, assigned: frozenset[Place]) -> AsyncIterator[AIOKafkaConsumer]:
        consumer = new_reader(self._options)
        consumer.assign([TopicPartition(*place) for place in assigned])
        try:
            await consumer.start()
            yield consumer
        finally:
            await stop_consumer(consumer)

    async def _consume(self, consumer: AIOKafkaConsumer, assigned: frozenset[Place]) -> None:
        """Until the assignment changes. Our own positions say what is next, never the consumer's (A1)."""
        while not self._stopping.is_set() and self._assigned == assigned:
            self.progressed_at = self._now()
            self._sources.pause_halted(consumer, self._following.catalog)
            fetched = await poll(consumer, _POLL_MS, _CHUNK_RECORDS)
            for chunk in _chunks(fetched):
                if self._stopping.is_set() or self._assigned != assigned:
                    return
                await self._hand_on(chunk)
            await self._look_for_progress(consumer)

    async def _hand_on(self, chunk: Sequence[tuple[Place, RawRecord]]) -> None:
        taken = await self._take(chunk)
        await self._patiently(self._writer.write([one.message for one in taken]))
        for one in taken:
            one.source.next_offset, one.source.resumed = one.record.offset + 1, False
            self._count(one)
        await self._halt_where_due()

    async def _take(self, chunk: Sequence[tuple[Place, RawRecord]]) -> list[_Taken]:
        """Decide on each record. An unknown tenant is asked for again once all configuration written so far is read."""
        catalog = self._following.catalog
        current = False
        taken: list[_Taken] = []
        for place, record in chunk:
            source = self._sources.get(place)
            if source is None or source.halted or record.offset < source.next_offset:
                continue
            read = understand(record, source.platform, self._settings.ingest.max_event_bytes, catalog)
            if isinstance(read, Refusal) and read.reason == "unknown_tenant" and not current:
                catalog, current = await self._patiently(self._following.wait_for_end()), True
                read = understand(record, source.platform, self._settings.ingest.max_event_bytes, catalog)
            now = self._now()
            if isinstance(read, Refusal):
                message = dead_letter(self._dead_letters, record, read, place, now)
                taken.append(_Taken(source, record, message, read, ""))
            else:
                position = source.position(record.offset, record.timestamp)
                message = inbox_message(self._inbox, read, position, catalog.offset)
                taken.append(_Taken(source, record, message, None, read.type))
            if source.row.take(read.reason if isinstance(read, Refusal) else None, now):
                many = f"{self._settings.ingest.halt_after} unreadable records in a row"
                source.halting = Halting(record.offset + 1, many)
        return taken

    async def _halt_where_due(self) -> None:
        """What a halt counted is in the dead letters or gone; what follows stays until somebody says so."""
        for source, (offset, reason) in self._sources.halting():
            self._log.error("source_partition_halted", source=source.name, offset=offset, reason=reason)
            self._alert(source.place[0], "halted")
            source.halted_at = await self._patiently(self._halts.write(source.name, offset, reason))
            source.halting = None

    # Numbers.

    def _alert(self, topic: str, what: str) -> None:
        self._metrics.record("events_total", (topic, "", what))

    def _count(self, one: _Taken) -> None:
        topic = one.source.place[0]
        if one.refusal is not None:
            self._log.warning(
                "dead_letter", source=one.source.name, offset=one.record.offset,
                reason=one.refusal.reason, detail=one.refusal.detail,
            )  # fmt: skip
            self._metrics.record("dead_letters_total", (one.refusal.reason,))
            self._metrics.record("events_total", (topic, "", "refused"))
            return
        self._metrics.record("events_total", (topic, one.event_type, "ingested"))  # the engine counts what it accepts

    async def _look_for_progress(self, consumer: AIOKafkaConsumer) -> None:
        if self._now() - self._looked_at < _LOOK_EVERY:
            return
        self._looked_at = self._now()
        lags = await self._sources.look_for_progress(consumer)
        self._lags.tell({(topic, str(partition)): float(lag) for (topic, partition), lag in lags.items()})


def _chunks(
    fetched: Mapping[TopicPartition, Sequence[RawRecord]],
) -> Iterator[list[tuple[Place, RawRecord]]]:
    """So much at a time that whatever partition it goes to, it fits into one batch."""
    chunk: list[tuple[Place, RawRecord]] = []
    size = 0
    for at, records in fetched.items():
        for record in records:
            bytes_of_it = len(record.value or b"") + len(record.key or b"")
            bytes_of_it += sum(len(name) + len(value or b"") for name, value in record.headers)
            if chunk and (size + bytes_of_it > _CHUNK_BYTES or len(chunk) >= _CHUNK_RECORDS):
                yield chunk
                chunk, size = [], 0
            chunk.append(((at.topic, at.partition), record))
            size += bytes_of_it
    if chunk:
        yield chunk
