"""A ledger as a daemon would have written it, for commands that look at it."""

from __future__ import annotations

from collections.abc import Mapping

from notifier.engine.entities import Claim, Entity, encode_entity
from notifier.kafka.connection import Options
from notifier.kafka.partitions import partition_of
from notifier.kafka.reading import PartitionReader
from tests.integration.records import Given, put

PARTITIONS = 4


async def claim(options: Options, topic: str, tenant: str) -> int:
    """A new owner of the tenant's partition; its epoch."""
    partition = partition_of(tenant.encode(), PARTITIONS)
    epoch = await PartitionReader(options, topic, partition).end()
    await put(options, topic, [(b"claim/%d" % epoch, encode_entity(Claim(instance="x", at=1.0)), [])], partition)
    return epoch


async def write(options: Options, topic: str, tenant: str, epoch: int, entities: Mapping[str, Entity | None]) -> None:
    """As the owner with that epoch."""
    headers = [("epoch", b"%d" % epoch)]
    records: list[Given] = [
        (key.encode(), None if entity is None else encode_entity(entity), headers) for key, entity in entities.items()
    ]
    await put(options, topic, records, partition_of(tenant.encode(), PARTITIONS))
