"""The ledger as a table, for commands that look: the newest valid value of each entity, read without taking part.

Rules: validity is the engine's own (`engine.validity`), so that what a former owner wrote too late is not shown, also
where nothing else is left of a key. What is not wanted is neither decoded nor kept; values are handed over as bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

from notifier.engine.validity import is_claim, is_valid
from notifier.kafka.connection import Options
from notifier.kafka.ledger import EPOCH_HEADER
from notifier.kafka.reading import RawRecord
from notifier.kafka.topic_scan import Progress, Scanned, scan

Wanted = Callable[[str, bytes], bool]  # key and value


class Row(NamedTuple):
    """What stands under one key. `time`: when it was written, milliseconds."""

    partition: int
    offset: int
    time: int
    key: str
    value: bytes


class LedgerTable:
    """Takes the records of any number of partitions, each in its order."""

    def __init__(self, wanted: Wanted) -> None:
        self._wanted = wanted
        self._claims: dict[int, int] = {}
        self._rows: dict[tuple[int, str], Row] = {}

    def take(self, partition: int, record: RawRecord) -> None:
        key = (record.key or b"").decode()
        if is_claim(key):
            if record.value is not None:
                self._claims[partition] = record.offset
        elif is_valid(_epoch(record), self._claims.get(partition, -1)):
            if record.value is not None and self._wanted(key, record.value):
                self._rows[partition, key] = Row(partition, record.offset, record.timestamp, key, record.value)
            else:
                self._rows.pop((partition, key), None)

    def rows(self) -> list[Row]:
        """What stands now."""
        return list(self._rows.values())


def _epoch(record: RawRecord) -> int | None:
    return next((int(value) for name, value in record.headers if name == EPOCH_HEADER), None)


async def read_table(
    options: Options, topic: str, partitions: Iterable[int], wanted: Wanted, progress: Progress | None = None
) -> tuple[list[Row], Scanned]:
    """The rows that are wanted, to the end of the ledger as it is now. Goes on after trouble with the brokers."""
    table = LedgerTable(wanted)
    scanned = await scan(options, topic, partitions, table.take, progress)
    return table.rows(), scanned
