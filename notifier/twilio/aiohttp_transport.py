"""The transport in plain Python, for where the fast one has no wheel.

aiohttp's exception classes tell the truth: `ClientConnectorError` and `ConnectionTimeoutError` come from making the
connection, before the first byte of the request; everything later is a doubt. It repeats no POST by itself.
"""

from __future__ import annotations

import socket
import sys
from collections.abc import Mapping
from math import ceil
from types import TracebackType
from typing import Self

import aiohttp
from yarl import URL

from notifier.twilio.transport import (
    KEEP_ALIVE_SECONDS,
    PLAIN_BODIES,
    Interrupted,
    NotConnected,
    RawAnswer,
    connect_seconds,
    unacknowledged_seconds,
)


class AiohttpTransport:
    """Kept-alive connections without a limit of their own: the engine limits creates, `turns.py` lookups, both fairly.

    `timeout` is the total for one exchange in seconds. To be entered and left inside the running loop.
    """

    def __init__(self, timeout: float) -> None:
        connect = connect_seconds(timeout)
        self._timeout = aiohttp.ClientTimeout(total=timeout, connect=connect, sock_connect=connect)
        self._unacknowledged = unacknowledged_seconds(timeout)
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                limit=0, keepalive_timeout=KEEP_ALIVE_SECONDS, socket_factory=self._open_socket
            ),
            timeout=self._timeout,
            cookie_jar=aiohttp.DummyCookieJar(),
            headers=PLAIN_BODIES,
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._session is not None:
            await self._session.close()

    def _open_socket(self, place: aiohttp.AddrInfoType) -> socket.socket:
        family, kind, protocol, _, _ = place
        opened = socket.socket(family, kind, protocol)
        if sys.platform == "linux":
            milliseconds = ceil(1000 * self._unacknowledged)
            opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, milliseconds)
        return opened

    async def exchange(self, method: str, url: str, headers: Mapping[str, str], body: bytes | None) -> RawAnswer:
        """One request and its whole answer; redirects are answers, too. Raises `NotConnected` or `Interrupted`."""
        if self._session is None:
            raise RuntimeError("the transport is used before it was entered")
        try:
            async with self._session.request(
                method, URL(url, encoded=True), headers=headers, data=body, allow_redirects=False
            ) as response:
                content = await response.read()
                return RawAnswer(response.status, response.headers, content.decode("utf-8", "replace"))
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError, aiohttp.InvalidURL) as error:
            raise NotConnected(type(error).__name__) from error
        except TimeoutError as error:
            raise Interrupted("time_out") from error
        except aiohttp.ClientResponseError as error:
            raise Interrupted("server_error") from error  # an answer that is not HTTP
        except (aiohttp.ClientError, OSError) as error:
            raise Interrupted("connection_lost") from error
