"""Every kind of bad input between good events, through the running daemon: nothing stops, nothing is lost."""

from __future__ import annotations

import time
from collections import Counter
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition

from tests.brokers import Broker
from tests.e2e.events import key_ready, phone
from tests.e2e.fleet import Fleet
from tests.e2e.traffic import Told
from tests.poison import CARE_TENANT, PMS_TENANT, POISON

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]

GOOD = 60


async def test_poison_goes_to_the_dead_letters_and_good_events_to_people(real_kafka: Broker, tmp_path: Path) -> None:
    """The bad ones stand in the dead letters with their reason and their own bytes; all good ones are delivered."""
    fleet = Fleet(real_kafka.bootstrap_servers, tmp_path, tenants=2, settings={"NOTIFIER_INGEST__HALT_AFTER": "0"})
    fleet.tenants = ["t0", PMS_TENANT]
    good = [key_ready(fleet.tenants[number % 2], number, phone(number)) for number in range(GOOD)]
    try:
        await fleet.prepare([*fleet.documents(), *fleet.care_documents(CARE_TENANT)])
        fleet.start_standin("--first-status-after", "0.1", "--next-status-after", "0.1")
        fleet.start("all")
        await fleet.publish(fleet.topics.sources("pms")[0], good[: GOOD // 2])
        await _publish_poison(fleet)
        await fleet.publish(fleet.topics.sources("pms")[0], good[GOOD // 2 :])
        told = Told()
        delivered = await fleet.listen(told, lambda told: len(_delivered(told)) == GOOD, 90)
        assert delivered, fleet.logs()
        found = await _dead_letters(fleet, len(POISON))
        assert Counter(reason for reason, _ in found) == Counter(record.reason for record in POISON)
        values = Counter(value for reason, value in found if reason != "too_large")
        assert values == Counter(record.value for record in POISON if record.reason != "too_large")
        assert fleet.processes["all"].poll() is None
    finally:
        fleet.stop()


def _delivered(told: Told) -> list[str]:
    return [
        str(outcome["subject"]) for outcome in told.outcomes.values() if outcome["type"] == "notification.delivered"
    ]


async def _publish_poison(fleet: Fleet) -> None:
    for record in POISON:
        await fleet.publish_bytes(
            fleet.topics.sources(record.topic)[0], [(record.key or b"key", record.value, list(record.headers))]
        )


async def _dead_letters(fleet: Fleet, count: int) -> list[tuple[str, bytes | None]]:
    topic = fleet.topics.name("dead_letters")
    consumer = AIOKafkaConsumer(
        bootstrap_servers=fleet.kafka.bootstrap_servers,
        auto_offset_reset="earliest",
        max_partition_fetch_bytes=8 * 1024 * 1024,
    )
    await consumer.start()
    try:
        partitions = await consumer._client._wait_on_metadata(topic)  # the public call does not wait for a new topic
        consumer.assign([TopicPartition(topic, number) for number in partitions])
        found: list[tuple[str, bytes | None]] = []
        until = time.monotonic() + 30
        while len(found) < count and time.monotonic() < until:
            for records in (await consumer.getmany(timeout_ms=300)).values():
                found += [(dict(record.headers)["notifier-reason"].decode(), record.value) for record in records]
        return found
    finally:
        await consumer.stop()
