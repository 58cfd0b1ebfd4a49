"""Commands as a shell runs them, for tests."""

from __future__ import annotations

import os
import pty
import subprocess
import sysconfig
from collections.abc import Mapping
from pathlib import Path

from notifier.settings import KafkaSettings, TopicSettings

Completed = subprocess.CompletedProcess[str]


class Shell:
    """Knows the broker and the topics of a test; `run` is the installed command, to its end."""

    def __init__(self, kafka: KafkaSettings, topics: TopicSettings, more: Mapping[str, str] | None = None) -> None:
        own = {name: value for name, value in os.environ.items() if not name.startswith("NOTIFIER_")}
        self.environment = own | {
            "NOTIFIER_KAFKA__BOOTSTRAP_SERVERS": kafka.bootstrap_servers,
            "NOTIFIER_TOPICS__PREFIX": topics.prefix,
            "NOTIFIER_ENVIRONMENT": "test",
            "COLUMNS": "200",
            **(more or {}),
        }
        self.command = Path(sysconfig.get_path("scripts")) / "notifier"

    def run(self, *arguments: str | Path) -> Completed:
        return subprocess.run(
            [self.command, *map(str, arguments)],
            env=self.environment, capture_output=True, text=True, timeout=60, check=False, stdin=subprocess.DEVNULL,
        )  # fmt: skip

    def raw(self, *arguments: str) -> bytes:
        """Its standard output as bytes."""
        return subprocess.run(
            [self.command, *arguments],
            env=self.environment, capture_output=True, timeout=60, check=True, stdin=subprocess.DEVNULL,
        ).stdout  # fmt: skip

    def answer(self, line: str, *arguments: str) -> Completed:
        """The same on a terminal where somebody types this line."""
        ours, theirs = pty.openpty()
        os.write(ours, line.encode() + b"\n")
        try:
            return subprocess.run(
                [self.command, *arguments],
                env=self.environment, capture_output=True, text=True, timeout=60, check=False, stdin=theirs,
            )  # fmt: skip
        finally:
            os.close(ours)
            os.close(theirs)
