"""An embedded broker: librdkafka's simulator, speaking Kafka's protocol over TCP inside this process.

For the demo and for tests where neither Java nor Docker is at hand. Its limits: every topic has 4 partitions and
appears when it is first asked for (no creation by an admin client, no topic settings, no compaction), a consumer group
has one member only, there are no transactions, and old records are dropped beyond some megabytes a partition. All is
gone when it closes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

PARTITIONS = 4
_ANSWER_SECONDS = 10.0


class EmbeddedBrokerMissing(Exception):
    """The optional dependency is not installed; the message says what to install."""


@contextmanager
def embedded_broker(topics: Iterable[str] = ()) -> Iterator[str]:
    """A broker with these topics; yields its address, `host:port`. Raises `EmbeddedBrokerMissing`."""
    try:
        from confluent_kafka import Producer
    except ImportError as error:
        raise EmbeddedBrokerMissing(
            "the embedded broker needs confluent-kafka: pip install 'notifier[demo]',"
            " or set NOTIFIER_KAFKA__BOOTSTRAP_SERVERS and use a real cluster"
        ) from error
    # The simulator replaces the address and lives as long as this producer, whose notices of it are not for readers.
    owner = Producer({"bootstrap.servers": "embedded:9092", "test.mock.num.brokers": 1, "log_level": 0})
    for topic in topics:
        owner.list_topics(topic, timeout=_ANSWER_SECONDS)
    broker = next(iter(owner.list_topics(timeout=_ANSWER_SECONDS).brokers.values()))
    yield f"{broker.host}:{broker.port}"
