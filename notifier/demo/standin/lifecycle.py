"""From created to its end: a message takes the steps of its fate, and a callback tells each of them.

The initial status is never called back, as with Twilio. Callbacks of one message leave in order, unless a fault was
ordered or its number asks for one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass

from notifier.demo.standin.accounts import Account
from notifier.demo.standin.callbacks import CallbackPoster, callback_form
from notifier.demo.standin.faults import FaultBook
from notifier.demo.standin.messages import Message


@dataclass(frozen=True, slots=True)
class Timing:
    """Seconds from the create's answer to the first status, from each status to the next, and from a callback that
    failed to its first repeat.
    """

    first: float = 0.05
    next: float = 0.1
    repeat: float = 0.1


class Lifecycle:
    def __init__(self, poster: CallbackPoster, faults: FaultBook, timing: Timing, now: Callable[[], float]) -> None:
        self._poster = poster
        self._faults = faults
        self._timing = timing
        self._now = now
        self._tasks: set[asyncio.Task[None]] = set()
        self._errors: list[BaseException] = []

    def is_early(self, message: Message, account: Account) -> bool:
        """Whether its first callback overtakes the answer to the create."""
        early = message.fate.early or self._faults.happens(self._faults.of(account.sid).callbacks_early)
        return early and bool(message.fate.statuses)

    async def first_step(self, message: Message, account: Account) -> None:
        await self._tell(message, account, self._reach(message, account, 0))

    def begin(self, message: Message, account: Account, first: int = 0) -> None:
        """The rest of its life, in the background, from the `first` step of its fate on."""
        if first < len(message.fate.statuses):
            self._start(self._live(message, account, first), f"life of {message.created.sid}")

    async def settle(self) -> None:
        """Returns when no message has anything before it any more."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    async def stop(self) -> None:
        """Lives end where they are. Raises what went wrong in any of them."""
        for task in self._tasks:
            task.cancel()
        await self.settle()
        if self._errors:
            raise BaseExceptionGroup("lives of messages failed", self._errors)

    def _start(self, life: Coroutine[None, None, None], name: str) -> None:
        task = asyncio.create_task(life, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._errors.append(error)

    async def _live(self, message: Message, account: Account, first: int) -> None:
        ordered = self._faults.of(account.sid)
        reordered = message.fate.reordered or self._faults.happens(ordered.callbacks_reordered)
        told_later: list[dict[str, str]] = []
        for step in range(first, len(message.fate.statuses)):
            await asyncio.sleep(self._timing.first if step == 0 else self._timing.next)
            form = self._reach(message, account, step)
            if reordered:
                told_later.insert(0, form)
            else:
                await self._tell(message, account, form)
        for form in told_later:
            await self._tell(message, account, form)

    def _reach(self, message: Message, account: Account, step: int) -> dict[str, str]:
        """The message takes this step; gives the callback that tells it."""
        now = self._now()
        fate = message.fate
        if message.sender is None:
            message.sender = account.services[message.created.messaging_service_sid or ""][0]
        message.status = fate.statuses[step]
        message.updated = now
        if step == len(fate.statuses) - 1:
            message.error_code = fate.error_code
        if message.status != "failed":
            message.sent = message.sent or now
        return callback_form(message, message.status, message.error_code, now)

    async def _tell(self, message: Message, account: Account, form: dict[str, str]) -> None:
        url = message.created.status_callback
        ordered = self._faults.of(account.sid)
        if url is None or message.fate.silent:
            return
        if self._faults.happens(ordered.callbacks_lost):
            self._poster.counts["lost"] += 1
            return
        await self._poster.post(url, form, account.auth_token)
        if message.fate.doubled or self._faults.happens(ordered.callbacks_doubled):
            await self._poster.post(url, form, account.auth_token)
