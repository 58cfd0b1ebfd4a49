"""What there is once for a whole run, also where several processes share the tests: the one that began them keeps it.

It is made when the first test asks for it, and ended with the run.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack, suppress
from multiprocessing.connection import Client, Listener
from pathlib import Path
from threading import Lock, Thread
from typing import Generic, Protocol, TypeVar, cast

Thing = TypeVar("Thing")
Thing_co = TypeVar("Thing_co", covariant=True)
# Every process can ask at once; none is turned away meanwhile.
WAITING = 128


class Source(Protocol[Thing_co]):
    def get(self) -> Thing_co:
        """The one there is. Raises what its making raised, to everybody who asks."""


class Once(Generic[Thing]):
    """Keeps what `make` makes until `close`."""

    def __init__(self, make: Callable[[], AbstractContextManager[Thing]]) -> None:
        self._make = make
        self._making = Lock()
        self._made = ExitStack()
        self._failed: Exception | None = None
        self._address = ""
        self.found: Thing | None = None

    def get(self) -> Thing:
        with self._making:
            if self._failed is None and self.found is None:
                try:
                    self.found = self._made.enter_context(self._make())
                except Exception as failed:  # noqa: BLE001 - whatever it is, those who ask are told
                    self._failed = failed
        if self.found is None:
            raise self._failed or AssertionError("made, or failed")
        return self.found

    def serve(self) -> str:
        """The address for `Elsewhere`, until `close`."""
        if self._address:
            return self._address
        folder = self._made.enter_context(tempfile.TemporaryDirectory(prefix="notifier-once-"))
        listener = self._made.enter_context(Listener(str(Path(folder) / "asked"), "AF_UNIX", backlog=WAITING))
        answering = Thread(target=self._answer, args=(listener,), daemon=True)
        answering.start()
        self._made.callback(answering.join)
        self._address = str(listener.address)
        self._made.callback(_ask, self._address, last=True)
        return self._address

    def close(self) -> None:
        self._made.close()

    def _answer(self, listener: Listener) -> None:
        """One after the other: while it is being made, the others wait."""
        while True:
            # Who asked may have been ended meanwhile; then there is nobody to tell.
            with listener.accept() as connection, suppress(EOFError, OSError):
                if connection.recv():
                    return
                connection.send(self._answered())

    def _answered(self) -> Thing | Exception:
        try:
            return self.get()
        except Exception as failed:  # noqa: BLE001 - raised where it was asked for
            return failed


class Elsewhere(Generic[Thing]):
    """The same, as another process has it."""

    def __init__(self, address: str) -> None:
        self._address = address

    def get(self) -> Thing:
        answer = _ask(self._address)
        if isinstance(answer, Exception):
            raise answer
        return cast("Thing", answer)


def _ask(address: str, *, last: bool = False) -> object:
    with Client(address, "AF_UNIX") as connection:
        connection.send(last)
        return None if last else connection.recv()
