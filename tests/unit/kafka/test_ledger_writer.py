"""What a ledger writer makes of answers that a real broker gives once a year."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pytest
from aiokafka.errors import OutOfOrderSequenceNumber

from notifier.engine.commands import Record
from notifier.kafka.failures import AppendFailed
from notifier.kafka.ledger import LedgerWriter

RECORD = Record("n/1", b"{}", 7)


@dataclass
class Written:
    offset: int


class Batch:
    def append(self, *, key: bytes, value: bytes | None, timestamp: None, headers: Sequence[tuple[str, bytes]]) -> bool:
        return True

    def close(self) -> None:
        """Nothing to do."""


class Producer:
    """Answers every batch with what it was given."""

    def __init__(self, answer: Written | Exception | None) -> None:
        self._answer = answer
        self.batches = 0

    def create_batch(self) -> Batch:
        return Batch()

    async def send_batch(self, batch: Batch, topic: str, *, partition: int) -> asyncio.Future[Any]:
        self.batches += 1
        future = asyncio.get_running_loop().create_future()
        if isinstance(self._answer, Exception):
            future.set_exception(self._answer)
        else:
            future.set_result(self._answer)
        return future


def writer_of(producer: Producer) -> LedgerWriter:
    writer = LedgerWriter({}, "ledger", 0)
    writer._producer = producer
    return writer


async def test_the_offset_of_the_first_record_is_told() -> None:
    assert await writer_of(Producer(Written(41))).append([RECORD], 1.0) == 41


@pytest.mark.parametrize("answer", [Written(-1), None, OutOfOrderSequenceNumber()], ids=str)
async def test_a_success_without_an_offset_and_a_sequence_error_are_unknown(answer: Written | Exception | None) -> None:
    """aiokafka reports DUPLICATE_SEQUENCE as a success without offset (kafka.md T7); an error leaves a gap (T3)."""
    producer = Producer(answer)
    writer = writer_of(producer)
    with pytest.raises(AppendFailed):
        await writer.append([RECORD], 1.0)
    with pytest.raises(AppendFailed, match="failed before"):
        await writer.append([RECORD], 1.0)
    assert producer.batches == 1
