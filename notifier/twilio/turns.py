"""How many lookups are under way at once, and whose is next.

The engine may ask for a hundred thousand at a time (all texts of a burst, two minutes silent). Twilio limits the
requests of an account that are in flight, and creates must not be refused because of questions. So lookups wait here;
creates never do. Every account and every kind of lookup is a queue of its own, and the queues are served in turn: a
look for a create in doubt does not stand behind a burst of polls, nor a small account behind a large one.
"""

from __future__ import annotations

import asyncio
from collections import Counter, OrderedDict, deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Literal

# An account takes about 100 requests in flight (twilio.md 4.1), and 80 of them are for creates
# (TWILIO__MAX_IN_FLIGHT_PER_ACCOUNT).
MOST_PER_ACCOUNT = 20
# At 100 ms an answer these are 500 lookups a second, more than one event loop should spend on anything but creates.
MOST_IN_ALL = 50

Kind = Literal["look", "fetch"]


class Turns:
    """At most `per_account` turns at a time of one account, and `in_all` of all together."""

    def __init__(self, per_account: int = MOST_PER_ACCOUNT, in_all: int = MOST_IN_ALL) -> None:
        self._per_account, self._in_all = per_account, in_all
        self._taken: Counter[str] = Counter()
        self._queues: OrderedDict[tuple[str, Kind], deque[asyncio.Future[None]]] = OrderedDict()  # the next one first

    @asynccontextmanager
    async def turn(self, account: str, kind: Kind) -> AsyncIterator[None]:
        """Wait for a turn, and have it while inside."""
        given = asyncio.get_running_loop().create_future()
        self._queues.setdefault((account, kind), deque()).append(given)
        self._give()
        try:
            await given
            yield
        finally:
            if given.done() and not given.cancelled():  # else whoever waited was cancelled before its turn came
                self._taken[account] -= 1
                self._taken += Counter()  # forgets accounts without any
            self._give()

    def _give(self) -> None:
        """Give every turn that is free to the queues, one after another."""
        passed = 0
        while self._queues and passed < len(self._queues) and self._taken.total() < self._in_all:
            (account, kind), queue = self._queues.popitem(last=False)
            while queue and queue[0].done():
                queue.popleft()  # cancelled while it waited
            if not queue:
                continue
            self._queues[account, kind] = queue
            if self._taken[account] >= self._per_account:
                passed += 1
                continue
            passed = 0
            self._taken[account] += 1
            queue.popleft().set_result(None)
