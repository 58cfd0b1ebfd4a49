"""The role ingest on a broker: sources to inbox and dead letters, halts, restarts, topics made anew."""

from __future__ import annotations

from collections import Counter

import msgspec
import pytest
from aiokafka import AIOKafkaProducer, TopicPartition

from notifier.domain.catalog import Catalog
from notifier.kafka.config_topic import ConfigFollower
from notifier.kafka.connection import Options
from notifier.kafka.store import inbox_record
from notifier.kafka.topics import admin
from notifier.settings import KafkaSettings, TopicSettings
from tests import poison
from tests.brokers import Broker
from tests.integration.ingesting import World, alerts, commit, delete_before, event, resume, until_halted
from tests.integration.records import Given, put, until_there_are, whole

pytestmark = pytest.mark.integration
JUNK: Given = (b"k", b"\xff", ())


@pytest.fixture
async def world(broker: Broker, options: Options, kafka_settings: KafkaSettings, topics: TopicSettings) -> World:
    world = World(options, kafka_settings, topics)
    await world.configure()
    return world


async def test_an_event_reaches_the_inbox_with_its_source_position(world: World) -> None:
    await put(world.options, world.pms, [event(1)], partition=3)
    async with world.ingesting():
        (record,) = await until_there_are(world.options, world.inbox, 1)
    read = inbox_record(record)
    assert (read.event.id, read.event.tenant, read.event.platform) == ("evt-1", poison.PMS_TENANT, "pms")
    assert read.event.configOffset == 1
    number, _, _topic_id = read.position.partition.partition("@")
    assert (read.position.topic, number, read.position.offset) == (world.pms, "3", 0)
    assert (read.position.incarnation, record.key) == (0, poison.PMS_TENANT.encode())
    assert read.position.timestamp > 0


async def test_all_bad_records_become_dead_letters_and_all_good_ones_arrive(world: World) -> None:
    """The whole poison corpus, mixed with good events of both platforms."""
    for platform, topic in (("pms", world.pms), ("care", world.care)):
        records = [record for pair in zip(poison.POISON, poison.GOOD * 99, strict=False) for record in pair]
        mine = [(record.key, record.value, record.headers) for record in records if record.topic == platform]
        await put(world.options, topic, mine, partition=0)
    bad = Counter(record.reason for record in poison.POISON)
    good = sum(1 for _, record in zip(poison.POISON, poison.GOOD * 99, strict=False))
    async with world.ingesting(halt_after=0):
        dead = await until_there_are(world.options, world.dead, sum(bad.values()))
        await world.accepted(good)
    reasons = Counter(dict(record.headers)["notifier-reason"].decode() for record in dead)
    assert reasons == bad
    assert len(await whole(world.options, world.inbox)) == good


async def test_a_dead_letter_is_the_original_with_what_is_wrong_beside_it(world: World) -> None:
    await put(world.options, world.pms, [(b"the key", b"{", [("x", b"1")])], partition=2)
    async with world.ingesting():
        (dead,) = await until_there_are(world.options, world.dead, 1)
    headers = dict(dead.headers)
    assert (dead.key, dead.value, headers.pop("x")) == (b"the key", b"{", b"1")
    assert headers.pop("notifier-detail").startswith(b"value: ")
    assert headers.pop("notifier-time").startswith(b"20")
    assert headers == {
        "notifier-reason": b"not_json",
        "notifier-topic": world.pms.encode(),
        "notifier-partition": b"2",
        "notifier-offset": b"0",
    }


class Lagging:
    """A configuration that is only known as far as somebody insisted."""

    def __init__(self, follower: ConfigFollower) -> None:
        self._follower = follower
        self.catalog = follower.catalog

    async def wait_for_end(self) -> Catalog:
        self.catalog = await self._follower.wait_for_end()
        return self.catalog


async def test_a_tenant_that_is_configured_just_before_its_event_is_known(world: World) -> None:
    """An unknown tenant is looked for in all that was written to the configuration before the event arrived."""
    async with world.ingesting(following=Lagging):
        await put(world.options, world.pms, [event(1)])
        await world.accepted(1)
        await world.configure({"new-house": "pms"})
        await put(world.options, world.pms, [event(2, "new-house"), event(3, "no-such-house")])
        accepted = await world.accepted(2)
        (dead,) = await until_there_are(world.options, world.dead, 1)
    assert [one.tenant for one in accepted] == [poison.PMS_TENANT, "new-house"]
    assert accepted[1].configOffset == 2
    assert dict(dead.headers)["notifier-reason"] == b"unknown_tenant"


async def test_the_order_of_a_source_partition_is_kept(world: World) -> None:
    await put(world.options, world.pms, [event(number) for number in range(1500)], partition=1)
    async with world.ingesting():
        accepted = await world.accepted(1500)
    assert [one.id for one in accepted] == [f"evt-{number}" for number in range(1500)]


async def test_a_restart_goes_on_where_it_stopped(world: World) -> None:
    for number in range(3):
        await put(world.options, world.pms, [event(number)], partition=0)
        async with world.ingesting():
            await world.accepted(number + 1)
    assert [one.id for one in await world.accepted(3)] == ["evt-0", "evt-1", "evt-2"]


async def test_a_broken_producer_loses_nothing_and_keeps_the_order(world: World) -> None:
    async with world.ingesting() as role:
        await put(world.options, world.pms, [event(0)], partition=0)
        await world.accepted(1)
        producer = role._writer._producer
        assert producer is not None
        await producer.client.close()
        producer._message_accumulator.fail_all(ConnectionError("broken on purpose"))
        await put(world.options, world.pms, [event(number) for number in range(1, 20)], partition=0)
        accepted = await world.accepted(20)
    ids = list(dict.fromkeys(one.id for one in accepted))
    assert ids == [f"evt-{number}" for number in range(20)]


async def test_too_much_junk_halts_its_partition_until_somebody_resumes_it(world: World) -> None:
    """The other partitions go on, the halt outlives restarts, and nothing is counted or written twice."""
    name = f"{world.pms}:0"
    await put(world.options, world.pms, [JUNK] * 3 + [event(1)], partition=0)
    async with world.ingesting(halt_after=3):
        halt = await until_halted(world, name)
        await put(world.options, world.pms, [event(2)], partition=1)
        assert [one.id for one in await world.accepted(1)] == ["evt-2"]
    assert halt.offset == 3
    async with world.ingesting(halt_after=3):
        await put(world.options, world.pms, [event(3)], partition=1)
        assert {one.id for one in await world.accepted(2)} == {"evt-2", "evt-3"}
        await resume(world, name)
        assert {one.id for one in await world.accepted(3)} == {"evt-1", "evt-2", "evt-3"}
    assert len(await whole(world.options, world.dead)) == 3


async def test_a_topic_that_was_made_anew_is_read_from_its_beginning(real_kafka: Broker, world: World) -> None:
    """As another incarnation, so that the engine does not take its offsets for those it has seen."""
    await commit(world, TopicPartition(world.pms, 0), 50)
    await put(world.options, world.pms, [event(1)], partition=0)
    for number in range(2):
        async with world.ingesting():
            await put(world.options, world.pms, [event(2 + number)], partition=0)
            found = await until_there_are(world.options, world.inbox, 2 + number)
    positions = [inbox_record(record).position for record in found]
    assert [at.offset for at in positions] == [0, 1, 2]
    assert positions[0].incarnation > 0
    assert len({at.incarnation for at in positions}) == 1
    assert alerts(world, "source_topic_recreated") == 1.0


async def test_records_deleted_before_they_were_read_halt_their_partition_until_somebody_resumes_it(
    real_kafka: Broker, world: World
) -> None:
    """By a clear alert; the other partitions go on, and after the resume everything that is there arrives once."""
    name, at = f"{world.pms}:0", TopicPartition(world.pms, 0)
    await commit(world, at, 2)
    await put(world.options, world.pms, [event(number) for number in range(10)], partition=0)
    await delete_before(world, at, 5)
    async with world.ingesting(halt_after=0):
        halt = await until_halted(world, name)
        await put(world.options, world.pms, [event(10)], partition=1)
        assert [one.id for one in await world.accepted(1)] == ["evt-10"]
    assert (halt.offset, halt.reason) == (5, "records 2 to 4 were deleted before they were read")
    async with world.ingesting(halt_after=0) as role:
        while (source := role._sources.get((world.pms, 0))) is None or not source.paused:
            await whole(world.options, world.inbox)
        await delete_before(world, at, 7)  # retention does not wait for people
        await resume(world, name)
        assert {one.id for one in await world.accepted(4)} == {"evt-10", "evt-7", "evt-8", "evt-9"}
    assert alerts(world, "halted") == 1.0
    assert alerts(world, "source_records_lost") == 2.0


async def test_the_marks_of_transactions_are_no_records_that_were_lost(real_kafka: Broker, world: World) -> None:
    """Not even when retention deletes a topic that was read to its end."""
    at = TopicPartition(world.pms, 0)
    producer = AIOKafkaProducer(**world.options, transactional_id=f"t-{world.pms}")
    await producer.start()
    async with producer.transaction():
        key, value, headers = event(1)
        await producer.send_and_wait(world.pms, value, key=key, headers=list(headers), partition=0)
    await producer.stop()
    async with world.ingesting() as role:
        await world.accepted(1)
        while (source := role._sources.get((world.pms, 0))) is None or source.next_offset < 2:
            await whole(world.options, world.inbox)
    await delete_before(world, at, 2)
    async with world.ingesting():
        await put(world.options, world.pms, [event(2)], partition=0)
        assert [one.id for one in await world.accepted(2)] == ["evt-1", "evt-2"]
    assert alerts(world, "source_records_lost") == 0.0


async def test_a_fresh_group_can_begin_at_the_end(real_kafka: Broker, world: World) -> None:
    await put(world.options, world.pms, [event(1)], partition=0)
    async with world.ingesting(start="latest"):
        while not await has_committed(world):
            pass
        await put(world.options, world.pms, [event(2)], partition=0)
        assert [one.id for one in await world.accepted(1)] == ["evt-2"]


async def has_committed(world: World) -> bool:
    async with admin(world.options) as client:
        return bool(await client.list_consumer_group_offsets(world.kafka.group("ingest")))


async def test_two_members_share_the_sources_and_one_takes_over_when_the_other_stops(
    real_kafka: Broker, world: World
) -> None:
    async with world.ingesting("a") as one:
        async with world.ingesting("b") as other:
            while not (one._assigned and other._assigned):
                await whole(world.options, world.inbox)
            for partition in range(4):
                await put(world.options, world.pms, [event(partition)], partition=partition)
            await world.accepted(4)
        for partition in range(4):
            await put(world.options, world.pms, [event(10 + partition)], partition=partition)
        accepted = await world.accepted(8)
    assert {one.id for one in accepted} == {f"evt-{n}" for n in (0, 1, 2, 3, 10, 11, 12, 13)}


async def test_values_are_the_json_of_an_inbox_event(world: World) -> None:
    await put(world.options, world.pms, [event(1)], partition=0)
    async with world.ingesting():
        (record,) = await until_there_are(world.options, world.inbox, 1)
    assert msgspec.json.decode(record.value or b"")["data"]["key"]["id"] == "key_5510"
