"""A dead letter is read back as what it was before it was one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pytest

from notifier.domain.cloudevents import Refusal
from notifier.kafka.batches import Message
from notifier.kafka.dead_letters import Origin, Position, mark_of, original_of, parse_letter, parse_position
from notifier.kafka.intake import dead_letter

REFUSAL = Refusal("unknown_tenant", "tenant: is not configured")
PLACE = ("pms.events", 3)
NOW = 1_796_000_001.5


@dataclass
class Raw:
    """A record as aiokafka would hand it over."""

    value: bytes | None
    key: bytes | None = b"key"
    headers: Sequence[tuple[str, bytes]] = ()
    offset: int = 41
    timestamp: int = 0


def stored(message: Message, offset: int = 12) -> Raw:
    return Raw(message.value, message.key, [(name, value or b"") for name, value in message.headers], offset)


def test_taking_our_headers_off_gives_back_the_original() -> None:
    raw = Raw(b"\xff\x00", headers=[("ce_id", b"1"), ("traceparent", b"x")])
    message = dead_letter("dead", raw, REFUSAL, PLACE, NOW)
    letter = parse_letter(2, stored(message))
    assert letter is not None
    assert (letter.position, letter.origin) == (Position(2, 12), Origin("pms.events", 3, 41))
    assert (letter.reason, letter.detail) == ("unknown_tenant", "tenant: is not configured")
    original = original_of(letter, message.value)
    assert (original.key, original.value, list(original.headers)) == (raw.key, raw.value, raw.headers)
    assert letter.truncated is None


def test_a_producer_may_use_our_names_for_its_own_headers() -> None:
    """As after a dead letter that somebody put back by hand, with everything that stood on it."""
    own = [("notifier-reason", b"not_json"), ("notifier-truncated", b"7"), ("notifier-replayed", b"0:1")]
    letter = parse_letter(0, stored(dead_letter("dead", Raw(b"{", headers=own), REFUSAL, PLACE, NOW)))
    assert letter is not None
    assert (letter.reason, list(letter.headers)) == ("unknown_tenant", own)


@pytest.mark.parametrize(
    ("raw", "size"),
    [
        (Raw(bytes(5_000_000)), 5_000_000),
        (Raw(b"{", key=bytes(2_000_000)), 1),
        (Raw(b"{", headers=[("x", bytes(2_000_000))]), 1),
    ],
    ids=["value", "key", "headers"],
)
def test_whatever_was_cut_is_said_to_be_cut(raw: Raw, size: int) -> None:
    """A part of a record must not be taken for the record."""
    letter = parse_letter(0, stored(dead_letter("dead", raw, REFUSAL, PLACE, NOW)))
    assert letter is not None
    assert letter.truncated == size


@pytest.mark.parametrize("key", [None, b"key"])
def test_a_mark_is_no_dead_letter(key: bytes | None) -> None:
    letter = parse_letter(1, stored(dead_letter("dead", Raw(None, key=key), REFUSAL, PLACE, NOW)))
    assert letter is not None
    assert letter.size is None
    mark = mark_of(letter, "dead")
    assert (mark.key, mark.value, dict(mark.headers)) == (key, None, {"notifier-replayed": b"1:12"})
    assert parse_letter(1, stored(mark)) is None


@pytest.mark.parametrize("headers", [[], [("x", b"1")], [("notifier-reason", b"not_json")]])
def test_what_others_put_on_the_topic_is_no_dead_letter(headers: list[tuple[str, bytes]]) -> None:
    assert parse_letter(0, Raw(b"{}", headers=headers)) is None


def test_numbers_and_times_that_are_none_are_no_dead_letter() -> None:
    message = dead_letter("dead", Raw(b"{"), REFUSAL, PLACE, NOW)
    for name in ("notifier-partition", "notifier-offset", "notifier-time"):
        headers = [(each, b"?" if each == name else value or b"") for each, value in message.headers]
        assert parse_letter(0, Raw(b"{", headers=headers)) is None


@pytest.mark.parametrize("text", ["12", "0:", ":1", "0:-1", "a:b", "0:1:2", "٠:١"])
def test_what_is_no_position_is_refused_with_what_is_one(text: str) -> None:
    with pytest.raises(ValueError, match="no PARTITION:OFFSET such as 0:12"):
        parse_position(text)
