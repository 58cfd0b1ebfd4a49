"""What commands that only look at the ledger share: which partitions, and the rows that are wanted of them."""

from __future__ import annotations

from notifier.commands.progress import scanning
from notifier.kafka.connection import client_options
from notifier.kafka.ledger_table import Row, Wanted, read_table
from notifier.kafka.partitions import partition_of
from notifier.kafka.topic_scan import partition_counts
from notifier.settings import Settings


async def ledger_rows(settings: Settings, tenant: str | None, wanted: Wanted) -> list[Row]:
    """The ledger as it is now; with a tenant, only the partition that its own work is in."""
    options, topic = client_options(settings.kafka), settings.topics.name("ledger")
    count = (await partition_counts(options, [topic]))[topic]
    with scanning("reading the ledger") as progress:
        rows, _ = await read_table(options, topic, partitions_for(tenant, count), wanted, progress)
    return rows


def partitions_for(tenant: str | None, count: int) -> tuple[int, ...]:
    """Of a topic that is keyed by tenant: all, or the tenant's."""
    return tuple(range(count)) if tenant is None else (partition_of(tenant.encode(), count),)
