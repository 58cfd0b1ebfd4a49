"""Every kind of bad input between good events, through the running daemon: nothing stops, nothing is lost."""

from __future__ import annotations

from pathlib import Path

import pytest

from notifier.kafka.reading import RawRecord
from tests.brokers import Broker
from tests.e2e.events import key_ready, phone
from tests.e2e.fleet import Fleet
from tests.e2e.traffic import Place, Told
from tests.poison import CARE_TENANT, PMS_TENANT, POISON, Record

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]

GOOD = 60


async def test_poison_goes_to_the_dead_letters_and_good_events_to_people(real_kafka: Broker, tmp_path: Path) -> None:
    """Each bad one is one dead letter with its own reason, key, bytes and headers; all good ones are delivered."""
    fleet = Fleet(real_kafka.bootstrap_servers, tmp_path, tenants=2, settings={"NOTIFIER_INGEST__HALT_AFTER": "0"})
    fleet.tenants = ["t0", PMS_TENANT]
    good = [key_ready(fleet.tenants[number % 2], number, phone(number)) for number in range(GOOD)]
    try:
        await fleet.prepare([*fleet.documents(), *fleet.care_documents(CARE_TENANT)])
        fleet.start_standin("--first-status-after", "0.1", "--next-status-after", "0.1")
        fleet.start("all")
        await fleet.publish(fleet.topics.sources("pms")[0], good[: GOOD // 2])
        places = [await _publish(fleet, record) for record in POISON]
        await fleet.publish(fleet.topics.sources("pms")[0], good[GOOD // 2 :])
        told = Told()
        delivered = await fleet.listen(told, lambda told: len(_delivered(told)) == GOOD, 90)
        assert delivered, fleet.logs()
        letters = await fleet.dead_letters(len(POISON))
        assert sorted(_origin(letter) for letter in letters) == sorted(places), "one for each, and none beside them"
        found = {_origin(letter): letter for letter in letters}
        assert _differences([(record, found[place]) for record, place in zip(POISON, places, strict=True)]) == []
        assert fleet.processes["all"].poll() is None
    finally:
        fleet.stop()


def _delivered(told: Told) -> list[str]:
    return [
        str(outcome["subject"]) for outcome in told.outcomes.values() if outcome["type"] == "notification.delivered"
    ]


def _key(record: Record) -> bytes | None:
    """The corpus' own, but that the client of these tests sends no record without both key and value."""
    return b"key" if record.key is None and record.value is None else record.key


async def _publish(fleet: Fleet, record: Record) -> Place:
    topic = fleet.topics.sources(record.topic)[0]
    (place,) = await fleet.publish_bytes(topic, [(_key(record), record.value, record.headers)])
    return place


def _origin(letter: RawRecord) -> Place:
    headers = dict(letter.headers)
    partition, offset = int(headers["notifier-partition"]), int(headers["notifier-offset"])
    return headers["notifier-topic"].decode(), partition, offset


def _differences(pairs: list[tuple[Record, RawRecord]]) -> list[str]:
    """What is not as it was, by the name of the record; values are too long to be shown."""
    found: list[str] = []
    for record, letter in pairs:
        own = tuple((name, value) for name, value in letter.headers if not name.startswith("notifier-"))
        reason = dict(letter.headers)["notifier-reason"].decode()
        if reason != record.reason:
            found.append(f"{record.name}: {reason}, not {record.reason}")
        if (letter.key, letter.value, own) != (_key(record), record.value, record.headers):
            found.append(f"{record.name}: key, value or headers are not the original's")
    return found
