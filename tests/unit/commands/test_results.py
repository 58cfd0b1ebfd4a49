"""A line of `notifier results`."""

from __future__ import annotations

import msgspec
import pytest

from notifier.commands.results import Wanted, line, summarise
from notifier.domain.outcomes import Outcome

TIME = "2026-12-03T14:00:02.114Z"
EVENT = {"id": "evt-0001", "source": "/pms/harbour", "type": "key.ready"}


def outcome_of(type_: str, data: object) -> Outcome:
    raw = msgspec.Raw(msgspec.json.encode(data))
    return Outcome(id="x:1", type=type_, time=TIME, tenant="harbour-house", subject="x", data=raw)


def told(type_: str, data: object) -> str:
    outcome = outcome_of(type_, data)
    return line(outcome, summarise(outcome))


def test_a_notification_tells_what_why_and_to_whom_masked() -> None:
    data = {
        "event": EVENT, "status": "scheduled", "reason": "retry", "detail": "resent_without_evidence", "channel": "sms",
        "recipient": {"personId": "p1", "masked": "+1202•••0143", "hash": None},
        "template": {"name": "key_is_ready", "version": 3}, "workflow": None, "segments": 2,
    }  # fmt: skip
    assert told("notification.scheduled", data).split() == [
        TIME, "harbour-house", "scheduled", "retry:", "resent_without_evidence", "sms", "+1202•••0143", "key_is_ready",
        "key.ready", "evt-0001",
    ]  # fmt: skip


def test_other_records_are_told_by_their_type() -> None:
    ignored = told("event.ignored", {"event": EVENT, "reason": "no_effect"})
    assert ignored.split() == [TIME, "harbour-house", "event.ignored", "no_effect", "key.ready", "evt-0001"]
    applied = told("event.applied", {"event": EVENT, "affected": ["ntf_1"]})
    assert applied.split()[2:] == ["event.applied", "key.ready", "evt-0001"]


def test_lines_stand_in_columns_whatever_they_lack() -> None:
    recipient = {"personId": "p1", "masked": "+1202•••0143", "hash": None}
    lines = [
        told("event.ignored", {"event": EVENT, "reason": "no_effect"}),
        told("notification.sent", {"event": EVENT, "status": "sent", "channel": "sms", "recipient": recipient}),
        told(
            "notification.unconfirmed", {"event": EVENT, "status": "unconfirmed", "template": {"name": "key_is_ready"}}
        ),
        told("notification.skipped", {"event": EVENT, "status": "skipped", "reason": "sms_provider_not_connected"}),
    ]
    assert len({each.index("key.ready evt-0001") for each in lines}) == 1
    assert lines[0].index("event.ignored") == lines[1].index("sent") == lines[2].index("unconfirmed")
    assert lines[0].index("no_effect") == lines[3].index("sms_provider_not_connected")


def test_what_is_wider_than_its_column_is_not_cut_off() -> None:
    data = {"event": EVENT, "workflow": {"name": "a-workflow-with-a-rather-long-name"}, "detail": "d" * 60}
    shown = told("run.failed", data)
    assert "a-workflow-with-a-rather-long-name  key.ready evt-0001" in shown
    assert "d" * 60 in shown


@pytest.mark.parametrize("data", [None, [], {"event": None}, {"event": EVENT, "status": 7}])
def test_a_record_in_a_form_of_another_version_stops_nothing(data: object) -> None:
    assert told("notification.sent", data).split()[:3] == [TIME, "harbour-house", "notification.sent"]


@pytest.mark.parametrize(
    ("wanted", "fits"),
    [
        (Wanted(), True),
        (Wanted(tenant="harbour-house", event="evt-0001", status="sent"), True),
        (Wanted(tenant="mill-lodge"), False),
        (Wanted(event="evt-0002"), False),
        (Wanted(status="delivered"), False),
        (Wanted(tenant="harbour-house", event="evt-0001", status="failed"), False),
    ],
)
def test_only_what_fits_all_that_was_asked_for_is_shown(wanted: Wanted, fits: bool) -> None:
    outcome = outcome_of("notification.sent", {"event": EVENT, "status": "sent"})
    assert wanted.fits(outcome, summarise(outcome)) is fits


def test_a_record_of_an_event_has_no_status() -> None:
    ignored = outcome_of("event.ignored", {"event": EVENT, "reason": "no_effect"})
    assert Wanted(event="evt-0001").fits(ignored, summarise(ignored))
    assert not Wanted(status="sent").fits(ignored, summarise(ignored))
