"""What the provider's answers mean: the words between the Twilio shell and the engine.

A create ends in exactly one of four ways (contract section 6, twilio.md 3.1): it was accepted, it was certainly not
sent, it was refused for good, or nobody can know yet.
"""

from __future__ import annotations

from typing import Literal

import msgspec

DoubtCause = Literal["time_out", "connection_lost", "server_error", "takeover"]

ErrorClass = Literal[
    "bad_recipient", "suppressed", "bad_request", "filtered", "destination", "carrier", "expired_in_queue",
    "exhausted", "hold_sender", "hold_account", "retry", "unknown",
]  # fmt: skip


class Accepted(msgspec.Struct, frozen=True, kw_only=True, tag="accepted", omit_defaults=True):
    """Twilio has it: 201 with a SID, or evidence that it was created."""

    sid: str
    status: str = "queued"


class NotSent(msgspec.Struct, frozen=True, kw_only=True, tag="not_sent", omit_defaults=True):
    """Certainly not created: 429, or no connection was made. `retry_after` in seconds, when Twilio said so."""

    error_code: int | None = None
    retry_after: float | None = None
    congested: bool = False  # a 429: lowers the limit of requests in flight


class Rejected(msgspec.Struct, frozen=True, kw_only=True, tag="rejected", omit_defaults=True):
    """Certainly not created, and the same request will not be. `hold_…` classes hold what sends, not the message."""

    error_class: ErrorClass
    error_code: int | None = None
    detail: str | None = None  # never a number, a body or a secret


class InDoubt(msgspec.Struct, frozen=True, kw_only=True, tag="in_doubt", omit_defaults=True):
    """It may have been created: time-out, connection lost after the first byte, 5xx, 201 without a SID."""

    cause: DoubtCause


SendResult = Accepted | NotSent | Rejected | InDoubt


class SendRequest(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One create. `connection` is the owner of the Connection document (a tenant, or `platform`)."""

    connection: str
    tenant: str
    notification_id: str
    attempt: int
    to: str
    body: str
    from_: str | None = None
    messaging_service_sid: str | None = None
    validity_period: int = 36_000  # seconds, 1 to 36,000


class LookRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Ask the message list whether a create in doubt shows: it was begun at `since`; what was created from `until` on
    may be another's (wall time in seconds; None: nobody else's can be among them)."""

    connection: str
    to: str
    body: str
    from_: str | None
    messaging_service_sid: str | None
    since: float
    until: float | None = None


class MessageMatch(msgspec.Struct, frozen=True, kw_only=True):
    """A message on Twilio's list that equals the request in number, sender and body, of the time in question."""

    sid: str
    status: str
    error_code: int | None = None


class MessageState(msgspec.Struct, frozen=True, kw_only=True):
    """What a fetch of one message says."""

    status: str
    error_code: int | None = None
