"""The writer of one partition's ledger: a CLAIM begins with a new producer, everything after it uses the same one."""

from __future__ import annotations

from notifier.app.ports import LedgerWriting, PartitionStore
from notifier.engine.commands import Record


class Appender:
    """Rule 7: whoever does not know how an append ended throws the producer away."""

    def __init__(self, store: PartitionStore, deadline: float) -> None:
        self._store, self._deadline = store, deadline
        self._writer: LedgerWriting | None = None

    async def append(self, records: tuple[Record, ...]) -> int:
        """One atomic batch; returns the offset of its first record. Raises `AppendFailed` when that is not known."""
        if records[0].epoch is None or self._writer is None:
            await self.close()
            writer = self._store.new_writer()
            await writer.open()
            self._writer = writer
        return await self._writer.append(records, self._deadline)

    async def close(self) -> None:
        writer, self._writer = self._writer, None
        if writer is not None:
            await writer.close()
