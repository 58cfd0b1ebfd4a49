"""Standard output and standard error of a command whose reader may go away (`notifier results | head`).

That is no error, and no reason to leave half done what was asked for: `config apply | head -1` still applies, and
`topics verify | head -1` still says by its exit code what it found. What nobody reads is dropped from then on; a
command that does nothing but show asks `is_read` and ends.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO, cast


class ReaderGone(Exception):
    """Nobody reads what is shown. Not an OSError, so that nobody takes it for trouble with a broker."""


class Forgiving:
    """A text stream that falls silent when its pipe breaks."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self.broken = False

    def write(self, text: str) -> int:
        try:
            return self._stream.write(text)
        except BrokenPipeError:
            self._fall_silent()
            return len(text)

    def flush(self) -> None:
        try:
            self._stream.flush()
        except BrokenPipeError:
            self._fall_silent()

    def __getattr__(self, name: str) -> object:
        return getattr(self._stream, name)

    def _fall_silent(self) -> None:
        """What is still buffered goes nowhere as well, also when the interpreter flushes for the last time."""
        self.broken = True
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, self._stream.fileno())
        os.close(nowhere)


@contextmanager
def forgiving_readers_that_go() -> Iterator[None]:
    """While inside, a broken pipe at standard output or standard error is no error."""
    told, said = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = cast(TextIO, Forgiving(told)), cast(TextIO, Forgiving(said))
    try:
        yield
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        sys.stdout, sys.stderr = told, said


def is_read() -> bool:
    """Whether, as far as is known, somebody still reads standard output."""
    return not (isinstance(sys.stdout, Forgiving) and sys.stdout.broken)
