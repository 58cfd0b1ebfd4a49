"""What goes in and what comes out, by librdkafka: its threads are C, so that the load takes little of the two cores."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import msgspec
from confluent_kafka import Consumer, KafkaError, Producer, TopicPartition

from bench.processes import free_port

ACCEPTED = b'"type":"notification.accepted"'
_FIRST_NUMBER = 12020000000
_CONTENT_TYPE: list[tuple[str, str | bytes | None]] = [("content-type", b"application/cloudevents+json")]


class Event(NamedTuple):
    tenant: str
    value: bytes


def phone_digits(number: int) -> int:
    """Of the person of event `number`: everybody is texted once."""
    return _FIRST_NUMBER + number


def event_number(digits: int) -> int:
    """Whose number that is."""
    return digits - _FIRST_NUMBER


def key_ready(tenant: str, number: int) -> Event:
    """A key whose credential is there and whose guest has only a phone: texted at once."""
    value = {
        "specversion": "1.0", "id": f"evt-{number}", "source": f"/pms/{tenant}", "type": "key.ready",
        "time": "2026-12-01T09:13:02Z", "tenant": tenant, "subject": f"key_{number}",
        "datacontenttype": "application/json",
        "data": {"key": {
            "id": f"key_{number}", "version": 1, "origin": "pms", "status": "upcoming",
            "startsAt": "2026-01-01T15:00:00+01:00", "endsAt": "2099-01-01T10:00:00+01:00",
            "spaceName": "Room 204", "doors": ["Room 204", "Main entrance"],
            "reservation": {"id": f"res_{number}", "referenceNumber": f"HBR-{number}", "status": "reserved",
                            "checkedInAt": None, "checkInMethod": None},
            "persons": [{"id": "p1", "firstName": "Mara", "lastName": "Lind", "email": None,
                         "phone": f"+{phone_digits(number)}"}],
            "credentials": {"doorCode": f"{number % 1000000:06d}", "magicLink": f"https://guest.example.com/k/{number}"},
        }},
    }  # fmt: skip
    return Event(tenant, msgspec.json.encode(value))


def care_event(type_: str, tenant: str, number: int) -> Event:
    """Of an order; `order.shipped` is texted about, by the workflow of the bench's tenants."""
    value = {
        "specversion": "1.0", "id": f"evt-{number}", "source": f"/care/{tenant}", "type": type_, "tenant": tenant,
        "data": {"id": number, "status": "shipped", "isDeleted": False,
                 "customer": {"firstName": "Ada", "phone": f"+{phone_digits(number)}"}},
    }  # fmt: skip
    return Event(tenant, msgspec.json.encode(value))


class Load:
    """Publishes events; `linger_ms` 0 sends each at once."""

    def __init__(self, bootstrap: str, topic: str, linger_ms: float = 0.0) -> None:
        self._topic = topic
        self._failed: list[str] = []
        self._producer = Producer(
            {
                "bootstrap.servers": bootstrap, "acks": "all", "enable.idempotence": True, "linger.ms": linger_ms,
                "partitioner": "murmur2_random", "queue.buffering.max.messages": 1_000_000,
            }
        )  # fmt: skip

    def put(self, event: Event) -> None:
        self._producer.produce(
            self._topic, event.value, key=event.tenant, headers=_CONTENT_TYPE, on_delivery=self._delivered
        )
        self._producer.poll(0)

    def flush(self) -> None:
        """Returns when all is acknowledged. Raises `RuntimeError` when something is not."""
        left = self._producer.flush(120)
        if left or self._failed:
            raise RuntimeError(f"{left + len(self._failed)} events were not acknowledged {self._failed[:1]}")

    def _delivered(self, error: KafkaError | None, _message: object) -> None:
        if error is not None:
            self._failed.append(str(error))


def publish(bootstrap: str, topic: str, events: Iterable[Event]) -> None:
    load = Load(bootstrap, topic, linger_ms=5)
    for event in events:
        load.put(event)
    load.flush()


def at_rate(per_second: float, count: int) -> Iterator[tuple[int, float]]:
    """Numbers from 0, each when its time has come, with that time in seconds since 1970; late ones follow at once."""
    begun = time.time()
    for number in range(count):
        due = begun + number / per_second
        wait = due - time.time()
        if wait > 0:
            time.sleep(wait)
        yield number, due


class Reader:
    """Follows a topic from its beginning."""

    def __init__(self, bootstrap: str, topic: str, partitions: int) -> None:
        self._consumer = Consumer(
            {
                "bootstrap.servers": bootstrap, "group.id": f"bench-{free_port()}", "enable.auto.commit": False,
                "auto.offset.reset": "earliest", "fetch.wait.max.ms": 100, "queued.max.messages.kbytes": 262_144,
            }
        )  # fmt: skip
        self._consumer.assign([TopicPartition(topic, number, 0) for number in range(partitions)])

    def poll(self, seconds: float = 0.2) -> list[bytes]:
        """The values that came within so long. Raises `RuntimeError` when the broker reports trouble."""
        return [value or b"" for _, value in self.poll_keyed(seconds)]

    def poll_keyed(self, seconds: float = 0.2) -> list[tuple[str, bytes | None]]:
        """The same, with their keys; without a value for a tombstone."""
        found = []
        for message in self._consumer.consume(5000, seconds):
            error = message.error()
            if error is not None:
                raise RuntimeError(str(error))
            found.append(((message.key() or b"").decode(), message.value()))
        return found

    def close(self) -> None:
        self._consumer.close()
