"""One HTTP exchange, and what became of it when no answer came: the seam behind which a faster transport may stand.

The one thing a transport has to get right is the line between *not sent* and *perhaps sent* (twilio.md 3.1 and 10.1).
aiohttp's exception classes tell the truth about it: `ClientConnectorError` and `ConnectionTimeoutError` come from
making the connection, before the first byte of the request; everything later is a doubt. Nothing is repeated here, and
aiohttp repeats no POST by itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Literal, Protocol, Self

import aiohttp
from yarl import URL

CONNECT_SECONDS = 5.0
KEEP_ALIVE_SECONDS = 15.0  # shorter than Twilio's, so that a connection about to be closed is not used


class NotConnected(Exception):
    """No connection was made: not a byte of the request left this machine."""


class Interrupted(Exception):
    """The request may have been read and done, and no usable answer came."""

    def __init__(self, cause: Literal["time_out", "connection_lost", "server_error"]) -> None:
        super().__init__(cause)
        self.cause: Literal["time_out", "connection_lost", "server_error"] = cause


@dataclass(frozen=True, slots=True)
class RawAnswer:
    """`headers` are looked up whatever their case."""

    status: int
    headers: Mapping[str, str]
    text: str


class Transport(Protocol):
    """Raises `NotConnected` or `Interrupted`; an answer of any status is returned."""

    async def exchange(self, method: str, url: str, headers: Mapping[str, str], body: bytes | None) -> RawAnswer: ...


class AiohttpTransport:
    """Kept-alive connections without a limit of their own: the engine limits creates, `turns.py` lookups, both fairly.

    `timeout` is the total for one exchange in seconds. To be entered and left inside the running loop.
    """

    def __init__(self, timeout: float) -> None:
        connect = min(CONNECT_SECONDS, timeout / 2)  # before the total, or a connection never made would be a doubt
        self._timeout = aiohttp.ClientTimeout(total=timeout, connect=connect, sock_connect=connect)
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=KEEP_ALIVE_SECONDS),
            timeout=self._timeout,
            cookie_jar=aiohttp.DummyCookieJar(),
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._session is not None:
            await self._session.close()

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
