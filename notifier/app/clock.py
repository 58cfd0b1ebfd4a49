"""The one clock. Everything else is told the time.

It never goes back and never jumps: the wall time at the start, plus what has elapsed since on a clock that nobody sets.
`CLOCK_BOOTTIME`, where there is one, also counts while the machine is suspended, so that a process that slept knows it.
"""

from __future__ import annotations

import time

_BOOT_TIME: int | None = getattr(time, "CLOCK_BOOTTIME", None)


def _elapsed() -> float:
    return time.monotonic() if _BOOT_TIME is None else time.clock_gettime(_BOOT_TIME)


class Clock:
    """Seconds since 1970, as wall time was when the process started, plus time elapsed."""

    def __init__(self) -> None:
        self._origin = time.time() - _elapsed()

    def now(self) -> float:
        return self._origin + _elapsed()
