"""Every status and reason of the contract has its words, and every word is about one of them."""

from __future__ import annotations

from typing import get_args, get_type_hints

import pytest

from notifier.domain import workflow_rules
from notifier.domain.channel_rules import Result
from notifier.domain.cloudevents import RefusalReason
from notifier.domain.events import PMS_EVENT_TYPES
from notifier.domain.explanations import (
    DEAD_LETTERS,
    IGNORED,
    NO_EFFECT,
    REASONS,
    RUNS,
    STATUSES,
    meaning_of,
    meaning_of_run,
)
from notifier.domain.failures import CREATE_RULES, DELIVERY_RULES
from notifier.domain.outcomes import IgnoredData, Status

FAILURES = {
    "bad_recipient", "suppressed", "bad_request", "filtered", "destination", "carrier", "expired_in_queue", "exhausted",
}  # fmt: skip
# Contract section 6, row by row.
CONTRACT: dict[str, set[str]] = {
    "scheduled": {"lead_time", "quiet_hours", "retry"},
    "held": {"awaiting_check_in", "awaiting_credential", "connection_broken", "sender_held", "not_live", "paused"},
    "accepted": set(), "sent": set(), "delivered": set(), "unconfirmed": set(),
    "undelivered": FAILURES, "failed": FAILURES,
    "skipped": {
        "no_contact", "no_phone", "invalid_recipient", "sms_disabled", "notifications_disabled", "not_live",
        "no_template", "empty_message", "no_sender", "sender_not_approved", "sms_provider_not_connected", "opted_out",
        "no_consent", "duplicate_window", "expired", "rate_limited", "recipient_not_allowed", "key_not_active",
    },
    "delegated": {"email_first", "both", "shared_by_email"},
    "cancelled": {
        "superseded", "key_revoked", "reservation_cancelled", "cancelled_by_event", "workflow_removed",
        "tenant_removed",
    },
    "unknown": {"time_out", "connection_lost", "server_error", "takeover"},
    "parked": {"unresolved", "too_late_to_repeat"},
}  # fmt: skip


def test_every_status_and_every_reason_has_one_meaning_and_no_other_has() -> None:
    assert set(STATUSES) == set(CONTRACT) == set(get_args(Status))
    assert {status: set(REASONS.get(status, ())) for status in CONTRACT} == CONTRACT


def test_what_the_code_can_say_is_explained() -> None:
    """Reasons that other modules decide on are among them."""
    said = set(get_args(workflow_rules.RefusalReason)) | (set(get_args(Result)) - {"email", "own_sms", "builtin_sms"})
    assert said <= REASONS["skipped"].keys()
    classes = {rule.error_class for rule in CREATE_RULES.values()} | set(DELIVERY_RULES.values())
    assert classes - {"hold_sender", "hold_account", "retry", "unknown"} <= REASONS["failed"].keys()


def test_records_that_speak_of_something_else_are_explained() -> None:
    assert set(IGNORED) == set(get_args(get_type_hints(IgnoredData)["reason"]))
    assert set(DEAD_LETTERS) == set(get_args(RefusalReason))
    assert set(RUNS) == {"run.waiting", "run.completed", "run.exited", "run.failed", "run.cancelled"}
    assert PMS_EVENT_TYPES - {"credentials.shared"} < NO_EFFECT.keys()


@pytest.mark.parametrize("status", sorted(CONTRACT))
def test_a_meaning_is_a_sentence(status: str) -> None:
    for meaning in (STATUSES[status], *REASONS.get(status, {}).values()):
        for text in (meaning.what, meaning.change or "."):
            assert text.endswith(".")
            assert len(text) < 140


def test_what_nobody_knows_falls_back_to_what_is_known_of_it() -> None:
    assert meaning_of("held", "a_reason_of_tomorrow") == STATUSES["held"]
    assert meaning_of("a_status_of_tomorrow", None) is None
    assert meaning_of_run("run.failed", "a_reason_of_tomorrow") == RUNS["run.failed"]


def test_a_run_ends_for_the_reason_of_what_decided_it() -> None:
    assert meaning_of_run("run.failed", "bad_recipient") == REASONS["failed"]["bad_recipient"]
    assert meaning_of_run("run.failed", "unresolved") == REASONS["parked"]["unresolved"]
    assert meaning_of_run("run.cancelled", "superseded") == REASONS["cancelled"]["superseded"]
    assert meaning_of_run("run.completed", None) == RUNS["run.completed"]
