"""What the engine does with one text from its event to its end: no broker, no clock, no Twilio."""

from __future__ import annotations

from typing import Any

import pytest

from notifier.domain.answers import InDoubt, MessageMatch, NotSent
from tests.unit.engine.harness import OTHER_PHONE, Shell, connection, key, person, tenant


def hotel(**settings: Any) -> Shell:
    return Shell([tenant(), connection()], **settings).own()


def test_a_key_its_first_text_and_the_positions_travel_in_one_batch() -> None:
    shell = hotel()
    shell.key_event("key.ready", key())
    (batch,) = [found for found in shell.batches if any(record.key.startswith("n/") for record in found)]
    assert {record.key.partition("/")[0] for record in batch} == {"n", "k", "w"}
    (request,) = shell.sends
    assert "1234" in request.body


def test_a_text_is_followed_to_its_end_and_a_late_status_changes_nothing() -> None:
    shell = hotel()
    shell.key_event("key.ready", key())
    shell.answer()
    for status in ("sent", "sent", "delivered", "undelivered", "sent"):
        shell.callback(status)
    assert shell.said() == [("accepted", None), ("sent", None), ("delivered", None)]


def test_a_callback_before_the_answer_proves_the_create() -> None:
    shell = hotel()
    shell.key_event("key.ready", key())
    shell.callback("sent")
    shell.answer(InDoubt(cause="time_out"))
    assert shell.said() == [("accepted", None), ("sent", None)]


def test_a_429_is_tried_again_after_what_twilio_asks_for() -> None:
    shell = hotel()
    shell.key_event("key.ready", key())
    shell.answer(NotSent(error_code=20429, retry_after=7.0, congested=True))
    shell.pass_time(6.9)
    assert len(shell.sends) == 1
    shell.pass_time(0.2)
    assert [request.attempt for request in shell.sends] == [1, 2]
    assert shell.said() == [("scheduled", "retry")]


def test_a_doubt_is_settled_by_the_list_wherever_it_shows() -> None:
    shell = hotel()
    shell.key_event("key.ready", key())
    shell.answer(InDoubt(cause="connection_lost"))
    shell.pass_time(0.0)
    shell.end_of_signals()
    assert len(shell.looks) == 1
    shell.show(MessageMatch(sid="SM77", status="sent"))
    assert shell.said() == [("unknown", "connection_lost"), ("accepted", None), ("sent", None)]
    shell.pass_time(60.0)
    assert len(shell.sends) == 1


def test_without_evidence_a_code_is_sent_again_openly_and_not_before_resend_after() -> None:
    shell = hotel(resend_after=20.0)
    shell.key_event("key.ready", key())
    shell.answer(InDoubt(cause="time_out"))
    shell.end_of_signals()
    shell.show()
    shell.pass_time(19.0)
    assert shell.ends_asked == 1
    shell.pass_time(1.1)
    assert shell.ends_asked == 2
    shell.end_of_signals()
    shell.show()
    shell.pass_time(1.0)
    assert [request.attempt for request in shell.sends] == [1, 2]
    assert shell.data()["detail"] == "resent_without_evidence"


def test_a_revoked_key_forbids_the_repeat_of_a_doubt() -> None:
    shell = hotel(resend_after=20.0)
    shell.key_event("key.ready", key())
    shell.answer(InDoubt(cause="time_out"))
    shell.key_event("key.revoked", key(2))
    for _ in range(2):
        shell.end_of_signals()
        shell.show()
        shell.pass_time(21.0)
    assert shell.said()[-1] == ("parked", "too_late_to_repeat")
    assert len(shell.sends) == 1


def test_a_changed_code_is_told_only_to_who_got_a_first_message() -> None:
    shell = hotel()
    shell.key_event("key.ready", key(code=None))
    assert shell.said() == [("held", "awaiting_credential")]
    shell.key_event("doorcode.changed", key(2, code="9999"))
    shell.answer()
    shell.key_event("doorcode.changed", key(3, code="7777"))
    shell.pass_time(1.0)
    first, second = shell.sends
    assert "9999" in first.body
    assert "7777" in second.body
    assert first.notification_id != second.notification_id
    assert shell.types().count("event.applied") == 1


def test_a_stale_version_changes_nothing() -> None:
    shell = hotel()
    shell.key_event("key.ready", key(2))
    shell.key_event("key.updated", key(1, code="9999"))
    shell.key_event("key.updated", key(2, code="9999"))
    assert len(shell.sends) == 1
    assert shell.types() == ["event.ignored", "event.ignored"]
    assert [shell.data(0)["reason"], shell.data(1)["reason"]] == ["stale_version", "stale_version"]


def test_silence_is_polled_and_ends_unconfirmed() -> None:
    shell = hotel(poll_after=120.0, unconfirmed_after=1_000.0)
    shell.key_event("key.ready", key())
    shell.answer()
    shell.pass_time(120.1)
    assert len(shell.polls) == 1
    shell.pass_time(880.0)
    assert shell.said()[-1] == ("unconfirmed", None)


@pytest.mark.parametrize("owner", ["the same", "another"])
def test_it_ends_unconfirmed_in_time_also_when_no_poll_would_come_before(owner: str) -> None:
    shell = hotel(poll_after=5_000.0, unconfirmed_after=1_000.0)
    shell.key_event("key.ready", key())
    shell.answer()
    shell.pass_time(500.0)
    if owner == "another":
        shell = shell.successor()
    shell.pass_time(499.0)
    assert shell.said()[-1] == ("accepted", None)
    shell.pass_time(1.1)
    assert shell.said()[-1] == ("unconfirmed", None)


def test_an_answer_to_a_poll_of_a_former_epoch_changes_nothing_in_when_it_ends() -> None:
    shell = hotel(poll_after=120.0, unconfirmed_after=1_000.0)
    shell.key_event("key.ready", key())
    shell.answer()
    shell.pass_time(121.0)
    shell.hold_appends = True
    shell.key_event("key.ready", key(name="k2", persons=[person(phone=OTHER_PHONE)]))
    shell.hold_appends = False
    shell.lose_append()  # claimed and restored again, while the poll is under way
    shell.poll_answer("sent")
    first = shell.polls[0].notification_id
    assert shell.said(first)[-1] == ("sent", None)
    shell.pass_time(2_000.0)
    assert shell.said(first)[-1] == ("unconfirmed", None)


def test_an_outcome_says_when_each_thing_happened() -> None:
    shell = Shell().own()
    shell.key_event("key.ready", key())
    shell.pass_time(1.0)
    shell.answer()
    shell.pass_time(7.0)
    shell.callback("delivered")
    accepted, delivered = shell.data(-2)["times"], shell.data(-1)["times"]
    assert accepted["accepted"] == accepted["due"] == "2027-01-15T08:00:00.000Z"
    assert (accepted["handedOver"], accepted["final"]) == ("2027-01-15T08:00:01.000Z", None)
    assert (delivered["handedOver"], delivered["final"]) == ("2027-01-15T08:00:01.000Z", "2027-01-15T08:00:08.000Z")
