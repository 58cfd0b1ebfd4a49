"""Showing something anew whenever one of its files is saved.

Editors save by writing in place or by putting a new file in the old one's place; both change what `stat` says. Looking
every quarter of a second sees either, on every file system, network folders included, and costs nothing.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import typer
from rich.console import Console

from notifier.commands.output import is_read

LOOK_EVERY = 0.25

Stamp = tuple[int, int, int] | None


def watch_files(paths: Sequence[Path], told: Callable[[], Iterable[str]]) -> None:
    """Print the lines of `told` now and after every save, until Ctrl-C or until nobody reads; on a terminal the screen
    shows the last only."""
    console = Console()
    seen: list[Stamp] | None = None
    try:
        while is_read():
            found = [_stamp(path) for path in paths]
            if found != seen:
                seen = found
                _show(list(told()), paths, console)
            time.sleep(LOOK_EVERY)
    except KeyboardInterrupt:
        return


def _show(lines: Sequence[str], paths: Sequence[Path], console: Console) -> None:
    if console.is_terminal:
        console.clear()
    for line in lines:
        typer.echo(line)
    if console.is_terminal:
        typer.echo(f"\nwatching {', '.join(map(str, paths))}; Ctrl-C ends it")


def _stamp(path: Path) -> Stamp:
    """None while the file is away, as it is for a moment while some editors save."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino
