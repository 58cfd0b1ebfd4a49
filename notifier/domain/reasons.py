"""Which reasons an outcome of each status may have (contract section 6): the whole list, in the order of the contract.

None stands for no reason. What decides draws from these; the published schemas are made of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import get_args

from notifier.domain.answers import DoubtCause
from notifier.domain.outcomes import Status

_NOT_DELIVERED = (
    "bad_recipient", "suppressed", "bad_request", "filtered", "destination", "carrier", "expired_in_queue", "exhausted",
)  # fmt: skip

NOTIFICATION_REASONS: Mapping[Status, tuple[str | None, ...]] = {
    "scheduled": ("lead_time", "quiet_hours", "retry"),
    "held": ("awaiting_check_in", "awaiting_credential", "connection_broken", "sender_held", "not_live", "paused"),
    "accepted": (None,),
    "sent": (None,),
    "delivered": (None,),
    "unconfirmed": (None,),
    "undelivered": _NOT_DELIVERED,
    "failed": _NOT_DELIVERED,
    "skipped": (
        "no_contact", "no_phone", "invalid_recipient", "sms_disabled", "notifications_disabled", "not_live",
        "no_template", "empty_message", "no_sender", "sender_not_approved", "sms_provider_not_connected", "opted_out",
        "no_consent", "duplicate_window", "expired", "rate_limited", "recipient_not_allowed", "key_not_active",
    ),
    "delegated": ("email_first", "both", "shared_by_email"),
    "cancelled": (
        "superseded", "key_revoked", "reservation_cancelled", "cancelled_by_event", "workflow_removed",
        "tenant_removed",
    ),
    "unknown": get_args(DoubtCause),
    "parked": ("unresolved", "too_late_to_repeat"),
}  # fmt: skip
RUN_CANCELLED_REASONS = ("superseded", "cancelled_by_event", "workflow_removed", "tenant_removed")
