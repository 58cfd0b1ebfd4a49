"""Where reading of a source partition begins: committed positions, fresh groups, topics made anew. No I/O.

A partition that ends before the committed position is not the one that was read (a recreated topic): its offsets begin
a new incarnation, by whose number the engine tells them from those of the old one (design rule 8). The number is the
time of the discovery in milliseconds, kept beside the committed offset.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from notifier.kafka.membership import Committed

RECREATED = "source_topic_recreated"
RECORDS_LOST = "source_records_lost"

_NOTE = re.compile(r"incarnation=(\d{1,18})")


class Beginning(NamedTuple):
    """`alert`: the name of a log event that a person must see."""

    offset: int
    incarnation: int
    alert: str | None = None


def note(incarnation: int) -> str:
    """The text beside a committed offset."""
    return f"incarnation={incarnation}"


def incarnation_of(committed: Committed) -> int:
    found = _NOTE.search(committed.note)
    return int(found[1]) if found else 0


def beginning(committed: Committed | None, oldest: int, end: int, fresh: int, now_ms: int) -> Beginning:
    """Where to read on in a log that holds `[oldest, end)`; `fresh` is where a group without offsets begins.

    Records that were deleted before anybody read them are lost whatever is done here; `RECORDS_LOST` halts the
    partition.
    """
    if committed is None:
        return Beginning(fresh, 0)
    incarnation = incarnation_of(committed)
    if committed.offset > end:
        return Beginning(oldest, max(now_ms, incarnation + 1), RECREATED)
    if committed.offset < oldest:
        return Beginning(oldest, incarnation, RECORDS_LOST)
    return Beginning(committed.offset, incarnation)
