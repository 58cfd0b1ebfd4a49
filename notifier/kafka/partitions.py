"""Where a key lives: Kafka's default partitioner, so that producers in any language agree (contract section 3)."""

from __future__ import annotations

from functools import lru_cache

from aiokafka.partitioner import murmur2


@lru_cache(maxsize=16_384)  # keys are tenants
def partition_of(key: bytes, partitions: int) -> int:
    """The partition of `key` in a topic of so many partitions, as Java's default partitioner computes it."""
    hashed: int = murmur2(key)
    return (hashed & 0x7FFFFFFF) % partitions
