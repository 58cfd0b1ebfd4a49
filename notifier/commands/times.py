"""Times as people give and read them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from notifier.domain.durations import parse_duration


def since(text: str, now: datetime) -> datetime:
    """A time with offset, or a duration back from `now`. Raises ValueError, saying what is allowed."""
    try:
        return now - timedelta(seconds=parse_duration(text))
    except ValueError:
        pass
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise ValueError("a time with offset such as 2026-12-01T09:00:00Z, or a duration back such as 24h, is allowed")
    return moment


def at_second(seconds: float) -> str:
    """`2026-12-01T09:13:02Z` of seconds since 1970."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def at_milliseconds(milliseconds: int) -> str:
    """The same of a record's timestamp, with milliseconds."""
    moment = datetime.fromtimestamp(milliseconds / 1000, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def age(seconds: float) -> str:
    """The two largest units: `3d 4h`, `12m 5s`."""
    left = int(max(seconds, 0.0))
    parts: list[str] = []
    for name, size in (("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1)):
        if left >= size or (name == "s" and not parts):
            parts.append(f"{left // size}{name}")
            left %= size
    return " ".join(parts[:2])
