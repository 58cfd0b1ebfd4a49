"""Twilio's side of the status callbacks: signed as Twilio signs, over kept-alive connections, each answer timed.

Its loop has a thread of its own, and an HTTP client of a few lines: what is measured is the daemon.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Self, cast
from urllib.parse import urlencode

import msgspec
import uvloop

from bench.installation import account, sender, token
from bench.traffic import ACCEPTED
from notifier.demo.standin.callbacks import sign

STORED = 204


class Text(NamedTuple):
    """A text that Twilio took."""

    tenant: str
    notification: str
    attempt: int
    sid: str


def texts_in(values: Sequence[bytes]) -> list[Text]:
    """Those of which the results topic says that they were accepted."""
    found = []
    for value in values:
        if ACCEPTED in value:
            outcome = msgspec.json.decode(value)
            data = outcome["data"]
            found.append(Text(outcome["tenant"], outcome["subject"], data["attempt"], data["provider"]["messageSid"]))
    return found


def request(public_url: str, text: Text, status: str) -> bytes:
    """One whole HTTP request, the signature over the configured address."""
    number = int(text.tenant.rpartition("-")[2])
    form = {
        "AccountSid": account(number), "ApiVersion": "2010-04-01", "From": sender(number),
        "MessageSid": text.sid, "MessageStatus": status, "SmsSid": text.sid, "SmsStatus": status,
        "To": "+12025550143",
    }  # fmt: skip
    path = f"/twilio/{text.tenant}/status?{urlencode({'n': text.notification, 'a': text.attempt})}"
    signature = sign(public_url + path, form, token(text.tenant))
    body = urlencode(form)
    head = (
        f"POST {path} HTTP/1.1\r\nHost: {public_url.removeprefix('http://')}\r\nUser-Agent: TwilioProxy/1.1\r\n"
        f"Content-Type: application/x-www-form-urlencoded; charset=UTF-8\r\nX-Twilio-Signature: {signature}\r\n"
        f"Content-Length: {len(body)}\r\nAccept: */*\r\n\r\n"
    )
    return (head + body).encode()


class Answered(NamedTuple):
    status: int
    seconds: float  # from when it was to be sent, queueing on our side included


@dataclass(slots=True)
class _Waiting:
    at: float
    request: bytes


class _Connection(asyncio.Protocol):
    def __init__(self, callers: Callers) -> None:
        self._callers = callers
        self._buffer = b""
        self.waiting: _Waiting | None = None
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is none by name

    def send(self, waiting: _Waiting) -> None:
        assert self._transport is not None
        self.waiting = waiting
        self._transport.write(waiting.request)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if not self._buffer.endswith(b"\r\n\r\n"):  # none of the answers has a body
            return
        status, self._buffer = int(self._buffer[9:12]), b""
        self._callers.answered(self, status)

    def connection_lost(self, error: Exception | None) -> None:
        if self.waiting is not None:
            self._callers.answered(self, 0)


class Callers:
    """At most `connections` callbacks at a time; more wait. `with` starts and ends it."""

    def __init__(self, host: str, port: int, connections: int = 64) -> None:
        self._address = (host, port)
        self._count = connections
        self._idle: deque[_Connection] = deque()
        self._queue: deque[_Waiting] = deque()
        self._loop = uvloop.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="callers")
        self._submitted = 0
        self._answers: list[Answered] = []

    def __enter__(self) -> Self:
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._connect(), self._loop).result(30)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    async def _connect(self) -> None:
        for _ in range(self._count):
            _, connection = await self._loop.create_connection(lambda: _Connection(self), *self._address)
            self._idle.append(connection)

    @property
    def waiting(self) -> int:
        """Callbacks that are not answered yet."""
        return self._submitted - len(self._answers)

    def submit(self, requests: Sequence[bytes]) -> None:
        now = time.perf_counter()
        self._submitted += len(requests)
        self._loop.call_soon_threadsafe(self._take, [_Waiting(now, request) for request in requests])

    def _take(self, waiting: list[_Waiting]) -> None:
        self._queue.extend(waiting)
        while self._queue and self._idle:
            self._idle.popleft().send(self._queue.popleft())

    def answered(self, connection: _Connection, status: int) -> None:
        assert connection.waiting is not None
        self._answers.append(Answered(status, time.perf_counter() - connection.waiting.at))
        connection.waiting = None
        if status and self._queue:
            connection.send(self._queue.popleft())
        elif status:
            self._idle.append(connection)

    def answered_within(self, seconds: float) -> list[float]:
        """Wait for the answers to all that was submitted since the last time; how long each took.

        Raises `RuntimeError` when some do not come in time, or say anything but that it is stored.
        """
        deadline = time.monotonic() + seconds
        while self.waiting:
            if time.monotonic() > deadline:
                raise RuntimeError(f"{self.waiting} callbacks were not answered within {seconds:g} s")
            time.sleep(0.01)
        answers, self._answers, self._submitted = self._answers, [], 0
        wrong = Counter(answer.status for answer in answers if answer.status != STORED)
        if wrong:
            raise RuntimeError(f"callbacks were answered {dict(wrong)}, not {STORED}")
        return [answer.seconds for answer in answers]
