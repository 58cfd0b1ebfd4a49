"""The ledger as a table for those who only look."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from notifier.kafka.ledger_table import LedgerTable


@dataclass
class Raw:
    key: bytes
    value: bytes | None
    headers: Sequence[tuple[str, bytes]]
    offset: int
    timestamp: int = 7


class Log:
    """One partition's records, each at the next offset."""

    def __init__(self, table: LedgerTable, partition: int = 0) -> None:
        self._table, self._partition, self._offset = table, partition, 0

    def claim(self) -> int:
        return self._write(b"claim/x", b"{}", [])

    def write(self, key: str, value: bytes | None, epoch: int) -> int:
        return self._write(key.encode(), value, [("epoch", b"%d" % epoch)])

    def _write(self, key: bytes, value: bytes | None, headers: Sequence[tuple[str, bytes]]) -> int:
        offset, self._offset = self._offset, self._offset + 1
        self._table.take(self._partition, Raw(key, value, headers, offset))
        return offset


def all_of_it() -> LedgerTable:
    return LedgerTable(lambda _key, _value: True)


def values(table: LedgerTable) -> dict[str, bytes]:
    return {row.key: row.value for row in table.rows()}


def test_the_newest_value_stands_and_a_tombstone_takes_it_away() -> None:
    table = all_of_it()
    log = Log(table)
    epoch = log.claim()
    for key, value in (("n/1", b"a"), ("n/2", b"b"), ("n/1", b"c"), ("n/2", None)):
        log.write(key, value, epoch)
    assert [(row.key, row.value, row.offset, row.time) for row in table.rows()] == [("n/1", b"c", 3, 7)]


def test_what_a_former_owner_wrote_after_a_newer_claim_does_not_count() -> None:
    """Neither its values nor its tombstones; and where nothing else is left of a key, nothing is shown."""
    table = all_of_it()
    log = Log(table)
    former = log.claim()
    log.write("n/1", b"a", former)
    log.write("n/2", b"b", former)
    present = log.claim()
    log.write("n/1", b"late", former)
    log.write("n/2", None, former)
    log.write("n/3", b"late", former)
    log.write("n/4", b"d", present)
    assert values(table) == {"n/1": b"a", "n/2": b"b", "n/4": b"d"}


def test_a_claim_counts_in_its_own_partition_only() -> None:
    table = all_of_it()
    one, other = Log(table, 0), Log(table, 1)
    epoch = one.claim()
    for _ in range(5):
        other.claim()
    one.write("n/1", b"a", epoch)
    other.write("n/1", b"late", epoch)
    assert [(row.partition, row.value) for row in table.rows()] == [(0, b"a")]


def test_what_is_not_wanted_any_more_takes_away_what_was() -> None:
    table = LedgerTable(lambda _key, value: b"parked" in value)
    log = Log(table)
    epoch = log.claim()
    log.write("n/1", b"parked", epoch)
    log.write("n/2", b"parked", epoch)
    log.write("n/1", b"resolved", epoch)
    assert values(table) == {"n/2": b"parked"}
