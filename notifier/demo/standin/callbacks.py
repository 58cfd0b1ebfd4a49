"""Status callbacks as Twilio sends them: a form, signed with the account's token, repeated as the fragment asks.

The signature is computed here by Twilio's published rule and not by Twilio's library, so that whoever checks it with
the library is checked against something else.
"""

from __future__ import annotations

import asyncio
import base64
import hmac
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha1
from random import Random
from types import TracebackType
from typing import Self
from urllib.parse import parse_qs, urldefrag, urlencode

import aiohttp
from yarl import URL

from notifier.demo.standin.messages import API_VERSION, Message

MOST_REPEATS = 5


@dataclass(frozen=True, slots=True)
class Overrides:
    """What the fragment of a callback URL asks for (twilio.md 5.2); times in seconds."""

    repeats: int = 1
    repeat_on: frozenset[str] = frozenset({"ct"})
    connect_timeout: float = 5.0
    read_timeout: float = 15.0
    total_timeout: float = 15.0

    def repeats_after(self, failure: str) -> bool:
        return "all" in self.repeat_on or failure in self.repeat_on


def read_overrides(fragment: str) -> Overrides:
    """What is malformed or out of range counts as absent."""
    values = {name: given[-1] for name, given in parse_qs(fragment).items()}
    default = Overrides()

    def number(name: str, low: int, high: int) -> int | None:
        text = values.get(name, "")
        return int(text) if text.isascii() and text.isdigit() and low <= int(text) <= high else None

    def seconds(name: str, low: int, high: int, otherwise: float) -> float:
        milliseconds = number(name, low, high)
        return otherwise if milliseconds is None else milliseconds / 1000

    repeats = number("rc", 0, MOST_REPEATS)
    return Overrides(
        repeats=default.repeats if repeats is None else repeats,
        repeat_on=frozenset(values["rp"].split(",")) if "rp" in values else default.repeat_on,
        connect_timeout=seconds("ct", 100, 10_000, default.connect_timeout),
        read_timeout=seconds("rt", 100, 15_000, default.read_timeout),
        total_timeout=seconds("tt", 100, 15_000, default.total_timeout),
    )


def sign(url: str, parameters: Mapping[str, str], auth_token: str) -> str:
    """Base64 of HMAC-SHA1 over the address without fragment and every name with its value, sorted by name."""
    text = url + "".join(name + parameters[name] for name in sorted(parameters))
    return base64.b64encode(hmac.new(auth_token.encode(), text.encode(), sha1).digest()).decode("ascii")


def callback_form(message: Message, status: str, error_code: int | None, now: float) -> dict[str, str]:
    created = message.created
    form = {
        "AccountSid": created.account_sid,
        "ApiVersion": API_VERSION,
        "From": message.sender or "",
        "MessageSid": created.sid,
        "MessageStatus": status,
        "SmsSid": created.sid,
        "SmsStatus": status,
        "To": created.to,
    }
    if created.messaging_service_sid is not None:
        form["MessagingServiceSid"] = created.messaging_service_sid
    if error_code is not None:
        form["ErrorCode"] = str(error_code)
    if status in ("delivered", "undelivered"):
        form["RawDlrDoneDate"] = datetime.fromtimestamp(now, UTC).strftime("%y%m%d%H%M")
    return form


class CallbackPoster:
    """`counts` says how the posts ended: by HTTP status, or by what kept an answer from coming.

    `first_repeat` are the seconds before the first repeat, doubling; Twilio does not say how long it waits.
    """

    def __init__(self, chance: Random, first_repeat: float) -> None:
        self._chance = chance
        self._first_repeat = first_repeat
        self.counts: Counter[str] = Counter()
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=200), cookie_jar=aiohttp.DummyCookieJar()
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._session is not None:
            await self._session.close()

    async def post(self, status_callback: str, form: Mapping[str, str], auth_token: str) -> None:
        """Post, and repeat as the fragment says; in the end it may be lost, as with Twilio."""
        url, fragment = urldefrag(status_callback)
        overrides = read_overrides(fragment)
        headers = {
            "Content-Type": "application/x-www-form-urlencoded; charset=UTF-8",
            "I-Twilio-Idempotency-Token": f"{self._chance.getrandbits(128):032x}",
            "User-Agent": "TwilioProxy/1.1",
            "X-Twilio-Signature": sign(url, form, auth_token),
        }
        try:
            async with asyncio.timeout(overrides.total_timeout):
                for repeat in range(overrides.repeats + 1):
                    failure = await self._post_once(url, urlencode(form).encode("ascii"), headers, overrides)
                    if failure is None or not overrides.repeats_after(failure) or repeat == overrides.repeats:
                        return
                    await asyncio.sleep(self._first_repeat * 2**repeat)
        except TimeoutError:
            self.counts["given_up"] += 1

    async def _post_once(self, url: str, body: bytes, headers: Mapping[str, str], overrides: Overrides) -> str | None:
        """None when it was taken, else the kind of failure in the fragment's words: ct, rt, 4xx, 5xx."""
        if self._session is None:
            raise RuntimeError("callbacks are posted before the poster was entered")
        timeout = aiohttp.ClientTimeout(sock_connect=overrides.connect_timeout, sock_read=overrides.read_timeout)
        try:
            async with self._session.post(
                URL(url, encoded=True), data=body, headers=headers, timeout=timeout, allow_redirects=False
            ) as response:
                await response.read()
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError):
            self.counts["not_connected"] += 1
            return "ct"
        except (aiohttp.ClientError, TimeoutError, OSError):
            self.counts["no_answer"] += 1
            return "rt"
        self.counts[str(response.status)] += 1
        return None if response.status < 300 else ("5xx" if response.status >= 500 else "4xx")
