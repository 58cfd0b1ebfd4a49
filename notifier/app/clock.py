"""The one clock. Everything else is told the time.

It never goes back and never jumps: the wall time at the start, plus what has elapsed since on a clock that nobody sets.
`CLOCK_BOOTTIME`, where there is one, also counts while the machine is suspended, so that a process that slept knows it.
"""

from __future__ import annotations

import time


def _elapsed() -> float:
    boot_time = getattr(time, "CLOCK_BOOTTIME", None)
    return time.monotonic() if boot_time is None else time.clock_gettime(boot_time)


class Clock:
    """Seconds since 1970, as wall time was when the process started, plus time elapsed."""

    def __init__(self) -> None:
        self._origin = time.time() - _elapsed()

    def now(self) -> float:
        return self._origin + _elapsed()
