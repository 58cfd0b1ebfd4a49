"""Durations as configuration writes them: `0s`, `90s`, `30m`, `24h`, `7d` (contract section 5)."""

from __future__ import annotations

import re

DURATION = re.compile(r"([0-9]{1,9})([smhd])", re.ASCII)
_SECONDS = {"s": 1.0, "m": 60.0, "h": 3_600.0, "d": 86_400.0}
LONGEST_DURATION = 3_660 * 86_400.0  # ten years: longer is a slip of the pen, and would leave the calendar when added


def parse_duration(text: str) -> float:
    """Seconds. Raises ValueError, saying what is allowed."""
    match = DURATION.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is no duration: a whole number with s, m, h or d is allowed, such as 90s, 24h, 7d")
    seconds = int(match[1]) * _SECONDS[match[2]]
    if seconds > LONGEST_DURATION:
        raise ValueError(f"{text!r} is too long: 3660d at most is allowed")
    return seconds
