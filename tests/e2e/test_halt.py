"""A producer gone bad: its partition halts instead of being emptied into the dead letters, until it is resumed."""

from __future__ import annotations

import asyncio
import json
import signal
from pathlib import Path
from typing import Any

import pytest

from tests.brokers import Broker
from tests.e2e.events import key_event, phone
from tests.e2e.fleet import Fleet, pause
from tests.e2e.outcomes import heard, texts
from tests.e2e.traffic import Record, Told

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]

HALT_AFTER = 4
NOT_JSON: Record = (b"t0", b"\xff", [])
NOT_AN_EVENT: Record = (b"t0", b"[]", [])
BAD, OTHER = 0, 1  # partitions of the source


async def test_too_much_junk_halts_its_partition_and_resume_goes_on_without_loss(
    real_kafka: Broker, tmp_path: Path
) -> None:
    """Only a row of junk halts, its last is a dead letter, too; a restart keeps the halt, other partitions go on."""
    settings = {"NOTIFIER_INGEST__HALT_AFTER": str(HALT_AFTER)}
    fleet = Fleet(real_kafka.bootstrap_servers, tmp_path, partitions=2, tenants=1, settings=settings)
    source = fleet.topics.sources("pms")[0]
    name = f"{source}:{BAD}"
    before, one, two, waiting, last = (key_event("key.ready", number, 1) for number in (1, 2, 3, 4, 5))
    try:
        await fleet.prepare()
        fleet.start_standin("--first-status-after", "0.1", "--next-status-after", "0.1")
        fleet.start("all")
        await fleet.ready("all")
        junk = [NOT_JSON, NOT_AN_EVENT, _record(key_event("key.ready", 9, 1, persons="nobody"))]
        stranger = _record(key_event("key.ready", 9, 1, tenant="of-nobody"))
        records = [*junk, _record(before), *junk, stranger, NOT_JSON, *junk, _record(waiting), NOT_JSON, _record(last)]
        halting = records.index(_record(waiting)) - 1
        await fleet.publish_bytes(source, records, BAD)

        await _until_halted(fleet, [name])
        assert await _dead_offsets(fleet, 11) == [0, 1, 2, 4, 5, 6, 7, 8, 9, 10, halting]
        assert [line["source"] for line in _alerts(fleet)] == [name]
        _, metrics = await fleet.get("all", "/metrics")
        assert f'notifier_events_total{{result="halted",source="{source}",type=""}} 1.0\n' in metrics
        await fleet.publish(source, [one], OTHER)
        await heard(fleet, one, "notification.delivered")

        fleet.kill("all", signal.SIGTERM)
        assert await asyncio.to_thread(fleet.wait, "all") == 0
        fleet.start("all")
        await fleet.ready("all")
        await fleet.publish(source, [two], OTHER)
        await heard(fleet, two, "notification.delivered")
        await _until_halted(fleet, [name])

        code, said, _ = await fleet.run("ingest", "resume", name)
        assert (code, said.split()[0]) == (0, "offset")
        await heard(fleet, last, "notification.delivered")
        await _until_halted(fleet, [])
        assert await _order(fleet) == [event["id"] for event in (before, one, two, waiting, last)]
        assert [len(texts(fleet, phone(number))) for number in (1, 2, 3, 4, 5)] == [1] * 5
        assert await _dead_offsets(fleet, 12) == [0, 1, 2, 4, 5, 6, 7, 8, 9, 10, halting, halting + 2]
    finally:
        fleet.stop()


async def test_a_partition_that_was_resumed_halts_again_and_only_what_is_halted_can_be_resumed(
    real_kafka: Broker, tmp_path: Path
) -> None:
    settings = {"NOTIFIER_INGEST__HALT_AFTER": str(HALT_AFTER)}
    fleet = Fleet(real_kafka.bootstrap_servers, tmp_path, partitions=2, tenants=1, settings=settings)
    source = fleet.topics.sources("pms")[0]
    name, other = f"{source}:{BAD}", f"{source}:{OTHER}"
    event = key_event("key.ready", 1, 1)
    try:
        await fleet.prepare()
        fleet.start_standin("--first-status-after", "0.1", "--next-status-after", "0.1")
        fleet.start("all")
        await fleet.publish_bytes(source, [NOT_JSON] * (2 * HALT_AFTER), BAD)
        await _until_halted(fleet, [name])
        refused = await fleet.run("ingest", "resume", other)
        assert refused == (1, "", f"notifier: {other} is not halted; halted: {name}\n")
        assert (await fleet.run("ingest", "resume", name))[0] == 0
        assert await _dead_offsets(fleet, 2 * HALT_AFTER) == list(range(2 * HALT_AFTER))
        await _until_halted(fleet, [name])
        assert (await fleet.run("ingest", "resume", name))[0] == 0
        await fleet.publish(source, [event], BAD)
        await heard(fleet, event, "notification.delivered")
    finally:
        fleet.stop()


async def test_without_a_bound_no_amount_of_junk_halts(real_kafka: Broker, tmp_path: Path) -> None:
    settings = {"NOTIFIER_INGEST__HALT_AFTER": "0"}
    fleet = Fleet(real_kafka.bootstrap_servers, tmp_path, partitions=2, tenants=1, settings=settings)
    source = fleet.topics.sources("pms")[0]
    event = key_event("key.ready", 1, 1)
    try:
        await fleet.prepare()
        fleet.start_standin("--first-status-after", "0.1", "--next-status-after", "0.1")
        fleet.start("all")
        await fleet.publish_bytes(source, [NOT_JSON] * 500, BAD)
        await fleet.publish(source, [event], BAD)
        await heard(fleet, event, "notification.delivered")
        assert await _dead_offsets(fleet, 500) == list(range(500))
        await _until_halted(fleet, [])
    finally:
        fleet.stop()


def _record(event: dict[str, Any]) -> Record:
    return (
        str(event["tenant"]).encode(),
        json.dumps(event).encode(),
        [("content-type", b"application/cloudevents+json")],
    )


async def _until_halted(fleet: Fleet, names: list[str]) -> None:
    """Until /status names exactly these."""
    while True:
        status, said = await fleet.get("all", "/status")
        if status == 200 and json.loads(said)["halts"] == names:
            return
        assert fleet.fallen() == [], fleet.logs()
        await pause(0.05)


async def _dead_offsets(fleet: Fleet, count: int) -> list[int]:
    return sorted(int(dict(letter.headers)["notifier-offset"]) for letter in await fleet.dead_letters(count))


def _alerts(fleet: Fleet) -> list[dict[str, Any]]:
    lines = [json.loads(line) for line in (fleet.folder / "all.log").read_text().splitlines()]
    return [line for line in lines if line["event"] == "source_partition_halted" and line["level"] == "error"]


async def _order(fleet: Fleet) -> list[str]:
    """The ids of the events of the tenant, in the order in which its first outcomes were published."""
    told = Told()
    assert await fleet.listen(told, lambda told: len(told.notifications()) == 5, 30), fleet.logs()
    outcomes: list[dict[str, Any]] = list(told.outcomes.values())
    return list(dict.fromkeys(outcome["data"]["event"]["id"] for outcome in outcomes))
