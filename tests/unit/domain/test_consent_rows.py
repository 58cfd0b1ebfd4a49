"""Rows of a consent import."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec
import pytest

from notifier.domain.cloudevents import ReadEvent, read_event
from notifier.domain.consent_rows import Import

NOW = datetime(2026, 12, 3, tzinfo=UTC)
ROW = {"phone": "+1 202-555-0143", "state": "given", "source": "checkout", "at": "2026-11-01T09:00:00+01:00"}


def read(*rows: dict[str, object], region: str | None = None) -> Import:
    consents = Import(region, NOW)
    for line, row in enumerate(rows, start=2):
        consents.read(line, row)
    return consents


def faults(*rows: dict[str, object], region: str | None = None) -> list[tuple[int, str, str]]:
    return [(fault.line, fault.column, fault.message) for fault in read(*rows, region=region).faults]


@pytest.mark.parametrize(("state", "type_"), [("given", "consent.given"), ("withdrawn", "consent.withdrawn")])
def test_a_row_becomes_an_event_that_ingest_accepts(state: str, type_: str) -> None:
    (row,) = read(ROW | {"state": state}).rows
    event = row.event("north-clinic", b"")
    accepted = read_event(msgspec.json.encode(event), (), "care", 10_000)
    assert isinstance(accepted, ReadEvent)
    assert (accepted.type, accepted.source, accepted.tenant) == (type_, "/notifier/consent-import", "north-clinic")
    assert event["data"] == {"phone": "+12025550143", "source": "checkout", "at": "2026-11-01T08:00:00Z"}


def test_the_same_word_has_the_same_id_however_it_is_written() -> None:
    """So that a repeated import changes nothing."""
    one, other = read(ROW).rows[0], read(ROW | {"phone": "+12025550143", "at": "2026-11-01T08:00:00Z"}).rows[0]
    assert one.event("a", b"")["id"] == other.event("a", b"")["id"]
    changed = [
        read(ROW | change).rows[0].event("a", b"")["id"]
        for change in (
            {"phone": "+12025550144"}, {"state": "withdrawn"}, {"source": "desk"}, {"at": "2026-11-01T08:00:01Z"},
        )
    ]  # fmt: skip
    ids = {one.event("a", b"")["id"], one.event("b", b"")["id"], one.event("a", b"key")["id"], *changed}
    assert len(ids) == 7


def test_a_national_number_is_read_in_the_tenants_region() -> None:
    assert read(ROW | {"phone": "22 22 55 55"}, region="NO").rows[0].number == "+4722225555"
    ((_, column, message),) = faults(ROW | {"phone": "22 22 55 55"})
    assert (column, message) == ("phone", "must be a phone number with country code such as +12025550143")


def test_a_row_twice_is_one_event() -> None:
    consents = read(ROW, ROW, ROW | {"phone": "+12025550144"})
    assert ([row.line for row in consents.rows], consents.repeated, consents.faults) == ([2, 4], 1, [])


def test_two_rows_that_say_the_opposite_at_once_are_refused() -> None:
    """The order of a file decides nothing."""
    assert faults(ROW, ROW | {"state": "withdrawn"}) == [
        (3, "state", "says the opposite of line 2 for the same number and time")
    ]


@pytest.mark.parametrize(
    ("change", "column", "message"),
    [
        ({"phone": "none of your business"}, "phone", "must be a phone number with country code"),
        ({"phone": 12025550143}, "phone", "must be a text that is not empty"),
        ({"state": "yes"}, "state", "must be given or withdrawn"),
        ({"source": " "}, "source", "must be a text that is not empty"),
        ({"source": "x" * 201}, "source", "at most 200 characters"),
        ({"at": "2026-11-01T09:00:00"}, "at", "must be a time with offset such as"),
        ({"at": "01.11.2026"}, "at", "must be a time with offset such as"),
        ({"at": "1969-12-31T23:00:00Z"}, "at", "from 1970 on"),
        ({"at": "2026-12-03T00:00:01Z"}, "at", "must not lie in the future"),
        ({"sorce": "x"}, "sorce", "there is no such column; source may be meant; allowed are phone, state, source, at"),
    ],
)
def test_a_fault_names_line_column_and_what_is_allowed_and_no_value(
    change: dict[str, object], column: str, message: str
) -> None:
    ((line, where, said),) = faults(ROW | change)
    assert (line, where) == (2, column)
    assert message in said
    assert not [value for value in change.values() if len(str(value)) > 1 and str(value) in said]


def test_every_fault_of_a_row_is_told() -> None:
    assert [column for _, column, _ in faults({"state": "maybe", "at": ""})] == ["phone", "source", "at", "state"]
    assert read({"state": "maybe"}).rows == []
