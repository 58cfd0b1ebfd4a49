"""Signals: what reaches the engine beside events, over `notifier.signals` (key: the tenant)."""

from __future__ import annotations

import msgspec


class DeliveryStatus(msgspec.Struct, frozen=True, kw_only=True, tag="status", omit_defaults=True):
    """A status callback whose signature was good. `tenant` is the notification's (`t=` wins over the path)."""

    tenant: str
    connection: str  # owner of the Connection whose token signed it
    notification_id: str
    attempt: int
    message_sid: str
    message_status: str
    error_code: int | None = None


class ResendParked(msgspec.Struct, frozen=True, kw_only=True, tag="resend_parked"):
    """`notifier parked resend`: look once more, and without evidence send it again as a new notification."""

    tenant: str
    notification_id: str


class DropParked(msgspec.Struct, frozen=True, kw_only=True, tag="drop_parked"):
    """`notifier parked drop`: nobody will send it again."""

    tenant: str
    notification_id: str


class Forget(msgspec.Struct, frozen=True, kw_only=True, tag="forget"):
    """`notifier forget`: erase what is stored of this E.164 number."""

    tenant: str
    phone: str


Command = ResendParked | DropParked | Forget  # what operators ask for
Signal = DeliveryStatus | Command
