"""Where a key lives: Kafka's default partitioner, so that producers in any language agree (contract section 3)."""

from __future__ import annotations

from functools import lru_cache

from aiokafka.partitioner import murmur2


def partition_of(key: bytes, partitions: int) -> int:
    """The partition of `key` in a topic of so many partitions, as Java's default partitioner computes it."""
    hashed: int = murmur2(key)
    return (hashed & 0x7FFFFFFF) % partitions


@lru_cache(maxsize=16_384)
def partition_of_tenant(tenant: bytes, partitions: int) -> int:
    """The same for a tenant that is configured: they are few, every text asks, and the hash is Python."""
    return partition_of(tenant, partitions)
