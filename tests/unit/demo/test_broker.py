"""The embedded broker: enough of Kafka for the demo."""

from __future__ import annotations

import sys

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from notifier.demo.broker import PARTITIONS, EmbeddedBrokerMissing, embedded_broker


async def test_what_is_written_is_read_back() -> None:
    with embedded_broker(["events"]) as address:
        producer = AIOKafkaProducer(bootstrap_servers=address, enable_idempotence=True)
        await producer.start()
        assert await producer.partitions_for("events") == set(range(PARTITIONS))
        await producer.send_and_wait("events", b"hello", partition=2)
        await producer.stop()
        consumer = AIOKafkaConsumer(bootstrap_servers=address, auto_offset_reset="earliest")
        await consumer.start()
        consumer.assign([TopicPartition("events", 2)])
        assert (await consumer.getone()).value == b"hello"
        await consumer.stop()


def test_where_the_simulator_is_missing_the_message_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "confluent_kafka", None)
    with pytest.raises(EmbeddedBrokerMissing, match=r"pip install 'notifier\[demo\]'"), embedded_broker():
        pass
