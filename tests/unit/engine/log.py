"""The ledger's log, as a broker would hold it: records at offsets, with the epoch of whoever wrote them."""

from __future__ import annotations

from dataclasses import dataclass, field

from notifier.engine.commands import Record
from notifier.engine.entities import Claim, Entity, Positions, encode_entity
from notifier.engine.inputs import LedgerRecord
from tests.unit.engine.builders import START


@dataclass
class Ledger:
    """The log, which outlives every shell that writes to it."""

    records: list[LedgerRecord] = field(default_factory=list)

    def write(self, records: tuple[Record, ...]) -> int:
        first = len(self.records)
        self.records += [
            LedgerRecord(first + number, record.key, record.value, record.epoch)
            for number, record in enumerate(records)
        ]
        return first

    def claim(self, instance: str = "other", at: float = START) -> int:
        """Somebody claims the partition; returns the epoch."""
        name = f"claim/{instance}-{len(self.records)}"
        return self.write((Record(name, encode_entity(Claim(instance=instance, at=at)), None),))

    def put(self, key: str, value: Entity | None, epoch: int) -> int:
        """One record of somebody's; None is a tombstone."""
        return self.write((Record(key, None if value is None else encode_entity(value), epoch),))

    def passed(self, epoch: int, inbox: int) -> int:
        """The owner of `epoch` has accepted the inbox up to here."""
        return self.put(f"w/{epoch}", Positions(inbox=inbox, signals=0), epoch)

    def newest(self, key: str) -> LedgerRecord:
        return [record for record in self.records if record.key == key][-1]
