"""One create, and the four ways in which it can end (contract section 6, twilio.md 3.1).

The answer's meaning is decided by `domain.failures`; here it is only taken apart. A body counts as Twilio's when it is
a JSON object with an integer `code`.
"""

from __future__ import annotations

from functools import lru_cache
from math import isfinite
from urllib.parse import quote, quote_plus

import msgspec

from notifier.domain.answers import Accepted, InDoubt, NotSent, Rejected, SendRequest, SendResult
from notifier.domain.failures import classify_create
from notifier.twilio.accounts import Accounts
from notifier.twilio.credentials import CredentialsUnavailable
from notifier.twilio.http_client import ErrorAnswer
from notifier.twilio.transport import Interrupted, NotConnected

MESSAGES = "https://api.twilio.com/2010-04-01/Accounts/{}/Messages.json"
CALLBACK_RETRIES = "rc=5&rp=all"  # Twilio repeats a callback five times, whatever went wrong (twilio.md 5.2)


class _Created(msgspec.Struct):
    """What is read of the message that Twilio answers with."""

    sid: str
    status: object = None


_created = msgspec.json.Decoder(_Created)


class TwilioSender:
    """`public_url` is the base of the status callbacks; None: no callbacks, the engine polls."""

    def __init__(self, accounts: Accounts, public_url: str | None) -> None:
        self._accounts = accounts
        self._public_url = public_url.rstrip("/") if public_url is not None else None

    async def send(self, request: SendRequest) -> SendResult:
        """POST once. Raises nothing but `CancelledError`, after which the create is in doubt."""
        try:
            result = await self._create(request)
        except CredentialsUnavailable as error:
            return Rejected(error_class="hold_account", detail=error.reason)
        except UnicodeEncodeError:
            return Rejected(error_class="bad_request", detail="the text cannot be written as UTF-8")
        except NotConnected:
            return NotSent()
        except Interrupted as error:
            return InDoubt(cause=error.cause)
        except ErrorAnswer as answer:
            result = _read_error(answer)
        if isinstance(result, Rejected) and result.error_class == "hold_account":
            self._accounts.forget(request.connection)
        return result

    async def _create(self, request: SendRequest) -> SendResult:
        client = self._accounts.client(request.connection)
        fields = {
            "To": request.to,
            "StatusCallback": status_callback_url(self._public_url, request) if self._public_url else None,
            "ValidityPeriod": request.validity_period,
            "From": request.from_,
            "MessagingServiceSid": request.messaging_service_sid,
            "Body": request.body,
        }
        response = await client.request_async("POST", MESSAGES.format(client.account_sid), data=fields)
        try:
            created = _created.decode(response.text)
        except msgspec.DecodeError:
            return InDoubt(cause="server_error")  # a success that cannot be read
        if not created.sid:
            return InDoubt(cause="server_error")
        return Accepted(sid=created.sid, status=created.status if isinstance(created.status, str) else "queued")


def status_callback_url(public_url: str, request: SendRequest) -> str:
    """Names the notification and the attempt, so that a callback is evidence even when the answer was lost.

    The fragment is an instruction to Twilio and no part of what it requests or signs.
    """
    connection, notification = _quoted(request.connection), quote_plus(request.notification_id)
    tenant = f"&t={_quoted(request.tenant)}" if request.connection != request.tenant else ""
    return f"{public_url}/twilio/{connection}/status?n={notification}&a={request.attempt}{tenant}#{CALLBACK_RETRIES}"


@lru_cache(maxsize=4096)
def _quoted(tenant: str) -> str:
    return quote(tenant, safe="")


def _read_error(answer: ErrorAnswer) -> SendResult:
    code = answer.twilio_code
    return classify_create(answer.status, code, code is not None, _retry_after(answer))


def _retry_after(answer: ErrorAnswer) -> float | None:
    """Seconds; the date form of the header is not used by Twilio and counts as absent."""
    try:
        seconds = float(answer.headers.get("Retry-After", ""))
    except ValueError:
        return None
    return seconds if isfinite(seconds) and seconds >= 0 else None
