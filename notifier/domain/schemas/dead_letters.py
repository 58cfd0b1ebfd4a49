"""The headers that a dead letter has beside the producer's own, as JSON Schema (contract section 7).

Kafka's headers are bytes; each of ours is a text in UTF-8, and a number is its digits.
"""

from __future__ import annotations

from typing import get_args

from notifier.domain.cloudevents import RefusalReason
from notifier.domain.schemas.shaping import TIME, Schema, published

_DIGITS = {"type": "string", "pattern": "^[0-9]+$"}


def headers() -> Schema:
    """Of a dead letter, as an object of texts."""
    return {
        "description": "Headers of a dead letter; those of the original record stand beside them.",
        "type": "object",
        "required": [
            f"notifier-{name}" for name in ("reason", "detail", "topic", "partition", "offset", "time")
        ],
        "properties": {
            "notifier-reason": {"description": "Why it could not be used: the first that applies.",
                                "enum": list(get_args(RefusalReason))},
            "notifier-detail": {"description": "Field and rule, never a value.", "type": "string"},
            "notifier-topic": {"description": "Where it came from.", "type": "string"},
            "notifier-partition": {"description": "Its partition there.", **_DIGITS},
            "notifier-offset": {"description": "Its offset there.", **_DIGITS},
            "notifier-time": {"description": "When it was put here.", **TIME},
            "notifier-truncated": {"description": "The full size of a value that was cut.", **_DIGITS},
        },
    }  # fmt: skip


def replay_headers() -> Schema:
    """Of the mark that a dead letter was replayed: same key, null value."""
    return {
        "description": "Header of the mark that a dead letter was replayed: a record of the same key without a value.",
        "type": "object",
        "required": ["notifier-replayed"],
        "properties": {
            "notifier-replayed": {"description": "PARTITION:OFFSET of the dead letter in its topic.",
                                  "type": "string", "pattern": "^[0-9]+:[0-9]+$"},
        },
    }  # fmt: skip


def schemas() -> dict[str, Schema]:
    """By path without ending."""
    return {
        "dead-letters/headers": published("dead-letters/headers", "Dead letter headers", headers(), {}),
        "dead-letters/replayed": published("dead-letters/replayed", "Replay mark headers", replay_headers(), {}),
    }
