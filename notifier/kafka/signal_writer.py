"""Signals to `notifier.signals`: `write` returns once acknowledged, so that a callback is answered only when stored."""

from __future__ import annotations

import asyncio
from typing import NamedTuple

import msgspec
import structlog
from aiokafka import AIOKafkaProducer

from notifier.domain.signals import Signal
from notifier.kafka.connection import Options, discard_producer, new_producer, stop_producer
from notifier.kafka.failures import KAFKA_TROUBLE, WriteFailed

_ACKNOWLEDGE_SECONDS = 8.0  # Twilio waits 15 s for an answer


class Stored(NamedTuple):
    """Where a signal lies."""

    partition: int
    offset: int


class SignalWriter:
    """Many writers share one producer; one that failed is replaced."""

    def __init__(self, options: Options, topic: str) -> None:
        self._options, self._topic = options, topic
        self._producer: AIOKafkaProducer | None = None
        self._opening = asyncio.Lock()
        self._log = structlog.get_logger().bind(topic=topic)

    async def write(self, signal: Signal) -> Stored:
        """Returns when the signal is acknowledged. Raises `WriteFailed` when it is not known to be written."""
        producer = None
        try:
            async with asyncio.timeout(_ACKNOWLEDGE_SECONDS):
                producer = await self._open()
                key, value = signal.tenant.encode(), msgspec.json.encode(signal)
                stored = await (await producer.send(self._topic, key=key, value=value))
        except KAFKA_TROUBLE as trouble:
            await self._discard(producer)
            raise WriteFailed(f"the signal was not acknowledged ({type(trouble).__name__})") from trouble
        return Stored(stored.partition, stored.offset)

    async def close(self) -> None:
        producer, self._producer = self._producer, None
        if producer is not None:
            await stop_producer(producer)

    async def _open(self) -> AIOKafkaProducer:
        async with self._opening:
            if self._producer is None:
                producer = new_producer(self._options)
                try:
                    await producer.start()
                except BaseException:
                    await discard_producer(producer)
                    raise
                self._producer = producer
            return self._producer

    async def _discard(self, producer: AIOKafkaProducer | None) -> None:
        if producer is not None and self._producer is producer:
            self._producer = None
            self._log.warning("producer_discarded")
            await discard_producer(producer)
