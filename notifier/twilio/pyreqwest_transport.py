"""The fast transport: pyreqwest, which is Rust's reqwest, at a third of aiohttp's cost.

Its exception classes lie (twilio.md 10.1): `ConnectError` is also what a request that was read and cut off leaves, and
`ConnectTimeoutError` any time-out before the answer's head. What can be trusted is the second of the `causes`, where
the HTTP library says what it was about. *Not sent* is that one wording and nothing else, so that a version which words
it otherwise makes doubts of non-sends, never the reverse; the version is pinned, and a contract test walks through it.

What it repeats by itself is only a request that a kept-alive connection gave back before its first byte was written.
"""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Mapping
from datetime import timedelta
from types import TracebackType
from typing import Self

from pyreqwest.client import Client, ClientBuilder
from pyreqwest.exceptions import DecodeError, DetailedPyreqwestError, PyreqwestError
from pyreqwest.request import ConsumedRequest

from notifier.twilio.transport import (
    KEEP_ALIVE_SECONDS,
    PLAIN_BODIES,
    Interrupted,
    NotConnected,
    RawAnswer,
    connect_seconds,
    unacknowledged_seconds,
)

_LONGEST_LOOKS = 1000  # of a millisecond
_WHILE_CONNECTING = "client error (Connect)"
_WHILE_READING_THE_BODY = "request or response body error"


class PyreqwestTransport:
    """Kept-alive connections without a limit of their own: the engine limits creates, `turns.py` lookups, both fairly.

    `timeout` is the total for one exchange in seconds. To be entered and left inside the running loop; the exchanges
    are made by one thread of the library's own.
    """

    def __init__(self, timeout: float) -> None:
        self._timeout = timeout
        self._client: Client | None = None

    async def __aenter__(self) -> Self:
        builder = (
            ClientBuilder()
            .http1_only()
            .no_proxy()
            .follow_redirects(False)
            .referer(False)
            .default_cookie_store(False)
            .default_headers(PLAIN_BODIES)
            .connect_timeout(timedelta(seconds=connect_seconds(self._timeout)))
            .timeout(timedelta(seconds=self._timeout))
            .pool_idle_timeout(timedelta(seconds=KEEP_ALIVE_SECONDS))
        )
        if sys.platform == "linux":
            builder = builder.tcp_user_timeout(timedelta(seconds=unacknowledged_seconds(self._timeout)))
        self._client = builder.build()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._client is not None:
            await self._client.close()
            await _quiet()

    async def exchange(self, method: str, url: str, headers: Mapping[str, str], body: bytes | None) -> RawAnswer:
        """One request and its whole answer; redirects are answers, too. Raises `NotConnected` or `Interrupted`."""
        request = self._request(method, url, headers, body)
        try:
            response = await request.send()
            content = await response.bytes()
        except PyreqwestError as error:
            raise _meaning(error) from error
        return RawAnswer(response.status, response.headers, bytes(content).decode("utf-8", "replace"))

    def _request(self, method: str, url: str, headers: Mapping[str, str], body: bytes | None) -> ConsumedRequest:
        if self._client is None:
            raise RuntimeError("the transport is used before it was entered")
        try:
            builder = self._client.request(method, url).headers(headers)
            return (builder if body is None else builder.body_bytes(body)).build()
        except ValueError as error:  # an address that is none
            raise NotConnected(type(error).__name__) from error


async def _quiet() -> None:
    """Wait until the library's thread is out of the interpreter: a process that ends before is aborted.

    It wakes the loop by a Python function, in which it may still stand when the loop is done. It is no thread that
    `threading` knows, so that it shows by its frames.
    """
    for _ in range(_LONGEST_LOOKS):
        if sys._current_frames().keys() <= {thread.ident for thread in threading.enumerate()}:
            return
        await asyncio.sleep(0.001)


def _meaning(error: PyreqwestError) -> NotConnected | Interrupted:
    causes = (
        [cause["message"] for cause in error.details["causes"] or ()]
        if isinstance(error, DetailedPyreqwestError)
        else []
    )
    where = causes[1] if len(causes) > 1 else None
    if where == _WHILE_CONNECTING:
        return NotConnected(type(error).__name__)
    if isinstance(error, TimeoutError):
        return Interrupted("time_out")
    if isinstance(error, DecodeError) and where != _WHILE_READING_THE_BODY:
        return Interrupted("server_error")  # an answer that is not HTTP
    return Interrupted("connection_lost")
