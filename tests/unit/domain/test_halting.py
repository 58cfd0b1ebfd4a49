"""So many unreadable records in a row, within ten minutes, halt a source partition."""

from __future__ import annotations

import pytest

from notifier.domain.cloudevents import RefusalReason
from notifier.domain.halting import BadInARow


@pytest.mark.parametrize("reason", ["not_json", "not_a_cloudevent", "invalid_data"])
def test_the_last_of_so_many_in_a_row_halts(reason: RefusalReason) -> None:
    row = BadInARow(3)
    assert [row.take(reason, at) for at in (0.0, 1.0, 2.0)] == [False, False, True]


@pytest.mark.parametrize("between", [None, "too_large", "unknown_event_type", "no_tenant", "unknown_tenant"])
def test_anything_else_in_between_begins_the_row_anew(between: RefusalReason | None) -> None:
    row = BadInARow(2)
    assert not any(row.take(reason, 0.0) for reason in ("not_json", between, "not_json"))
    assert row.take("not_json", 0.0)


def test_a_row_that_took_longer_than_ten_minutes_does_not_halt() -> None:
    """But the newest of it still count."""
    row = BadInARow(3)
    assert not any(row.take("not_json", at) for at in (0.0, 300.0, 601.0))
    assert row.take("not_json", 602.0)


def test_after_a_resume_the_row_is_counted_from_the_beginning() -> None:
    row = BadInARow(2)
    assert [row.take("not_json", 0.0) for _ in range(4)] == [False, True, False, True]


def test_zero_never_halts() -> None:
    row = BadInARow(0)
    assert not any(row.take("not_json", 0.0) for _ in range(1000))
