"""Progress of a command on a terminal: on standard error, gone when it is done; nothing where nobody looks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import Progress

from notifier.kafka.topic_scan import Progress as Scanning


@contextmanager
def scanning(title: str) -> Iterator[Scanning]:
    """For a scan of topics: how much of all partitions that began is read."""
    console = Console(stderr=True)
    passed: dict[tuple[str, int], tuple[int, int]] = {}
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        bar = progress.add_task(title, total=None)

        def advanced(topic: str, partition: int, done: int, total: int) -> None:
            passed[topic, partition] = done, total
            sums = [sum(column) for column in zip(*passed.values(), strict=True)]
            progress.update(bar, completed=sums[0], total=sums[1])

        yield advanced


@contextmanager
def counting(title: str, total: int) -> Iterator[Callable[[], None]]:
    """For a known number of things; called once for each."""
    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        bar = progress.add_task(title, total=total)
        yield lambda: progress.advance(bar)
