"""A line of `notifier results`."""

from __future__ import annotations

import msgspec

from notifier.commands.results import Summary, line
from notifier.domain.outcomes import Outcome

TIME = "2026-12-03T14:00:02.114Z"
EVENT = {"id": "evt-0001", "source": "/pms/harbour", "type": "key.ready"}


def told(type_: str, data: dict[str, object]) -> str:
    raw = msgspec.Raw(msgspec.json.encode(data))
    outcome = Outcome(id="x:1", type=type_, time=TIME, tenant="harbour-house", subject="x", data=raw)
    return line(outcome, msgspec.json.decode(raw, type=Summary))


def test_a_notification_tells_what_why_and_to_whom_masked() -> None:
    data = {
        "event": EVENT, "status": "scheduled", "reason": "retry", "detail": "resent_without_evidence", "channel": "sms",
        "recipient": {"personId": "p1", "masked": "+1202•••0143", "hash": None},
        "template": {"name": "key_is_ready", "version": 3}, "workflow": None, "segments": 2,
    }  # fmt: skip
    assert told("notification.scheduled", data) == (
        f"{TIME}  harbour-house  scheduled (retry: resent_without_evidence)  sms  +1202•••0143  key_is_ready"
        "  key.ready evt-0001"
    )


def test_other_records_are_told_by_their_type() -> None:
    assert told("event.ignored", {"event": EVENT, "reason": "no_effect"}) == (
        f"{TIME}  harbour-house  event.ignored (no_effect)  key.ready evt-0001"
    )
    assert told("event.applied", {"event": EVENT, "affected": ["ntf_1"]}).endswith("event.applied  key.ready evt-0001")
