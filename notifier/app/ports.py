"""What the partition driver needs from the shells, in its own words."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Sequence
from typing import Protocol

from notifier.domain.answers import LookRequest, MessageMatch, MessageState, SendRequest, SendResult
from notifier.domain.catalog import Catalog
from notifier.domain.outcomes import Outcome
from notifier.engine.commands import Record
from notifier.engine.inputs import InboxRecord, LedgerRecord, SignalRecord


class LedgerWriting(Protocol):
    """One producer for one ledger partition; after any failure it is thrown away."""

    async def open(self) -> None: ...
    async def append(self, records: Sequence[Record], deadline: float) -> int: ...
    async def close(self) -> None: ...


class PartitionStore(Protocol):
    """The three topics of one partition."""

    def new_writer(self) -> LedgerWriting: ...
    def read_ledger(self, start: int, end: int | None) -> AsyncGenerator[tuple[Sequence[LedgerRecord], int], None]: ...
    def read_inbox(self, offset: int | None) -> AsyncGenerator[Sequence[InboxRecord], None]: ...
    def read_signals(self, offset: int | None) -> AsyncGenerator[Sequence[SignalRecord], None]: ...
    async def signals_end(self) -> int: ...


class Texting(Protocol):
    """Twilio; none of these raises for what the other side or the line does."""

    async def send(self, request: SendRequest) -> SendResult: ...
    async def look(self, request: LookRequest) -> tuple[MessageMatch, ...] | None: ...
    async def fetch(self, connection: str, sid: str) -> MessageState | None: ...


class Publishing(Protocol):
    @property
    def waiting(self) -> int:
        """Outcomes that are not acknowledged yet."""

    def publish(self, outcome: Outcome, published: Callable[[tuple[str, ...]], None]) -> None: ...


class Following(Protocol):
    """The configuration, as it is followed."""

    @property
    def catalog(self) -> Catalog: ...
    async def wait_for(self, offset: int) -> None: ...
