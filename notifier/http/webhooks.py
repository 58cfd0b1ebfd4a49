"""Status callbacks of Twilio (port 8080, contract section 8): checked, written to the signals, and only then 204.

This listener is open to the world. So a callback means nothing before its signature was found good, a body is at most
64 KiB, and nobody learns from the answer whether a notification exists. Twilio repeats what was answered 503.
What cannot be a callback of ours is counted and answered 204: Twilio repeating it would not change it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol
from urllib.parse import parse_qsl

import structlog
from aiohttp import web

from notifier.domain.signals import DeliveryStatus, Signal

LARGEST_BODY_BYTES = 64 * 1024
MOST_PARAMETERS = 200  # Twilio sends some 20, and their number grows without notice


class SignalWriter(Protocol):
    async def write(self, signal: Signal) -> object:
        """Returns when the signal is acknowledged; raises when it is not known to be written."""


class CallbackDirectory(Protocol):
    """What of the configuration a callback is held against."""

    def has_connection(self, owner: str) -> bool: ...
    def sends_through(self, tenant: str, owner: str) -> bool:
        """Whether the tenant's built-in sender is this owner's connection."""


class SignatureCheck(Protocol):
    def __call__(
        self, owner: str, path_and_query: str, parameters: Sequence[tuple[str, str]], headers: Mapping[str, str], /
    ) -> bool: ...


class Webhooks:
    """`count` takes what became of a callback: `stored`, `not_stored`, `forged`, `malformed`, `too_large`,
    `unknown_tenant`, or `other_tenant` for a `t=` that does not send through this connection.
    """

    def __init__(
        self,
        directory: CallbackDirectory,
        is_signed: SignatureCheck,
        signals: SignalWriter,
        count: Callable[[str], None],
    ) -> None:
        self._directory = directory
        self._is_signed = is_signed
        self._signals = signals
        self._count = count
        self._log = structlog.get_logger(__name__)

    def application(self) -> web.Application:
        application = web.Application(client_max_size=LARGEST_BODY_BYTES)
        application.router.add_post("/twilio/{tenant}/status", self._post_status)
        return application

    async def _post_status(self, request: web.Request) -> web.Response:
        owner = request.match_info["tenant"]
        if not self._directory.has_connection(owner):
            return self._answer(404, "unknown_tenant")
        try:
            body = await request.read()
        except web.HTTPRequestEntityTooLarge:
            return self._answer(413, "too_large")
        try:
            parameters = parse_qsl(body.decode("utf-8"), keep_blank_values=True, max_num_fields=MOST_PARAMETERS)
        except ValueError:
            return self._answer(403, "forged")
        if not self._is_signed(owner, request.raw_path, parameters, request.headers):
            return self._answer(403, "forged")
        tenant = request.query.get("t", owner)
        if tenant != owner and not self._directory.sends_through(tenant, owner):
            return self._answer(204, "other_tenant")
        signal = _read(tenant, owner, request.query, dict(reversed(parameters)))
        if signal is None:
            return self._answer(204, "malformed")
        try:
            await self._signals.write(signal)
        except Exception as error:  # noqa: BLE001  # whatever the reason, Twilio is to come again
            self._log.warning("callback_not_stored", tenant=signal.tenant, error=type(error).__name__)
            return self._answer(503, "not_stored")
        return self._answer(204, "stored")

    def _answer(self, status: int, result: str) -> web.Response:
        self._count(result)
        return web.Response(status=status)


def _read(tenant: str, owner: str, query: Mapping[str, str], parameters: Mapping[str, str]) -> DeliveryStatus | None:
    """None when it is no status of a text of ours; of a repeated name the first value counts."""
    notification, attempt = query.get("n", ""), query.get("a", "")
    sid = parameters.get("MessageSid") or parameters.get("SmsSid", "")
    status = parameters.get("MessageStatus") or parameters.get("SmsStatus", "")
    code = parameters.get("ErrorCode", "")
    if not (notification and sid and status and _is_number(attempt) and (not code or _is_number(code))):
        return None
    return DeliveryStatus(
        tenant=tenant,
        connection=owner,
        notification_id=notification,
        attempt=int(attempt),
        message_sid=sid,
        message_status=status,
        error_code=(int(code) or None) if code else None,
    )


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 9
