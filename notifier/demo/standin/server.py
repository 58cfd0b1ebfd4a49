"""A Twilio of our own for the demo and the tests: strict, stateful, and as badly behaved as it is told to be.

It plays what of Twilio's API the notifier uses, in Twilio's form: create, fetch and list messages, fetch the account,
its numbers, its messaging services and their senders. It listens on loopback only. `messages` is its own record of
everything that it created, which no fault touches: a judge believes it and nobody else. docs/reference/stand-in.md has
the numbers and the faults.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable
from types import TracebackType
from typing import IO, Self

from aiohttp import web

from notifier.demo.standin.account_api import AccountApi
from notifier.demo.standin.accounts import Account
from notifier.demo.standin.api import MessageApi
from notifier.demo.standin.callbacks import CallbackPoster
from notifier.demo.standin.control import Control
from notifier.demo.standin.faults import FaultBook, Faults
from notifier.demo.standin.lifecycle import Lifecycle, Timing
from notifier.demo.standin.messages import CreatedMessage, MessageStore
from notifier.demo.standin.reception import Reception

HOST = "127.0.0.1"
NO_FAULTS, USUAL_TIMING = Faults(), Timing()


class TwilioStandIn:
    """Serves while entered. `now` gives seconds since 1970; `port` 0 takes any free one; `record` is written to as
    `MessageStore` says.
    """

    def __init__(
        self,
        accounts: Iterable[Account],
        now: Callable[[], float],
        *,
        port: int = 0,
        faults: Faults = NO_FAULTS,
        seed: int = 0,
        timing: Timing = USUAL_TIMING,
        record: IO[bytes] | None = None,
    ) -> None:
        self._port = port
        self._closing = asyncio.Event()
        self._book = FaultBook(faults, seed)
        self._store = MessageStore(record)
        self._poster = CallbackPoster(self._book.chance, timing.repeat)
        self._lifecycle = Lifecycle(self._poster, self._book, timing, now)
        self._reception = Reception(accounts, self._book, now)
        self._messages = MessageApi(self._reception, self._store, self._book, self._lifecycle, now, self._closing)
        self._control = Control(self._store, self._book, self._reception, self._poster.counts)
        self._runner: web.AppRunner | None = None
        self.url = ""

    @property
    def messages(self) -> tuple[CreatedMessage, ...]:
        """Every message ever created, oldest first."""
        return tuple(self._store.record)

    @property
    def counts(self) -> Counter[str]:
        """Requests and how they were answered, by name."""
        return self._reception.counts

    @property
    def callback_counts(self) -> Counter[str]:
        return self._poster.counts

    def order(self, faults: Faults, account_sid: str | None = None) -> None:
        """From now on these faults and no others, for one account or for all."""
        self._book.order(faults, account_sid)

    def put(self, account: Account) -> None:
        """A new account, or a known one as it is from now on: token revoked, number given back, suspended."""
        self._reception.put(account)

    async def settle(self) -> None:
        """Returns when every message has come to its end and every callback has been sent."""
        await self._lifecycle.settle()

    async def __aenter__(self) -> Self:
        await self._poster.__aenter__()
        application = web.Application()
        self._messages.add_routes(application.router)
        AccountApi(self._reception).add_routes(application.router)
        self._control.add_routes(application.router)
        # A client that gives up ends its handler, so that hanging ones do not pile up.
        self._runner = web.AppRunner(application, access_log=None, handler_cancellation=True, shutdown_timeout=1.0)
        await self._runner.setup()
        await web.TCPSite(self._runner, HOST, self._port, backlog=1024).start()
        self.url = "http://{}:{}".format(*self._runner.addresses[0][:2])
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closing.set()
        try:
            if self._runner is not None:
                await self._runner.cleanup()
            await self._lifecycle.stop()
        finally:
            await self._poster.__aexit__(None, None, None)
