"""What all measurements share: the broker, how large everything is, and where progress is shown."""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(slots=True)
class Setting:
    """`scale` makes counts and durations smaller (or larger); `profile`: where the daemon's profile goes;
    `settings`: of every daemon, on top of the measurement's own."""

    bootstrap: str
    scale: float = 1.0
    profile: Path | None = None
    settings: Mapping[str, str] = field(default_factory=dict)
    keep: Path | None = None  # a folder in which logs stay
    _shown_at: float = field(default=0.0)

    def scaled(self, count: int, least: int = 100) -> int:
        return max(least, round(count * self.scale))

    @contextmanager
    def folder(self) -> Iterator[Path]:
        """For logs and the like of one measurement."""
        if self.keep is not None:
            self.keep.mkdir(parents=True, exist_ok=True)
            yield Path(tempfile.mkdtemp(dir=self.keep))
            return
        with tempfile.TemporaryDirectory(prefix="notifier-bench-") as name:
            yield Path(name)

    def progress(self, text: str) -> None:
        """At most every two seconds, on standard error."""
        now = time.monotonic()
        if now - self._shown_at >= 2.0:
            self._shown_at = now
            print(f"    {text}", file=sys.stderr, flush=True)
