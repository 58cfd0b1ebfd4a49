"""`notifier.dead-letters` read back: what was refused, why, from where, and what of it was replayed since.

Rules: our own headers stand behind the record's (`intake.dead_letter`), so that whatever a producer named its headers,
taking ours off gives back the original. A mark (null value, header `notifier-replayed`) stands in the partition of the
dead letter that it speaks of, also where there is no key.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from notifier.kafka.batches import Headers, Message
from notifier.kafka.connection import Options
from notifier.kafka.reading import PartitionReader, RawRecord
from notifier.kafka.topic_scan import Progress, Scanned, scan

REPLAYED_HEADER = "notifier-replayed"
_TRUNCATED = "notifier-truncated"
_OURS = (
    "notifier-reason", "notifier-detail", "notifier-topic", "notifier-partition", "notifier-offset", "notifier-time",
)  # fmt: skip
_POSITION = re.compile(r"(\d{1,9}):(\d{1,18})", re.ASCII)


class Position(NamedTuple):
    """Where a dead letter stands in `notifier.dead-letters`."""

    partition: int
    offset: int

    def __str__(self) -> str:
        return f"{self.partition}:{self.offset}"


class Origin(NamedTuple):
    """Where the record stood in its source topic."""

    topic: str
    partition: int
    offset: int

    def __str__(self) -> str:
        return f"{self.topic}:{self.partition} offset {self.offset}"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetter:
    """A refused record without its value, which may be large. `time` as ingest wrote it, RFC 3339.

    `truncated`: the full size of the value where the dead letter is not the whole record, else None. `size` is that
    of the value as it lies here, None for a null value.
    """

    position: Position
    origin: Origin
    reason: str
    detail: str
    time: str
    key: bytes | None
    headers: Headers
    size: int | None
    truncated: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Original:
    """The record as its producer wrote it, to be understood once more; `timestamp` is of no meaning here."""

    offset: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...]
    timestamp: int = 0


@dataclass(slots=True)
class Letters:
    """All of the topic. `foreign`: records that are neither dead letters of ours nor marks."""

    found: dict[Position, DeadLetter] = field(default_factory=dict)
    replayed: set[Position] = field(default_factory=set)
    foreign: int = 0

    def in_order(self) -> list[DeadLetter]:
        """By source partition, in the order in which the producer wrote them."""
        return sorted(self.found.values(), key=lambda letter: (letter.origin, letter.position))


Look = Callable[[DeadLetter, bytes | None], None]


async def read_letters(
    options: Options, topic: str, partitions: Iterable[int], look: Look | None = None, progress: Progress | None = None
) -> tuple[Letters, Scanned]:
    """The topic as it is now; `look` sees each dead letter with its value."""
    letters = Letters()

    def take(partition: int, record: RawRecord) -> None:
        letter = parse_letter(partition, record)
        if letter is not None:
            letters.found[letter.position] = letter
            if look is not None:
                look(letter, record.value)
        elif (marked := _marked(record)) is not None:
            letters.replayed.add(marked)
        else:
            letters.foreign += 1

    scanned = await scan(options, topic, partitions, take, progress)
    return letters, scanned


async def read_values(options: Options, topic: str, positions: Collection[Position]) -> dict[Position, bytes | None]:
    """The values of dead letters; without those that retention deleted meanwhile."""
    values: dict[Position, bytes | None] = {}
    for partition in sorted({position.partition for position in positions}):
        offsets = {position.offset for position in positions if position.partition == partition}
        reader = PartitionReader(options, topic, partition)
        async with aclosing(reader.read(min(offsets), max(offsets) + 1)) as chunks:
            async for fetched in chunks:
                for record in fetched.records:
                    if record.offset in offsets:
                        values[Position(partition, record.offset)] = record.value
    return values


def parse_letter(partition: int, record: RawRecord) -> DeadLetter | None:
    """None for what is no dead letter of ours."""
    headers, truncated = list(record.headers), None
    if headers and headers[-1][0] == _TRUNCATED:
        truncated = _number(headers.pop()[1])
    own, ours = headers[: -len(_OURS)], headers[-len(_OURS) :]
    if tuple(name for name, _ in ours) != _OURS:
        return None
    reason, detail, topic, _, _, time = (content.decode("utf-8", "replace") for _, content in ours)
    source_partition, source_offset = _number(ours[3][1]), _number(ours[4][1])
    if source_partition is None or source_offset is None or not _is_time(time):
        return None
    return DeadLetter(
        position=Position(partition, record.offset), origin=Origin(topic, source_partition, source_offset),
        reason=reason, detail=detail, time=time, key=record.key, headers=tuple(own),
        size=None if record.value is None else len(record.value), truncated=truncated,
    )  # fmt: skip


def parse_position(text: str) -> Position:
    """Raises ValueError, saying what is allowed."""
    match = _POSITION.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is no PARTITION:OFFSET such as 0:12, as `notifier dead-letters list` shows it")
    return Position(int(match[1]), int(match[2]))


def mark_of(letter: DeadLetter, topic: str) -> Message:
    """The record that says that it was replayed."""
    return Message(topic, letter.key, None, ((REPLAYED_HEADER, str(letter.position).encode()),))


def original_of(letter: DeadLetter, value: bytes | None) -> Original:
    headers = tuple((name, content or b"") for name, content in letter.headers)
    return Original(offset=letter.origin.offset, key=letter.key, value=value, headers=headers)


def _marked(record: RawRecord) -> Position | None:
    if record.value is not None:
        return None
    for name, content in record.headers:
        if name == REPLAYED_HEADER:
            match = _POSITION.fullmatch(content.decode("utf-8", "replace"))
            return None if match is None else Position(int(match[1]), int(match[2]))
    return None


def _is_time(text: str) -> bool:
    try:
        return datetime.fromisoformat(text).tzinfo is not None
    except ValueError:
        return False


def _number(content: bytes | None) -> int | None:
    text = (content or b"").decode("ascii", "replace")
    return int(text) if text.isdigit() and len(text) < 19 else None
