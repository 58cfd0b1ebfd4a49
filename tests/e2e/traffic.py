"""What goes through Kafka: records in, and what the results topic says about them."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import msgspec
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

LARGEST = 8 * 1024 * 1024
Record = tuple[bytes | None, bytes | None, Sequence[tuple[str, bytes]]]  # key, value, headers
Place = tuple[str, int, int]  # topic, partition, offset


@dataclass
class Told:
    """What the results topic says: outcomes by subject, each id once."""

    outcomes: dict[str, dict[str, object]] = field(default_factory=dict)
    contradictions: list[str] = field(default_factory=list)

    def add(self, value: bytes) -> None:
        outcome = msgspec.json.decode(value)
        known = self.outcomes.setdefault(outcome["id"], outcome)
        if known != outcome:
            self.contradictions.append(outcome["id"])

    def notifications(self) -> dict[str, list[dict[str, object]]]:
        found: dict[str, list[dict[str, object]]] = {}
        for outcome in self.outcomes.values():
            if str(outcome["type"]).startswith("notification."):
                found.setdefault(str(outcome["subject"]), []).append(outcome)
        for outcomes in found.values():
            outcomes.sort(key=lambda outcome: int(str(outcome["id"]).rpartition(":")[2]))
        return found


async def put(bootstrap: str, topic: str, records: Sequence[Record], partition: int | None = None) -> list[Place]:
    """Publish in order, by key unless a partition is named; where each record stands."""
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all", linger_ms=5, max_request_size=LARGEST)
    await producer.start()
    try:
        sent = [
            await producer.send(topic, key=key, value=value, headers=list(headers), partition=partition)
            for key, value, headers in records
        ]
        stored = [await acknowledged for acknowledged in sent]
        return [(record.topic, record.partition, record.offset) for record in stored]
    finally:
        await producer.stop()


async def read_results(
    bootstrap: str, topic: str, partitions: int, told: Told, done: Callable[[], bool], give_up: Callable[[], bool],
    seconds: float,
) -> bool:  # fmt: skip
    """Read the results from the beginning until `done`; False when the time was over first, or on `give_up`."""
    if done() or give_up():
        return done()  # one that is stopped before it ran for the first time raises a CancelledError of its own
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, auto_offset_reset="earliest")
    await consumer.start()
    try:
        consumer.assign([TopicPartition(topic, number) for number in range(partitions)])
        until = time.monotonic() + seconds
        while not done():
            if time.monotonic() > until or give_up():
                return False
            for records in (await consumer.getmany(timeout_ms=300)).values():
                for record in records:
                    told.add(record.value)
        return True
    finally:
        await consumer.stop()
