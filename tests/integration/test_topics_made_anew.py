"""A source topic that is deleted and made anew under its old name: every new event is accepted, and once."""

from __future__ import annotations

import time
from collections.abc import Sequence

import pytest

from notifier.domain.catalog import empty
from notifier.engine.remembering import advance, read_again
from notifier.engine.state import EngineConfig, State
from notifier.kafka.connection import Options, new_reader, stop_consumer
from notifier.kafka.reading import RawRecord
from notifier.kafka.store import inbox_record
from notifier.kafka.topic_ids import topic_ids
from notifier.settings import KafkaSettings, TopicSettings
from tests.brokers import Broker
from tests.integration.ingesting import World, alerts, event, make_anew
from tests.integration.records import put, until_there_are

pytestmark = pytest.mark.integration


@pytest.fixture
async def world(real_kafka: Broker, options: Options, kafka_settings: KafkaSettings, topics: TopicSettings) -> World:
    world = World(options, kafka_settings, topics)
    await world.configure()
    return world


def accepted(records: Sequence[RawRecord]) -> list[str]:
    """Which of these inbox records, all of one partition, the engine does not take for read again."""
    state, found = State(EngineConfig(partition=0, partitions=1, instance="a"), empty()), []
    for record in map(inbox_record, records):
        if not read_again(state, record.position):
            found.append(record.event.id)
        advance(state, record.position)
    return found


@pytest.mark.parametrize("ago", [0, 3600], ids=["now", "an hour ago"])
async def test_a_group_that_was_forgotten_with_the_topic_loses_nothing(world: World, ago: int) -> None:
    """Whatever times the producers give to their records: clocks differ, and some repeat what happened long ago."""
    await put(world.options, world.pms, [event(number) for number in range(5)], partition=0)
    async with world.ingesting():
        await world.accepted(5)
    await make_anew(world, world.pms)
    then = int((time.time() - ago) * 1000)
    await put(world.options, world.pms, [event(number) for number in range(5, 8)], partition=0, timestamp=then)
    async with world.ingesting():
        records = await until_there_are(world.options, world.inbox, 8)
    assert accepted(records) == [f"evt-{number}" for number in range(8)]


@pytest.mark.parametrize("start", ["earliest", "latest"])
async def test_a_topic_made_anew_and_filled_beyond_our_position_is_read_whole(world: World, start: str) -> None:
    """While ingest runs, which notices it, however the position looks."""
    async with world.ingesting(start=start) as role:
        while (world.pms, 0) not in role._assigned or role._sources.get((world.pms, 0)) is None:
            await until_there_are(world.options, world.inbox, 0)
        await put(world.options, world.pms, [event(number) for number in range(5)], partition=0)
        await world.accepted(5)
        await make_anew(world, world.pms)
        await put(world.options, world.pms, [event(number) for number in range(5, 25)], partition=0)
        found = {one.id for one in await world.accepted(5)}
        while len(found) < 25:
            found = {one.id for one in await world.accepted(5)}
    assert found == {f"evt-{number}" for number in range(25)}
    assert alerts(world, "source_topic_recreated") > 0


async def test_what_is_read_again_of_the_same_topic_is_recognised(world: World) -> None:
    """Whose group lost its offsets, for example."""
    await put(world.options, world.pms, [event(number) for number in range(5)], partition=0)
    for prefix in ("one", "other"):
        world.kafka = world.kafka.model_copy(update={"group_prefix": f"{world.kafka.group_prefix}-{prefix}"})
        async with world.ingesting():
            records = await until_there_are(world.options, world.inbox, 5 if prefix == "one" else 10)
    assert accepted(records) == [f"evt-{number}" for number in range(5)]


async def test_a_topic_has_an_id_until_it_is_made_anew(world: World) -> None:
    reader = new_reader(world.options)
    await reader.start()
    try:
        before = await topic_ids(reader, [world.pms, world.care, "no-such-topic"])
        await make_anew(world, world.pms)
        after = await topic_ids(reader, [world.pms, world.care])
        while world.pms not in after:
            after = await topic_ids(reader, [world.pms, world.care])
    finally:
        await stop_consumer(reader)
    assert before.keys() == {world.pms, world.care}
    assert before[world.care] == after[world.care] != ""
    assert "" != before[world.pms] != after[world.pms] != ""
