"""Outcomes to the results topic: in the order in which they were given, reported only once acknowledged.

One producer for the whole process; one chunk is on its way at a time. When a batch of it fails, nobody knows whether it
was written: a new producer sends it again, in order, and readers drop what they know by its id (contract section 6).
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from itertools import islice

import msgspec

from notifier.domain.outcomes import Outcome
from notifier.kafka.batches import BatchWriter, Message
from notifier.kafka.connection import Options

_CHUNK_RECORDS, _CHUNK_BYTES = 500, 512 * 1024  # of a topic that takes a broker's usual batch of 1 MiB
_STRUCTURED = ("content-type", b"application/cloudevents+json")

Published = Callable[[tuple[str, ...]], None]
_encode = msgspec.json.Encoder().encode


class Publisher:
    """`publish` takes outcomes from everywhere in the process; `run` delivers them."""

    def __init__(self, options: Options, topic: str) -> None:
        self._topic = topic
        self._queue: deque[tuple[Outcome, Published]] = deque()
        self._writer = BatchWriter(options, (topic,))
        self._changed = asyncio.Event()
        self._stopping = False

    @property
    def waiting(self) -> int:
        """Outcomes that are not acknowledged yet."""
        return len(self._queue)

    def publish(self, outcome: Outcome, published: Published) -> None:
        """Deliver after everything that was given before; `published` is called with the ids of what is acknowledged,
        as many at once as were given with the same `published`."""
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
            await self._writer.close()

    def stop(self) -> None:
        """`run` ends when what waits is delivered."""
        self._stopping = True
        self._changed.set()

    async def _deliver(self) -> None:
        messages = self._chunk()
        await self._writer.write(messages)
        acknowledged: dict[Published, list[str]] = {}
        for _ in messages:
            outcome, published = self._queue.popleft()
            acknowledged.setdefault(published, []).append(outcome.id)
        for published, outcome_ids in acknowledged.items():
            published(tuple(outcome_ids))

    def _chunk(self) -> list[Message]:
        """What fits into one batch, should it all be of one tenant; one at least."""
        messages: list[Message] = []
        size = 0
        for outcome, _ in islice(self._queue, _CHUNK_RECORDS):
            message = self._message(outcome)
            size += message.size
            if messages and size > _CHUNK_BYTES:
                break
            messages.append(message)
        return messages

    def _message(self, outcome: Outcome) -> Message:
        headers = [_STRUCTURED]
        if isinstance(outcome.traceparent, str):
            headers.append(("traceparent", outcome.traceparent.encode()))
        return Message(self._topic, outcome.tenant.encode(), _encode(outcome), headers, of_tenant=True)
