"""A broker that stands still, is killed, comes back: nothing hangs, nothing is lost. On a Kafka of its own."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Iterator
from contextlib import aclosing, suppress

import msgspec
import pytest

from notifier.domain.outcomes import Outcome
from notifier.engine.commands import Record
from notifier.kafka.batches import BatchWriter, Message
from notifier.kafka.connection import Options, client_options
from notifier.kafka.election import Election
from notifier.kafka.failures import AppendFailed
from notifier.kafka.ledger import LedgerWriter
from notifier.kafka.publisher import Publisher
from notifier.kafka.reading import PartitionReader
from notifier.kafka.topics import admin, create, planned
from notifier.settings import KafkaSettings, TopicSettings
from tests.brokers import Broker
from tests.integration.records import put, whole
from tests.local_kafka.server import LocalKafka, LocalKafkaMissing

pytestmark = [pytest.mark.integration, pytest.mark.timeout(120)]
NODE = 1


@pytest.fixture(scope="module")
def kafka() -> Iterator[LocalKafka]:
    """One node that these tests may stop; a broker that was given is not ours to stop."""
    try:
        local = LocalKafka()
    except LocalKafkaMissing as missing:
        pytest.skip(f"needs a Kafka that can be stopped: {missing}")
    with local:
        yield local


@pytest.fixture
def broker(kafka: LocalKafka) -> Broker:
    return Broker(kafka.bootstrap_servers, "Kafka from Maven", real=True)


@pytest.fixture
def inbox(topics: TopicSettings) -> str:
    return topics.name("inbox")


async def test_an_append_to_a_broker_that_stands_still_is_unknown_and_may_land_later(
    kafka: LocalKafka, options: Options, topics: TopicSettings
) -> None:
    """The writer says so in time, closes in time, and the next writer's offset tells what became of it (rule 7)."""
    writer = LedgerWriter(options, topics.name("ledger"), 0)
    await writer.open()
    assert await writer.append([Record("n/1", b"{}", 0)], 10.0) == 0
    kafka.suspend(NODE)
    try:
        async with asyncio.timeout(10):
            with pytest.raises(AppendFailed, match="no acknowledgement"):
                await writer.append([Record("n/2", b"{}", 0)], 0.5)
            await writer.close()
    finally:
        kafka.resume(NODE)
    again = LedgerWriter(options, topics.name("ledger"), 0)
    await again.open()
    written = [await again.append([Record("claim/x", b"{}", None)], 10.0)]
    await again.close()
    assert written in ([1], [2])


async def test_an_election_outlives_a_broker_that_is_killed(
    kafka: LocalKafka, options: Options, kafka_settings: KafkaSettings, topics: TopicSettings
) -> None:
    """It goes on by itself, and hears of the group again."""
    now = asyncio.get_running_loop().time
    heard = asyncio.Event()
    election = Election(
        options, kafka_settings, topics, instance="a", now=now, changed=lambda _: None, heard=lambda _: heard.set()
    )
    running = asyncio.create_task(election.run())
    try:
        await heard.wait()
        kafka.kill(NODE)
        await asyncio.to_thread(kafka.start, NODE)
        back = now()
        while not election.answered_after(back):
            heard.clear()
            await heard.wait()
        assert election.named == frozenset(range(4))
    finally:
        election.leave()
        await running


async def test_a_reader_goes_on_behind_its_last_record_after_a_restart(
    kafka: LocalKafka, options: Options, inbox: str
) -> None:
    await put(options, inbox, [(b"k", b"%d" % n, ()) for n in range(3)], partition=0)
    values = []
    async with aclosing(PartitionReader(options, inbox, 0).follow(None)) as chunks:
        async for fetched in chunks:
            values += [record.value for record in fetched.records]
            if len(values) == 3:
                kafka.kill(NODE)
                await asyncio.to_thread(kafka.start, NODE)
                await put(options, inbox, [(b"k", b"%d" % n, ()) for n in range(3, 6)], partition=0)
            if len(values) >= 6:
                break
    assert values == [b"0", b"1", b"2", b"3", b"4", b"5"]


async def test_batches_wait_for_a_broker_that_is_away_and_keep_their_order(
    kafka: LocalKafka, options: Options, inbox: str
) -> None:
    """Doubles are possible and harmless; what is missing or out of order is not."""
    writer = BatchWriter(options, [inbox])
    await writer.write([Message(inbox, b"t", b"0", ())])
    kafka.kill(NODE)
    writing = asyncio.create_task(writer.write([Message(inbox, b"t", b"%d" % n, ()) for n in range(1, 30)]))
    await asyncio.to_thread(kafka.start, NODE)
    await writing
    await writer.close()
    values = [record.value for record in await whole(options, inbox)]
    assert list(dict.fromkeys(values)) == [b"%d" % n for n in range(30)]


async def test_outcomes_wait_for_a_broker_that_is_away(
    kafka: LocalKafka, options: Options, topics: TopicSettings
) -> None:
    publisher = Publisher(options, topics.name("results"))
    reported: list[str] = []
    running = asyncio.create_task(publisher.run())
    kafka.kill(NODE)
    for number in range(20):
        publisher.publish(
            Outcome(
                id=f"ntf:{number}", type="notification.sent", time="2026-12-01T09:00:00Z", tenant="t", subject="ntf",
                data=msgspec.Raw(b"{}"),
            ),
            reported.extend,
        )  # fmt: skip
    await asyncio.to_thread(kafka.start, NODE)
    publisher.stop()
    await running
    ids = [msgspec.json.decode(record.value or b"")["id"] for record in await whole(options, topics.name("results"))]
    assert list(dict.fromkeys(ids)) == reported == [f"ntf:{number}" for number in range(20)]


async def test_everything_closes_in_time_while_the_broker_stands_still(
    kafka: LocalKafka, options: Options, kafka_settings: KafkaSettings, topics: TopicSettings
) -> None:
    """SIGTERM during an outage: leaving, closing and stopping are all bounded (kafka.md B6, B7, B8)."""
    election = Election(
        options, kafka_settings, topics, instance="a", now=asyncio.get_running_loop().time, changed=lambda _: None
    )
    running = asyncio.create_task(election.run())
    publisher = Publisher(options, topics.name("results"))
    publishing = asyncio.create_task(publisher.run())
    writer = LedgerWriter(options, topics.name("ledger"), 0)
    await writer.open()
    await writer.append([Record("n/1", b"{}", 0)], 10.0)
    kafka.suspend(NODE)
    try:
        async with asyncio.timeout(20):
            publisher.publish(
                Outcome(id="ntf:1", type="t", time="", tenant="t", subject="", data=msgspec.Raw(b"{}")), lambda _: None
            )
            election.leave()
            publishing.cancel()
            with suppress(asyncio.CancelledError):
                await publishing
            await writer.close()
            await running
    finally:
        kafka.resume(NODE)


async def test_topics_can_be_made_on_a_broker_that_has_just_come_back(kafka: LocalKafka) -> None:
    settings = TopicSettings(prefix=f"test-{uuid.uuid4().hex[:12]}.")
    await asyncio.to_thread(kafka.stop, NODE)
    await asyncio.to_thread(kafka.start, NODE)
    async with admin(client_options(KafkaSettings(bootstrap_servers=kafka.bootstrap_servers))) as client:
        created = await create(client, planned(settings, partitions=2, replication=1), 1)
    assert set(created.values()) == {True}
