"""Signals and stopping: the first one asks, the second one does not wait.

Nothing is lost by the second either: what is under way is in the ledger as an intent, and its next owner settles it.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager

import structlog

STOPPED_AT_ONCE = 130


@contextmanager
def stop_on_signals(stop: asyncio.Event) -> Iterator[None]:
    """While inside, SIGTERM and SIGINT set `stop`; another one ends the process there and then."""
    loop = asyncio.get_running_loop()

    def received(number: signal.Signals) -> None:
        log = structlog.get_logger()
        if stop.is_set():
            log.warning("stopping_at_once", signal=number.name)
            os._exit(STOPPED_AT_ONCE)
        log.info("stopping", signal=number.name)
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, received, number)
    try:
        yield
    finally:
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(number)
