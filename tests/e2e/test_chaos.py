"""Three daemons under bursts of events, and one of them is killed right after each burst, for real."""

from __future__ import annotations

import asyncio
import os
import random
from collections import Counter
from pathlib import Path

import pytest

from tests.brokers import Broker
from tests.e2e.events import key_ready, phone
from tests.e2e.fleet import Fleet, pause
from tests.e2e.traffic import Told

pytestmark = [pytest.mark.chaos, pytest.mark.e2e, pytest.mark.timeout(7200)]

CYCLES = int(os.environ.get("NOTIFIER_TEST_CHAOS_CYCLES", "10"))
BURST = 500
SEED = int(os.environ.get("NOTIFIER_TEST_CHAOS_SEED", "1"))
# On a busy machine the stand-in answers late. A create that is given up after two seconds and happens after ten is what
# the promise excludes (Twilio's list shows it by then), so there is more time here than elsewhere, as in production.
PATIENCE = {
    "NOTIFIER_TWILIO__TIMEOUT": "10s",
    "NOTIFIER_RECOVERY__RESEND_AFTER": "15s",
    "NOTIFIER_RECOVERY__LANE_WAIT": "20s",
}
DAEMONS = ("one", "two", "three")
TERMINAL = {"delivered", "unconfirmed", "undelivered", "failed", "skipped", "delegated", "cancelled", "parked"}


async def test_kills_lose_nothing_and_text_nobody_twice(real_kafka: Broker, tmp_path: Path) -> None:
    """Judged by the stand-in's own record: everybody texted once, everybody with exactly one terminal outcome."""
    fleet = Fleet(real_kafka.bootstrap_servers, tmp_path, settings=PATIENCE)
    chance = random.Random(SEED)
    try:
        await fleet.prepare()
        fleet.start_standin(
            "--faults", '{"latency": 0.05}', "--first-status-after", "0.2", "--next-status-after", "0.3"
        )
        fleet.start("webhooks", "webhooks")
        for name in DAEMONS:
            fleet.start(name, "ingest", "engine")
        published = await _storm(fleet, chance)
        told = Told()
        complete = await fleet.listen(told, lambda told: _finished(told) >= published, 240.0)
        _judge(fleet, told, published, complete)
    finally:
        fleet.stop()


async def _storm(fleet: Fleet, chance: random.Random) -> int:
    published = 0
    for cycle in range(CYCLES):
        events = [
            key_ready(chance.choice(fleet.tenants), number, phone(number))
            for number in range(published, published + BURST)
        ]
        await fleet.publish(fleet.topics.sources("pms")[0], events)
        published += BURST
        await pause(chance.uniform(0.0, 0.8))
        victim = DAEMONS[cycle % len(DAEMONS)]
        fleet.kill(victim)
        await asyncio.to_thread(fleet.wait, victim)
        await pause(chance.uniform(0.0, 2.0))
        fleet.start(victim, "ingest", "engine")
        await pause(chance.uniform(1.0, 5.0))
    return published


def _finished(told: Told) -> int:
    return sum(1 for outcomes in told.notifications().values() if _status(outcomes[-1]) in TERMINAL)


def _judge(fleet: Fleet, told: Told, published: int, complete: bool) -> None:
    notifications = told.notifications()
    texted = Counter(str(message["notification"]) for message in fleet.messages())
    twice = {name: count for name, count in texted.items() if count > 1}
    statuses = Counter(_status(outcomes[-1]) for outcomes in notifications.values())
    resent = [
        name
        for name, outcomes in notifications.items()
        if any(outcome["data"]["detail"] == "resent_without_evidence" for outcome in outcomes)  # type: ignore[index]
    ]
    unknown = sum(1 for outcome in told.outcomes.values() if outcome["type"] == "notification.unknown")
    print(
        f"\nchaos: {CYCLES} kills, {published} events, {len(notifications)} notifications, {len(texted)} texted, "
        f"{len(twice)} twice, {dict(statuses)}, {unknown} doubts, {len(resent)} resent without evidence, seed {SEED}"
    )
    assert complete, f"{published - _finished(told)} without terminal outcome\n{fleet.logs()}"
    assert twice == {}
    assert told.contradictions == []
    assert len(notifications) == published
    assert set(texted) == set(notifications), "nobody is left without a text"
    for name, outcomes in notifications.items():
        ends = [_status(outcome) in TERMINAL for outcome in outcomes]
        assert ends == [False] * (len(ends) - 1) + [True], name
    assert statuses["parked"] == 0, "the list is honest: nothing needs a person"


def _status(outcome: dict[str, object]) -> str:
    return str(outcome["type"]).removeprefix("notification.")
