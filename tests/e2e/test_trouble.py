"""What operators run into: wrong settings, topics that do not fit, brokers that go away, a SIGTERM in the middle."""

from __future__ import annotations

import asyncio
import re
import signal
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from notifier.kafka import topics as kafka_topics
from notifier.kafka.topics import Topic
from tests.brokers import Broker
from tests.e2e.events import key_event, key_ready, phone
from tests.e2e.fleet import Fleet
from tests.e2e.outcomes import heard, texts
from tests.e2e.traffic import Told
from tests.local_kafka.server import LocalKafka, LocalKafkaMissing

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]


@pytest.fixture
def own_kafka() -> Iterator[LocalKafka]:
    """A broker of this test's own, which it may stop."""
    try:
        with LocalKafka() as kafka:
            yield kafka
    except LocalKafkaMissing as missing:
        pytest.skip(f"needs a Kafka that it may stop: {missing}")


async def test_an_unknown_setting_is_refused_with_the_nearest_name(tmp_path: Path) -> None:
    fleet = Fleet("127.0.0.1:1", tmp_path)
    code, _, said = await fleet.run("run", NOTIFIER_TWILIO__TIMEOUTT="3s")
    assert code == 1
    assert "NOTIFIER_TWILIO__TIMEOUTT" in said
    assert "NOTIFIER_TWILIO__TIMEOUT" in said.replace("NOTIFIER_TWILIO__TIMEOUTT", "")


async def test_impossible_settings_are_refused(tmp_path: Path) -> None:
    """A lane that is freed before its doubt can be settled would break the order of texts."""
    code, _, said = await Fleet("127.0.0.1:1", tmp_path).run("run", NOTIFIER_RECOVERY__LANE_WAIT="1s")
    assert code == 1
    assert "LANE_WAIT" in said


async def test_partition_counts_that_differ_stop_the_start(real_kafka: Broker, tmp_path: Path) -> None:
    fleet = Fleet(real_kafka.bootstrap_servers, tmp_path, partitions=2)
    wanted = kafka_topics.planned(fleet.topics, partitions=2, replication=1, with_sources=True)
    odd = tuple(
        Topic(topic.name, 3, topic.settings) if topic.name == fleet.topics.name("signals") else topic
        for topic in wanted
    )
    async with kafka_topics.admin(fleet.options) as client:
        await kafka_topics.create(client, odd, 1)
    code, _, said = await fleet.run("run")
    assert code == 1
    assert "equally many partitions" in said


async def test_missing_topics_stop_the_start_with_one_line_that_names_them_and_the_remedy(
    real_kafka: Broker, tmp_path: Path
) -> None:
    """All of ours or a single one, in whichever role; after `topics create`, the same command starts."""
    fleet = Fleet(real_kafka.bootstrap_servers, tmp_path, partitions=2, tenants=1)
    wanted = kafka_topics.planned(fleet.topics, partitions=2, replication=1)
    assert len(wanted) == 6
    try:
        fleet.start_standin()
        await _refused(fleet, wanted)
        await _refused(fleet, wanted, "--role", "webhooks")
        async with kafka_topics.admin(fleet.options) as client:
            await kafka_topics.create(client, wanted[:-1], 1)
        await _refused(fleet, wanted[-1:])
        code, made, _ = await fleet.run("topics", "create", "--partitions", "2", "--replication-factor", "1")
        assert (code, f"{wanted[-1].name}: created" in made.splitlines()) == (0, True)
        fleet.start("all")
        await fleet.ready("all")
    finally:
        fleet.stop()


async def _refused(fleet: Fleet, missing: Sequence[Topic], *arguments: str) -> None:
    code, out, said = await fleet.run("run", *arguments)
    assert (code, out) == (1, "")
    line = re.fullmatch(r"notifier: missing topics: (.+); `notifier topics create` makes them\n", said)
    assert line is not None, said
    assert sorted(line[1].split(", ")) == sorted(topic.name for topic in missing)


async def test_sources_that_their_producers_have_not_made_yet_are_waited_for(
    real_kafka: Broker, tmp_path: Path
) -> None:
    """`topics create` leaves them to their producers, so that a daemon may be there first."""
    fleet = Fleet(real_kafka.bootstrap_servers, tmp_path, partitions=2, tenants=1)
    event = key_event("key.ready", 1, 1)
    try:
        await fleet.run("topics", "create", "--partitions", "2", "--replication-factor", "1")
        await fleet.configure(fleet.documents())
        fleet.start_standin("--first-status-after", "0.1", "--next-status-after", "0.1")
        fleet.start("all")
        await fleet.ready("all")
        source = Topic(fleet.topics.sources("pms")[0], 2, {})
        async with kafka_topics.admin(fleet.options) as client:
            await kafka_topics.create(client, (source,), 1)
        await fleet.publish(source.name, [event])
        await heard(fleet, event, "notification.delivered")
        assert len(texts(fleet, phone(1))) == 1
    finally:
        fleet.stop()


async def test_a_broker_that_is_away_loses_nothing(own_kafka: LocalKafka, tmp_path: Path) -> None:
    """Away at the start: not ready, and waited for. Away while events flow: everybody is texted once, in the end."""
    fleet = Fleet(own_kafka.bootstrap_servers, tmp_path, partitions=2, tenants=4)
    source = fleet.topics.sources("pms")[0]
    node = own_kafka.nodes[0]
    try:
        await fleet.prepare()
        fleet.start_standin("--first-status-after", "0.2", "--next-status-after", "0.2", "--faults", '{"latency": 0.1}')
        await asyncio.to_thread(own_kafka.stop, node)
        fleet.start("all")
        assert "no broker answered yet" in " ".join(await fleet.ready("all", 503))
        await asyncio.to_thread(own_kafka.start, node)
        await fleet.ready("all")
        first = [key_ready(fleet.tenants[number % 4], number, phone(number)) for number in range(200)]
        await fleet.publish(source, first)
        await asyncio.to_thread(own_kafka.stop, node)
        await asyncio.sleep(12)  # the outage itself
        await asyncio.to_thread(own_kafka.start, node)
        await fleet.publish(source, [key_ready("t0", number, phone(number)) for number in range(200, 220)])
        told = Told()
        assert await fleet.listen(told, lambda told: _ended(told) == 220, 120), fleet.logs()
        texted = Counter(str(message["notification"]) for message in fleet.messages())
        assert len(texted) == 220
        assert max(texted.values()) == 1
        assert told.contradictions == []
    finally:
        fleet.stop()


async def test_sigterm_leaves_nothing_in_doubt_and_a_second_one_loses_nothing(
    real_kafka: Broker, tmp_path: Path
) -> None:
    """One SIGTERM: exit 0 within the grace, the next process finds no doubt. Two: at once, and all arrives later."""
    fleet = Fleet(real_kafka.bootstrap_servers, tmp_path, partitions=2, tenants=4)
    source = fleet.topics.sources("pms")[0]
    try:
        await fleet.prepare()
        fleet.start_standin("--first-status-after", "0.2", "--next-status-after", "0.2", "--faults", '{"latency": 0.3}')
        fleet.start("all")
        await fleet.ready("all")
        await fleet.publish(source, [key_ready(fleet.tenants[n % 4], n, phone(n)) for n in range(300)])
        told = Told()
        assert await fleet.listen(told, lambda told: len(told.outcomes) > 20, 60), fleet.logs()
        fleet.kill("all", signal.SIGTERM)
        assert await asyncio.to_thread(fleet.wait, "all") == 0
        fleet.start("all")
        assert await fleet.listen(told, lambda told: _ended(told) == 300, 60), fleet.logs()
        assert not [outcome for outcome in told.outcomes.values() if outcome["type"] == "notification.unknown"]
        await fleet.publish(source, [key_ready(fleet.tenants[n % 4], n, phone(n)) for n in range(300, 600)])
        assert await fleet.listen(told, lambda told: len(told.notifications()) > 320, 60), fleet.logs()
        fleet.kill("all", signal.SIGTERM)
        fleet.kill("all", signal.SIGTERM)
        await asyncio.to_thread(fleet.wait, "all")
        fleet.start("again")
        assert await fleet.listen(told, lambda told: _ended(told) == 600, 90), fleet.logs()
        texted = Counter(str(message["notification"]) for message in fleet.messages())
        assert len(texted) == 600
        assert max(texted.values()) == 1
    finally:
        fleet.stop()


def _ended(told: Told) -> int:
    return sum(1 for outcomes in told.notifications().values() if outcomes[-1]["type"] == "notification.delivered")
