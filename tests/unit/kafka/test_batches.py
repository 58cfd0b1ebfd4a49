"""Which partition a message goes to, and what is remembered of the answer."""

from __future__ import annotations

from notifier.kafka.batches import BatchWriter, Message
from notifier.kafka.partitions import partition_of, partition_of_tenant


def place(message: Message) -> tuple[str, int]:
    writer = BatchWriter({}, (message.topic,))
    writer._partitions[message.topic] = 12
    return writer._place(message)


def test_a_key_goes_where_kafka_puts_it_whoever_chose_it() -> None:
    for key in (b"harbour-house", b"north-clinic", b"+12025550123"):
        expected = ("inbox", partition_of(key, 12))
        assert place(Message("inbox", key, b"", (), of_tenant=True)) == expected
        assert place(Message("inbox", key, b"", ())) == expected


def test_without_a_key_the_lot_decides() -> None:
    assert place(Message("letters", None, b"", (), lot=14)) == ("letters", 2)


def test_a_key_that_a_producer_chose_is_not_remembered() -> None:
    """It may be a megabyte, or a person's number, and there may be many of them."""
    before = partition_of_tenant.cache_info().currsize
    for number in range(100):
        place(Message("letters", b"%d" % number * 1000, b"", ()))
    assert partition_of_tenant.cache_info().currsize == before
