"""The twilio library's HTTP client, our own, because its stock one has no time-out, repeats POSTs on 5xx and loses the
headers of errors (twilio.md section 10).

An answer that is no success is raised as `ErrorAnswer`, with its headers, before the library makes an exception of it
that has lost them. Neither an address nor a parameter is ever logged: the list's filters are phone numbers.
"""

from __future__ import annotations

import logging
from base64 import b64encode
from collections.abc import Mapping
from functools import lru_cache
from string import ascii_letters, digits
from urllib.parse import urlsplit

import msgspec
from twilio.http import AsyncHttpClient  # type: ignore[import-untyped]  # ships no type information
from twilio.http.response import Response  # type: ignore[import-untyped]  # ships no type information

from notifier.domain.failures import SMALLEST_TWILIO_CODE
from notifier.twilio.transport import Transport

_UNESCAPED = frozenset(ascii_letters + digits + "_.-~")
_ESCAPES = [chr(octet) if chr(octet) in _UNESCAPED else f"%{octet:02X}" for octet in range(256)]
_ESCAPES[ord(" ")] = "+"


class _ErrorBody(msgspec.Struct):
    code: int


class ErrorAnswer(Exception):
    """Twilio, or whoever stands before it, answered with something else than a success."""

    def __init__(self, status: int, headers: Mapping[str, str], text: str) -> None:
        super().__init__(f"HTTP {status}")
        self.status = status
        self.headers = headers
        self.text = text

    @property
    def twilio_code(self) -> int | None:
        """The code of Twilio's error, in both forms that Twilio uses; None: the body is not Twilio's."""
        try:
            code = msgspec.json.decode(self.text, type=_ErrorBody).code
        except msgspec.DecodeError:
            return None
        return code if code >= SMALLEST_TWILIO_CODE else None


class TwilioHttpClient(AsyncHttpClient):  # type: ignore[misc]  # the base class is Any
    """`base_url`, when given, stands for all of Twilio's hosts, with the same paths."""

    def __init__(self, transport: Transport, base_url: str | None = None) -> None:
        super().__init__(logging.getLogger(__name__), is_async=True)
        self._transport = transport
        self._base_url = base_url.rstrip("/") if base_url is not None else None

    async def request(
        self,
        method: str,
        uri: str,
        params: Mapping[str, object] | None = None,
        data: Mapping[str, object] | None = None,
        headers: Mapping[str, str] | None = None,
        auth: tuple[str, str] | None = None,
        timeout: float | None = None,
        allow_redirects: bool = False,
    ) -> Response:
        """As the library calls it; `timeout` and `allow_redirects` are the transport's business.

        Raises `ErrorAnswer` for a status that is not 2xx, and what the transport raises.
        """
        sent = dict(headers or {})
        if auth is not None:
            sent["Authorization"] = basic_authorization(*auth)
        body = form_encoded(data).encode("ascii") if data else None
        answer = await self._transport.exchange(method.upper(), self._address(uri, params), sent, body)
        if not 200 <= answer.status < 300:
            raise ErrorAnswer(answer.status, answer.headers, answer.text)
        return Response(answer.status, answer.text, answer.headers)

    def _address(self, uri: str, params: Mapping[str, object] | None) -> str:
        parts = urlsplit(uri)
        base = self._base_url or f"{parts.scheme}://{parts.netloc}"
        query = "&".join(part for part in (parts.query, form_encoded(params) if params else "") if part)
        return f"{base}{parts.path}?{query}" if query else f"{base}{parts.path}"


def form_encoded(fields: Mapping[str, object]) -> str:
    """What `urllib.parse.urlencode(fields, doseq=True)` gives, in half the time: every text pays for it.

    Raises `UnicodeEncodeError` for what is no text, such as half a surrogate pair.
    """
    return "&".join(
        f"{_escaped_name(name)}={_escaped(str(value))}"
        for name, given in fields.items()
        for value in (given if isinstance(given, list | tuple) else (given,))
    )


@lru_cache(maxsize=256)  # the library's own, a handful
def _escaped_name(name: str) -> str:
    return _escaped(name)


def _escaped(text: str) -> str:
    return "".join(map(_ESCAPES.__getitem__, text.encode()))


def basic_authorization(user: str, password: str) -> str:
    return "Basic " + b64encode(f"{user}:{password}".encode()).decode("ascii")
