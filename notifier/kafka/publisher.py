"""Outcomes to the results topic: in the order in which they were given, reported only once acknowledged.

One producer for the whole process; one chunk is on its way at a time. When a chunk fails, nobody knows what of it was
written: a new producer sends all of it again, in order, and readers drop what they know by its id (contract section 6).
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from itertools import islice

import msgspec
import structlog
from aiokafka import AIOKafkaProducer

from notifier.domain.outcomes import Outcome
from notifier.kafka.connection import Options, acknowledged, discard_producer, new_producer, stop_producer
from notifier.kafka.failures import KAFKA_TROUBLE

_CHUNK = 500
_ACKNOWLEDGE_SECONDS = 20.0
_FIRST_BACKOFF, _LONGEST_BACKOFF = 0.1, 5.0
_STRUCTURED = ("content-type", b"application/cloudevents+json")


class Publisher:
    """`publish` takes outcomes from everywhere in the process; `run` delivers them."""

    def __init__(self, options: Options, topic: str) -> None:
        self._options, self._topic = options, topic
        self._queue: deque[tuple[Outcome, Callable[[str], None]]] = deque()
        self._producer: AIOKafkaProducer | None = None
        self._changed = asyncio.Event()
        self._stopping = False
        self._log = structlog.get_logger().bind(topic=topic)

    @property
    def waiting(self) -> int:
        """Outcomes that are not acknowledged yet."""
        return len(self._queue)

    def publish(self, outcome: Outcome, published: Callable[[str], None]) -> None:
        """Deliver after everything that was given before; `published` is called with the id once it is acknowledged."""
        self._queue.append((outcome, published))
        self._changed.set()

    async def run(self) -> None:
        """Deliver until `stop` is called and nothing waits any more, or until cancelled."""
        try:
            while self._queue or not self._stopping:
                if self._queue:
                    await self._deliver()
                    continue
                self._changed.clear()
                await self._changed.wait()
        finally:
            producer, self._producer = self._producer, None
            if producer is not None:
                await stop_producer(producer)

    def stop(self) -> None:
        """`run` ends when what waits is delivered."""
        self._stopping = True
        self._changed.set()

    async def _deliver(self) -> None:
        chunk = list(islice(self._queue, _CHUNK))
        backoff = _FIRST_BACKOFF
        while True:
            try:
                async with asyncio.timeout(_ACKNOWLEDGE_SECONDS):
                    await self._send([outcome for outcome, _ in chunk])
                break
            except KAFKA_TROUBLE as trouble:
                self._log.warning("results_not_acknowledged", trouble=type(trouble).__name__, waiting=self.waiting)
                producer, self._producer = self._producer, None
                if producer is not None:
                    await discard_producer(producer)
            await asyncio.sleep(backoff)
            backoff = min(2 * backoff, _LONGEST_BACKOFF)
        for outcome, published in chunk:
            self._queue.popleft()
            published(outcome.id)

    async def _send(self, outcomes: list[Outcome]) -> None:
        if self._producer is None:
            self._producer = new_producer(self._options)
            await self._producer.start()
        sent = [
            await self._producer.send(
                self._topic, key=outcome.tenant.encode(), value=msgspec.json.encode(outcome), headers=_headers(outcome)
            )
            for outcome in outcomes
        ]
        await acknowledged(sent)


def _headers(outcome: Outcome) -> list[tuple[str, bytes]]:
    if isinstance(outcome.traceparent, str):
        return [_STRUCTURED, ("traceparent", outcome.traceparent.encode())]
    return [_STRUCTURED]
