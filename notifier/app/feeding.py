"""Inbox and signals of one partition, read from where the ledger says and handed to the engine as it wants them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import aclosing

from notifier.app.ports import Following, PartitionStore
from notifier.engine.inputs import InboxRecord, SignalRecord


class Feed:
    """An inbox record waits until the configuration that its ingest knew is known here, too, and the engine wants one.
    Signals wait for no event, only for the ledger when it is slow."""

    def __init__(
        self,
        store: PartitionStore,
        following: Following,
        give: Callable[[InboxRecord | SignalRecord], None],
        wants_inbox: Callable[[], bool],
        wants_signals: Callable[[], bool],
    ) -> None:
        self._store, self._following, self._give = store, following, give
        self._wants_inbox, self._wants_signals = wants_inbox, wants_signals
        self._changed = asyncio.Event()
        self.inbox_end = 0  # one behind the newest inbox record that was seen

    def look_again(self) -> None:
        """Something changed; the engine may want a record now."""
        self._changed.set()

    async def inbox(self, offset: int | None) -> None:
        """From `offset` (None: the beginning), until cancelled. Raises `PositionLost`."""
        async with aclosing(self._store.read_inbox(offset)) as chunks:
            async for records in chunks:
                self.inbox_end = records[-1].offset + 1 if records else self.inbox_end
                for record in records:
                    if self._following.catalog.offset < record.event.configOffset:
                        await self._following.wait_for(record.event.configOffset)
                    if not self._wants_inbox():  # who need not wait is spared the coroutine: every event pays for it
                        await self._until(self._wants_inbox)
                    self._give(record)

    async def _until(self, wanted: Callable[[], bool]) -> None:
        while not wanted():
            self._changed.clear()
            await self._changed.wait()

    async def signals(self, offset: int | None) -> None:
        async with aclosing(self._store.read_signals(offset)) as chunks:
            async for records in chunks:
                for record in records:
                    await self._until(self._wants_signals)
                    self._give(record)
