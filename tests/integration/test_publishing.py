"""Outcomes and signals on a broker: order, acknowledgement, and what happens when the producer breaks."""

from __future__ import annotations

import asyncio

import msgspec
import pytest

from notifier.domain.outcomes import Outcome
from notifier.domain.signals import DeliveryStatus, Signal
from notifier.kafka.connection import Options
from notifier.kafka.failures import WriteFailed
from notifier.kafka.partitions import partition_of
from notifier.kafka.publisher import Publisher
from notifier.kafka.signal_writer import SignalWriter
from notifier.settings import TopicSettings
from tests.integration.records import whole

pytestmark = pytest.mark.integration


def outcome(number: int, tenant: str = "harbour-house") -> Outcome:
    return Outcome(
        id=f"ntf_1:{number}", type="notification.sent", time="2026-12-01T09:00:00Z", tenant=tenant, subject="ntf_1",
        traceparent="00-" + "a" * 32 + "-" + "b" * 16 + "-01", data=msgspec.Raw(b"{}"),
    )  # fmt: skip


async def test_outcomes_arrive_in_order_at_their_tenants_partition(options: Options, topics: TopicSettings) -> None:
    """And each is reported once it is acknowledged, in the same order."""
    publisher = Publisher(options, topics.name("results"))
    reported: list[str] = []
    for number in range(1200):
        publisher.publish(outcome(number), reported.extend)
    publisher.stop()
    await publisher.run()
    found = await whole(options, topics.name("results"))
    expected = [f"ntf_1:{number}" for number in range(1200)]
    assert [msgspec.json.decode(record.value or b"")["id"] for record in found] == expected
    assert reported == expected
    assert {record.key for record in found} == {b"harbour-house"}
    assert dict(found[0].headers)["content-type"] == b"application/cloudevents+json"
    assert dict(found[0].headers)["traceparent"].endswith(b"-01")


async def test_more_than_one_batch_of_the_topic_takes_is_several(options: Options, topics: TopicSettings) -> None:
    """A results topic has the broker's own limit, usually 1 MiB for a batch."""
    publisher = Publisher(options, topics.name("results"))
    large = msgspec.Raw(b'"' + b"x" * 200_000 + b'"')
    reported: list[str] = []
    for number in range(12):
        publisher.publish(msgspec.structs.replace(outcome(number), data=large), reported.extend)
    publisher.stop()
    async with asyncio.timeout(60):
        await publisher.run()
    assert reported == [f"ntf_1:{number}" for number in range(12)]


async def test_what_was_given_while_the_producer_breaks_is_delivered_in_order(
    options: Options, topics: TopicSettings
) -> None:
    """Some may come twice, with the same id and content; none is missing or overtakes."""
    publisher = Publisher(options, topics.name("results"))
    running = asyncio.create_task(publisher.run())
    reported: list[str] = []
    first = asyncio.Event()
    publisher.publish(outcome(0), lambda _: first.set())
    await first.wait()
    producer = publisher._writer._producer
    assert producer is not None
    producer._sender.sender_task.cancel()  # as if the library's own task had failed (kafka.md T3)
    await asyncio.wait({producer._sender.sender_task})
    await producer.client.close()
    producer._message_accumulator.fail_all(ConnectionError("broken on purpose"))
    for number in range(1, 50):
        publisher.publish(outcome(number), reported.extend)
    publisher.stop()
    await running
    ids = [msgspec.json.decode(record.value or b"")["id"] for record in await whole(options, topics.name("results"))]
    assert list(dict.fromkeys(ids)) == [f"ntf_1:{number}" for number in range(50)]
    assert reported == [f"ntf_1:{number}" for number in range(1, 50)]


SIGNAL = DeliveryStatus(
    tenant="north-clinic", connection="north-clinic", notification_id="ntf_1", attempt=1, message_sid="SM1",
    message_status="delivered",
)  # fmt: skip


async def test_a_signal_is_in_its_tenants_partition_when_write_returns(options: Options, topics: TopicSettings) -> None:
    writer = SignalWriter(options, topics.name("signals"))
    await asyncio.gather(*(writer.write(SIGNAL) for _ in range(5)))
    found = await whole(options, topics.name("signals"))
    await writer.close()
    assert [msgspec.json.decode(record.value or b"", type=Signal) for record in found] == [SIGNAL] * 5
    assert {record.key for record in found} == {b"north-clinic"}
    assert partition_of(b"north-clinic", 4) in range(4)


async def test_a_signal_that_cannot_be_stored_is_refused(options: Options) -> None:
    """So that the webhook answers 503 and Twilio comes again."""
    writer = SignalWriter(options | {"bootstrap_servers": "127.0.0.1:1"}, "signals")
    with pytest.raises(WriteFailed):
        await writer.write(SIGNAL)
    await writer.close()
