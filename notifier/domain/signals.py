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


Signal = DeliveryStatus
