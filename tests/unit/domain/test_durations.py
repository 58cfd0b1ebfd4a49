"""Durations of configuration."""

import pytest

from notifier.domain.durations import parse_duration


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("0s", 0.0), ("90s", 90.0), ("30m", 1800.0), ("24h", 86_400.0), ("7d", 604_800.0), ("3660d", 3660 * 86_400.0)],
)
def test_a_whole_number_and_a_unit_are_read_as_seconds(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "5", "s", "-5m", "1.5h", "5 m", "5M", "1w", " 5m", "5m\n", "٥m", "1h30m"])
def test_anything_else_is_refused_with_what_is_allowed(text: str) -> None:
    with pytest.raises(ValueError, match="a whole number with s, m, h or d is allowed"):
        parse_duration(text)


def test_a_duration_beyond_ten_years_is_refused() -> None:
    with pytest.raises(ValueError, match="3660d at most"):
        parse_duration("3661d")
