"""Signals in: written and acknowledged before whoever brought them is answered.

An idempotent send is retried for ever (trap B6), so a write has its own deadline; one that misses it costs the producer,
and with it every write that was under way beside it: all of them are told to come again.
"""

from __future__ import annotations

import asyncio

import msgspec
from aiokafka import AIOKafkaProducer

from notifier.domain.signals import Signal
from notifier.kafka.connection import Options, discard_producer, new_producer, stop_producer
from notifier.kafka.failures import KAFKA_TROUBLE, WriteFailed

_DEADLINE = 8.0  # below the 15 s after which Twilio gives up


class SignalWriter:
    """Keyed by tenant, so that a signal reaches the owner of the tenant's partition."""

    def __init__(self, options: Options, topic: str) -> None:
        self._options, self._topic = options, topic
        self._producer: AIOKafkaProducer | None = None
        self._starting = asyncio.Lock()

    async def write(self, signal: Signal) -> None:
        """Returns when the broker has it. Raises `WriteFailed` when nobody knows."""
        producer: AIOKafkaProducer | None = None
        try:
            async with asyncio.timeout(_DEADLINE):
                producer = await self._ready()
                key, value = signal.tenant.encode(), msgspec.json.encode(signal)
                await (await producer.send(self._topic, key=key, value=value))
        except KAFKA_TROUBLE as trouble:
            if producer is not None and producer is self._producer:
                self._producer = None
                await discard_producer(producer)
            raise WriteFailed(f"the signal was not acknowledged ({type(trouble).__name__})") from trouble

    async def close(self) -> None:
        producer, self._producer = self._producer, None
        if producer is not None:
            await stop_producer(producer)

    async def _ready(self) -> AIOKafkaProducer:
        async with self._starting:
            if self._producer is None:
                producer = new_producer(self._options, linger_ms=2)
                try:
                    await producer.start()
                except BaseException:
                    await discard_producer(producer)
                    raise
                self._producer = producer
            return self._producer
