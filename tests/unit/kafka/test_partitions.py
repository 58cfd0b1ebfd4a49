"""Keys go where Java's default partitioner puts them."""

from __future__ import annotations

import pytest

from notifier.kafka.partitions import partition_of

# Hashes from Kafka's own UtilsTest.testMurmur2.
KAFKAS_OWN = {
    b"21": -973932308,
    b"foobar": -790332482,
    b"a-little-bit-long-string": -985981536,
    b"a-little-bit-longer-string": -1486304829,
    b"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8": -58897971,
}


@pytest.mark.parametrize(("key", "hashed"), KAFKAS_OWN.items())
def test_partitions_are_those_of_kafkas_default_partitioner(key: bytes, hashed: int) -> None:
    assert partition_of(key, 12) == (hashed & 0x7FFFFFFF) % 12
