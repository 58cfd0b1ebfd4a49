"""One HTTP exchange, and what became of it when no answer came: the seam behind which the transports stand.

The one thing a transport has to get right is the line between *not sent* and *perhaps sent* (twilio.md 3.1 and 10.1).
None repeats a request, follows a redirect, keeps a cookie or asks the environment for a proxy. All ask for plain
bodies, because packing some hundred bytes only costs time, and unpack what comes packed nevertheless.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, Protocol

import msgspec

CONNECT_SECONDS = 5.0
KEEP_ALIVE_SECONDS = 15.0  # shorter than Twilio's, so that a connection about to be closed is not used

PLAIN_BODIES = {"Accept-Encoding": "identity"}


class NotConnected(Exception):
    """No connection was made: not a byte of the request left this machine."""


class Interrupted(Exception):
    """The request may have been read and done, and no usable answer came."""

    def __init__(self, cause: Literal["time_out", "connection_lost", "server_error"]) -> None:
        super().__init__(cause)
        self.cause: Literal["time_out", "connection_lost", "server_error"] = cause


class RawAnswer(msgspec.Struct, frozen=True):
    """`headers` are looked up whatever their case."""

    status: int
    headers: Mapping[str, str]
    text: str


class Transport(Protocol):
    """Raises `NotConnected` or `Interrupted`; an answer of any status is returned.

    When it is cancelled or closed meanwhile, the caller is free at once, but the request may go on, even be sent, until
    its time-out is over: who waits for a doubt to settle waits for that, too. Afterwards it never is: what the other
    side has not acknowledged by then, the kernel drops, also when this process was killed.
    """

    async def exchange(self, method: str, url: str, headers: Mapping[str, str], body: bytes | None) -> RawAnswer: ...


def connect_seconds(timeout: float) -> float:
    """How long making the connection may take: less than the total, or a connection never made would be a doubt."""
    return min(CONNECT_SECONDS, timeout / 2)


def unacknowledged_seconds(timeout: float) -> float:
    """How long the kernel tries to get bytes through before it drops them and the connection (TCP_USER_TIMEOUT).

    Without it, it goes on for minutes after both the request and the process are gone, and Twilio would get a create
    that has been given up, looked for and made again. A request is written when its connection is there, at the latest.
    """
    return timeout - connect_seconds(timeout)
