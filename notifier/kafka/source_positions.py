"""Where reading of a source partition begins: committed positions, fresh groups, topics made anew. No I/O.

A partition whose topic has another id than the one that was read, or that ends before the committed position, is not
the one that was read (a recreated topic): it is read from its oldest record, whatever its offsets are. The id stands in
the name of the partition, so that the engine tells it from the old one (design rule 8); brokers that tell no ids are
helped out by an incarnation, the time of the discovery in milliseconds. Both are kept beside the committed offset.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from notifier.kafka.membership import Committed

RECREATED = "source_topic_recreated"
RECORDS_LOST = "source_records_lost"

_INCARNATION = re.compile(r"incarnation=(\d{1,18})")
_TOPIC = re.compile(r"topic=([A-Za-z0-9_-]{22})")


class Beginning(NamedTuple):
    """`alert`: the name of a log event that a person must see."""

    offset: int
    incarnation: int
    alert: str | None = None


def note(incarnation: int, topic_id: str = "") -> str:
    """The text beside a committed offset."""
    return f"incarnation={incarnation} topic={topic_id}" if topic_id else f"incarnation={incarnation}"


def incarnation_of(committed: Committed) -> int:
    found = _INCARNATION.search(committed.note)
    return int(found[1]) if found else 0


def topic_id_of(committed: Committed) -> str:
    found = _TOPIC.search(committed.note)
    return found[1] if found else ""


def beginning(
    committed: Committed | None, oldest: int, end: int, fresh: int, now_ms: int, topic_id: str = ""
) -> Beginning:
    """Where to read on in a log that holds `[oldest, end)`; `fresh` is where a group without offsets begins, `topic_id`
    that of the topic as it is now.

    Records that were deleted before anybody read them are lost whatever is done here; `RECORDS_LOST` halts the
    partition.
    """
    if committed is None:
        return Beginning(fresh, 0)
    incarnation = incarnation_of(committed)
    if committed.offset > end or _is_another(topic_id_of(committed), topic_id):
        return Beginning(oldest, max(now_ms, incarnation + 1), RECREATED)
    if committed.offset < oldest:
        return Beginning(oldest, incarnation, RECORDS_LOST)
    return Beginning(committed.offset, incarnation)


def _is_another(one: str, other: str) -> bool:
    return "" not in (one, other) and one != other
