"""One text to a number that staff gave, marked as a test, through the sender that real texts take.

Rules: it is for a person of the house, so that neither consent nor the tenant's being live is asked for; whom the
environment may text at all (`NOTIFIER_SAFETY__ALLOWED_RECIPIENTS`) is. No callback is asked for: the daemon knows
nothing of this text, and no outcome is published.
"""

from __future__ import annotations

import asyncio
import os
from base64 import b64decode
from dataclasses import dataclass

from notifier.domain.answers import Accepted, InDoubt, NotSent, Rejected, SendRequest, SendResult
from notifier.domain.catalog import ConnectionConfig, SenderConfig, TenantConfig
from notifier.domain.phone_numbers import normalise
from notifier.domain.segments import measure
from notifier.settings import TWILIO_BASE_URL, Settings
from notifier.twilio.credentials import Secrets
from notifier.twilio.provider import open_provider

MARK = "TEST: "  # of the GSM alphabet's plain characters, so that it costs six septets and never the encoding


class TrialTextNotSent(Exception):
    """Nothing was sent, or, where the message says so, nobody knows. The message repeats no number."""


@dataclass(frozen=True, slots=True)
class TrialText:
    """What Twilio took. `segments` are those of the marked text."""

    sid: str
    status: str
    sender: str
    connection: str
    segments: int

    def row(self) -> dict[str, object]:
        """For `--json`."""
        return {
            "messageSid": self.sid, "status": self.status, "from": self.sender, "connection": self.connection,
            "segments": self.segments,
        }  # fmt: skip

    def __str__(self) -> str:
        count = f"{self.segments} segment{'' if self.segments == 1 else 's'}"
        return f"Twilio accepted the test text as {self.sid} ({self.status}), {count} from {self.sender}"


def recipient(raw: str, tenant: TenantConfig, settings: Settings) -> str:
    """The number in E.164. Raises `TrialTextNotSent` when it is none, or may not be texted from here."""
    region = tenant.document.default_region
    number = normalise(raw, region)
    if number is None:
        allowed = "+ and digits" if region is None else f"+ and digits, or the form that is usual in {region},"
        raise TrialTextNotSent(f"--send-to is no phone number: {allowed} is allowed; nothing was sent")
    if not settings.sends_to_anyone and number not in settings.safety.allowed_recipients:
        raise TrialTextNotSent(
            "--send-to is not among NOTIFIER_SAFETY__ALLOWED_RECIPIENTS, and NOTIFIER_ENVIRONMENT is not production:"
            " nothing was sent"
        )
    return number


def connection_of(tenant: TenantConfig) -> tuple[ConnectionConfig, SenderConfig]:
    """What the tenant's texts go out from: its own connection, else the shared one. Raises `TrialTextNotSent`."""
    connection = tenant.connection or tenant.builtin
    if connection is None:
        raise TrialTextNotSent(f"{tenant.name} has no Connection and no builtinSender: nothing was sent")
    if not connection.senders:
        raise TrialTextNotSent(f"Connection/{connection.owner} has no senders: nothing was sent")
    return connection, connection.senders[0]


def send_trial_text(
    settings: Settings, tenant: TenantConfig, sending: tuple[ConnectionConfig, SenderConfig], to: str, text: str
) -> TrialText:
    """Send `text`, marked. `to` comes from `recipient`. Raises `TrialTextNotSent` unless Twilio accepted it."""
    connection, sender = sending
    body = MARK + text
    request = SendRequest(
        connection=connection.owner, tenant=tenant.name, notification_id="test", attempt=1, to=to, body=body,
        from_=sender.from_, messaging_service_sid=sender.messaging_service_sid,
    )  # fmt: skip
    result = asyncio.run(_send(settings, connection, request))
    if not isinstance(result, Accepted):
        raise TrialTextNotSent(f"Connection/{connection.owner}: {_why_not(result)}")
    return TrialText(result.sid, result.status, sender.name, connection.owner, measure(body).count)


async def _send(settings: Settings, connection: ConnectionConfig, request: SendRequest) -> SendResult:
    secrets = Secrets(
        os.environ,
        [b64decode(key.get_secret_value()) for key in settings.secrets.keys],
        plain_text_allowed=settings.environment == "development",
    )
    base_url = settings.twilio.api_base_url
    async with open_provider(
        lambda owner: connection.document if owner == connection.owner else None,
        secrets,
        base_url=None if base_url == TWILIO_BASE_URL else base_url,
        timeout=settings.twilio.timeout,
        public_url=None,
        transport=settings.twilio.transport,
    ) as provider:
        return await provider.send(request)


def _why_not(result: NotSent | Rejected | InDoubt) -> str:
    match result:
        case Rejected(detail=detail, error_code=code):
            return f"{detail or 'Twilio refused the text'}{_coded(code)}; nothing was sent"
        case NotSent(error_code=None, congested=False):
            return "no connection to Twilio could be made; nothing was sent"
        case NotSent(error_code=code):
            return f"Twilio takes no more texts just now{_coded(code)}; nothing was sent, try again later"
        case InDoubt(cause=cause):
            return f"Twilio gave no usable answer ({cause}): it may have been sent, look at the phone before a repeat"


def _coded(code: int | None) -> str:
    return "" if code is None else f" (Twilio {code})"
