"""Times as people give and read them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from notifier.commands.times import age, at_milliseconds, at_second, since

NOW = datetime(2026, 12, 3, 12, 0, tzinfo=UTC)


def test_since_is_a_time_with_offset_or_a_duration_back() -> None:
    assert since("24h", NOW) == datetime(2026, 12, 2, 12, 0, tzinfo=UTC)
    assert since("2026-12-01T10:00:00+01:00", NOW) == datetime(2026, 12, 1, 9, 0, tzinfo=UTC)


@pytest.mark.parametrize("text", ["", "yesterday", "2026-12-01T10:00:00", "24", "-1h"])
def test_anything_else_is_refused_with_what_is_allowed(text: str) -> None:
    with pytest.raises(ValueError, match="a time with offset such as"):
        since(text, NOW)


def test_an_age_has_its_two_largest_units() -> None:
    assert [age(seconds) for seconds in (0, 59.9, 65, 3_600, 90_061, 86_400 * 3)] == [
        "0s", "59s", "1m 5s", "1h", "1d 1h", "3d",
    ]  # fmt: skip


def test_moments_are_utc() -> None:
    assert at_second(1_796_000_001.9) == "2026-11-30T00:53:21Z"
    assert at_milliseconds(1_796_000_001_900) == "2026-11-30T00:53:21.900Z"
