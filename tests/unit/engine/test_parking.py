"""What a person decides on a parked notification, and evidence that comes after it was parked (contract section 6)."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from notifier.domain.answers import InDoubt, MessageMatch, NotSent
from notifier.domain.signals import DeliveryStatus, DropParked, ResendParked
from notifier.engine.inputs import SignalRecord
from tests.unit.engine.harness import (
    CLINIC,
    DAY,
    HOTEL,
    PHONE,
    START,
    Shell,
    connection,
    key,
    tenant,
    workflow,
)

PARKS = {"transactional": "park", "code": "park", "marketing": "park"}
MADE = MessageMatch(sid="SMmade", status="delivered", error_code=None)


def clinic(**settings: Any) -> Shell:
    documents = [tenant(CLINIC, platform="care", inDoubt=PARKS), connection(CLINIC), workflow()]
    return Shell(documents, **settings).own()


def park(shell: Shell) -> str:
    """The text that was sent last ends in doubt, and nothing shows it: a person has to decide."""
    notification_id = shell.sends[-1].notification_id
    shell.answer(InDoubt(cause="time_out"))
    shell.end_of_signals()
    shell.show()
    shell.pass_time(16 * 60.0)
    shell.end_of_signals()
    shell.show()
    assert shell.said(notification_id)[-1] == ("parked", "unresolved")
    return notification_id


def parked(**settings: Any) -> tuple[Shell, str]:
    shell = clinic(**settings)
    shell.order()
    return shell, park(shell)


def test_a_resend_looks_once_more_and_sends_as_a_new_notification() -> None:
    shell, old = parked()
    shell.signal(ResendParked(tenant=CLINIC, notification_id=old))
    assert len(shell.sends) == 1
    shell.show()
    again = shell.sends[-1]
    assert again.notification_id != old
    assert (again.to, again.body, again.attempt) == (PHONE, "Order 1", 1)
    shell.answer()
    shell.callback("delivered")
    assert shell.said(again.notification_id) == [("accepted", None), ("delivered", None)]
    assert shell.data()["cause"] == {"notification": old}
    shell.results_acknowledged()
    shell.pass_time(600.0)
    assert len(shell.partition.state.notifications) == 0


def test_a_resend_is_refused_where_twilio_shows_the_message() -> None:
    shell, old = parked()
    shell.signal(ResendParked(tenant=CLINIC, notification_id=old))
    shell.show(MADE)
    assert len(shell.sends) == 1
    resolved = shell.published[-1]
    assert (resolved.id, resolved.type, resolved.subject) == (f"{old}:resolved", "parked.resolved", old)
    assert msgspec.json.decode(resolved.data) == {
        "notificationId": old, "evidence": "list", "messageSid": "SMmade", "providerStatus": "delivered",
    }  # fmt: skip
    shell.signal(ResendParked(tenant=CLINIC, notification_id=old))
    assert len(shell.looks) == 3


def test_a_callback_that_comes_later_takes_it_off_the_list() -> None:
    shell, old = parked()
    shell.callback("sent", sid="SMlate")
    assert shell.types()[-1] == "parked.resolved"
    assert shell.data()["evidence"] == "callback"
    shell.callback("delivered", sid="SMlate")
    assert shell.types().count("parked.resolved") == 1
    shell.signal(ResendParked(tenant=CLINIC, notification_id=old))
    assert len(shell.looks) == 2


def test_what_was_dropped_is_sent_by_nobody() -> None:
    shell, old = parked()
    shell.signal(DropParked(tenant=CLINIC, notification_id=old))
    shell.signal(ResendParked(tenant=CLINIC, notification_id=old))
    assert len(shell.looks) == 2
    shell.results_acknowledged()
    shell.pass_time(600.0)
    assert old not in shell.partition.state.notifications


def test_a_resend_that_was_asked_twice_is_one_text() -> None:
    shell, old = parked()
    for _ in range(2):
        shell.signal(ResendParked(tenant=CLINIC, notification_id=old))
    assert len(shell.looks) == 3
    shell.show()
    shell.show()
    shell.signal(ResendParked(tenant=CLINIC, notification_id=old))
    assert len(shell.sends) == 2


def test_a_resent_text_that_cannot_go_out_expires_like_any_other() -> None:
    shell, old = parked()
    shell.signal(ResendParked(tenant=CLINIC, notification_id=old))
    shell.show()
    shell.answer(NotSent(retry_after=30 * DAY))
    shell.pass_time(7 * DAY)
    assert shell.said(shell.sends[-1].notification_id) == [("scheduled", "retry"), ("skipped", "expired")]


def test_a_wish_outlives_its_owner() -> None:
    shell, old = parked()
    shell.signal(ResendParked(tenant=CLINIC, notification_id=old))
    successor = shell.successor()
    assert [look.notification_id for look in successor.looks] == [old]
    successor.show()
    assert [request.body for request in successor.sends] == ["Order 1"]


def test_a_list_that_does_not_answer_is_asked_again() -> None:
    shell, old = parked()
    shell.signal(ResendParked(tenant=CLINIC, notification_id=old))
    shell.show(answered=False)
    assert len(shell.sends) == 1
    shell.pass_time(6.0)
    assert len(shell.looks) == 4
    shell.show()
    assert len(shell.sends) == 2


def test_a_message_that_was_known_as_anothers_is_no_evidence() -> None:
    """Two texts alike: that of the second stood in the list already when the first was parked."""
    documents = [
        tenant(CLINIC, platform="care", inDoubt=PARKS), connection(CLINIC), workflow(message="On its way"),
    ]  # fmt: skip
    shell = Shell(documents).own()
    shell.order(1)
    shell.answer(InDoubt(cause="time_out"))
    shell.end_of_signals()
    shell.show()
    shell.pass_time(60.0)
    shell.order(2)
    sid = shell.answer()
    shell.pass_time(16 * 60.0)
    shell.end_of_signals()
    other = MessageMatch(sid=sid, status="sent", error_code=None)
    shell.show(other)
    old = shell.sends[0].notification_id
    assert shell.said(old)[-1] == ("parked", "unresolved")
    shell.callback("delivered")
    shell.results_acknowledged()
    shell.pass_time(600.0)
    assert sid not in shell.partition.state.by_sid
    shell.signal(ResendParked(tenant=CLINIC, notification_id=old))
    shell.show(other)
    assert len(shell.sends) == 3


def test_what_nobody_decided_on_within_seven_days_is_off_the_list() -> None:
    shell, old = parked()
    shell.results_acknowledged()
    shell.pass_time(7 * DAY + 600.0)
    shell.signal(ResendParked(tenant=CLINIC, notification_id=old))
    assert len(shell.looks) == 2


@pytest.mark.parametrize("other", ["ntf_unknown", "delivered"])
def test_only_what_is_parked_can_be_resent(other: str) -> None:
    shell = clinic()
    shell.order()
    shell.answer()
    shell.callback("delivered")
    name = shell.sends[0].notification_id if other == "delivered" else other
    for wish in (ResendParked(tenant=CLINIC, notification_id=name), DropParked(tenant=CLINIC, notification_id=name)):
        shell.signal(wish)
    assert (len(shell.sends), len(shell.looks)) == (1, 0)


def hotel() -> Shell:
    return Shell([tenant(inDoubt=PARKS), connection()]).own()


def test_the_text_of_a_key_is_rendered_anew() -> None:
    shell = hotel()
    shell.key_event("key.ready", key())
    old = park(shell)
    shell.key_event("key.updated", key(2, code="9999"))
    shell.signal(ResendParked(tenant=HOTEL, notification_id=old))
    shell.show()
    assert "9999" in shell.sends[-1].body


def test_who_got_the_resent_first_message_is_told_of_a_changed_code() -> None:
    shell = hotel()
    shell.key_event("key.ready", key())
    old = park(shell)
    shell.signal(ResendParked(tenant=HOTEL, notification_id=old))
    shell.show()
    shell.answer()
    shell.callback("delivered")
    shell.key_event("doorcode.changed", key(2, code="9999"))
    shell.pass_time(1.0)
    assert len(shell.sends) == 3
    assert "9999" in shell.sends[-1].body


def test_a_key_that_is_over_is_not_told_again() -> None:
    shell = hotel()
    shell.key_event("key.ready", key(ends=START + 3600.0))
    old = park(shell)
    shell.key_event("key.revoked", key(2, ends=START + 3600.0, status="revoked"))
    shell.signal(ResendParked(tenant=HOTEL, notification_id=old))
    shell.show()
    assert shell.said()[-1] == ("skipped", "key_not_active")


def test_a_resent_run_has_ended_already() -> None:
    shell, old = parked()
    assert shell.types().count("run.failed") == 1
    shell.results_acknowledged()
    shell.pass_time(60.0)
    shell.signal(ResendParked(tenant=CLINIC, notification_id=old))
    shell.show()
    shell.answer()
    assert [kind for kind in shell.types() if kind.startswith("run.")] == ["run.failed"]


def test_a_resend_whose_record_became_void_is_no_second_one() -> None:
    """The former owner began it when it had lost the partition already; the wish itself stands."""
    shell, old = parked()
    shell.signal(ResendParked(tenant=CLINIC, notification_id=old))
    shell.hold_appends = True
    shell.show()
    lost = shell.appends[0]
    heir = shell.successor()
    heir.ledger.write(lost)
    last = heir.successor()
    last.pass_time(60.0)
    last.show()
    again = [n for n in last.partition.state.notifications.values() if n.cause is not None]
    assert [n.stage for n in again] == ["doubt"]
    assert last.sends == []


@pytest.mark.parametrize("decided", ["dropped", "evidence"])
def test_a_void_resend_is_none_of_ours_when_our_line_decided_otherwise(decided: str) -> None:
    shell, old = parked()
    shell.signal(ResendParked(tenant=CLINIC, notification_id=old))
    shell.hold_appends = True
    shell.show()
    lost = shell.appends[0]
    heir = shell.successor()
    if decided == "dropped":
        heir.give(SignalRecord(50, DropParked(tenant=CLINIC, notification_id=old)))
    else:
        late = DeliveryStatus(
            tenant=CLINIC, connection=CLINIC, notification_id=old, attempt=1, message_sid="SM1",
            message_status="delivered",
        )  # fmt: skip
        heir.give(SignalRecord(50, late))
    heir.ledger.write(lost)
    last = heir.successor()
    for _ in range(4):
        last.pass_time(16 * 60.0)
        last.end_of_signals()
        if last.looks:
            last.show()
    assert last.sends == []


def test_the_list_is_not_believed_before_it_had_time_to_show_the_message() -> None:
    documents = [
        tenant(CLINIC, platform="care", inDoubt={"transactional": "resend"}), connection(CLINIC),
        workflow(expiresAfter="25s"),
    ]  # fmt: skip
    shell = Shell(documents).own()
    shell.order()
    shell.answer(InDoubt(cause="time_out"))
    for _ in range(2):
        shell.end_of_signals()
        shell.show()
        shell.pass_time(26.0)
    old = shell.sends[0].notification_id
    assert shell.said(old)[-1] == ("parked", "too_late_to_repeat")
    looks = len(shell.looks)
    shell.signal(ResendParked(tenant=CLINIC, notification_id=old))
    assert len(shell.looks) == looks
    shell.pass_time(15 * 60.0)
    assert len(shell.looks) == looks + 1


@pytest.mark.parametrize(("live", "removed"), [(False, False), (True, True)])
def test_a_resend_goes_by_what_is_configured_now(live: bool, removed: bool) -> None:
    shell, old = parked()
    documents = [tenant(CLINIC, platform="care", inDoubt=PARKS, live=live), connection(CLINIC), workflow()]
    shell.configure([] if removed else documents)
    shell.signal(ResendParked(tenant=CLINIC, notification_id=old))
    shell.show()
    assert len(shell.sends) == 1
    assert shell.said()[-1] == (("cancelled", "tenant_removed") if removed else ("skipped", "not_live"))


def test_a_resend_of_a_key_that_is_gone_is_skipped() -> None:
    shell = hotel()
    shell.key_event("key.ready", key(ends=START + 3600.0))
    old = park(shell)
    shell.results_acknowledged()
    shell.pass_time(2 * DAY)
    shell.signal(ResendParked(tenant=HOTEL, notification_id=old))
    shell.show()
    assert len(shell.sends) == 1
    assert shell.said()[-1] == ("skipped", "key_not_active")


def test_who_was_told_as_late_evidence_says_is_told_of_a_changed_code() -> None:
    shell = hotel()
    shell.key_event("key.ready", key())
    park(shell)
    shell.callback("delivered")
    shell.key_event("doorcode.changed", key(2, code="9999"))
    shell.pass_time(1.0)
    assert "9999" in shell.sends[-1].body


def test_a_late_refusal_is_remembered() -> None:
    shell, _ = parked()
    shell.callback("undelivered", error_code=21610)
    shell.order(2)
    assert shell.said()[-1] == ("skipped", "opted_out")


def test_late_evidence_stays_known_while_another_doubt_could_take_it() -> None:
    documents = [tenant(CLINIC, platform="care", inDoubt=PARKS), connection(CLINIC), workflow(message="On its way")]
    shell = Shell(documents).own()
    shell.order(1)
    first = shell.sends[0].notification_id
    shell.answer(InDoubt(cause="time_out"))
    shell.end_of_signals()
    shell.show()
    shell.pass_time(60.0)
    shell.order(2)
    second = shell.sends[1].notification_id
    shell.answer(InDoubt(cause="time_out"), send=1)
    shell.end_of_signals()
    shell.show()
    shell.pass_time(14 * 60.0 + 5)
    shell.end_of_signals()
    shell.show()
    assert shell.said(first)[-1] == ("parked", "unresolved")
    shell.callback("sent", send=0, sid="SMa")
    shell.results_acknowledged()
    shell.pass_time(120.0)
    shell.end_of_signals()
    shell.show(MessageMatch(sid="SMa", status="sent", error_code=None))
    assert ("accepted", None) not in shell.said(second)
