"""When bad input halts a source partition (contract section 2, `INGEST__HALT_AFTER`): counting, nothing else.

After a bad deploy of a producer it is better to stop than to empty a topic into the dead letters. Only what no version
of a good producer writes counts; anything else in between begins the row anew.
"""

from __future__ import annotations

from collections import deque

from notifier.domain.cloudevents import RefusalReason

HALTING_REASONS: frozenset[RefusalReason] = frozenset({"not_json", "not_a_cloudevent", "invalid_data"})
WINDOW_SECONDS = 600.0


class BadInARow:
    """The row of one source partition; `halt_after` 0 never halts."""

    def __init__(self, halt_after: int) -> None:
        self._halt_after = halt_after
        self._times: deque[float] = deque(maxlen=max(halt_after, 1))

    def take(self, reason: RefusalReason | None, at: float) -> bool:
        """Count one record, read at `at` (seconds); `reason` None for a good one. True when it halts the partition."""
        if reason not in HALTING_REASONS or self._halt_after == 0:
            self._times.clear()
            return False
        self._times.append(at)
        if len(self._times) < self._halt_after or at - self._times[0] > WINDOW_SECONDS:
            return False
        self._times.clear()
        return True
