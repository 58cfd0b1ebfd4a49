"""What changes while a text is under way, in doubt, held or scheduled counts from when it can be begun again."""

from __future__ import annotations

import pytest

from notifier.domain.answers import InDoubt, NotSent, Rejected, SendResult
from tests.unit.engine.harness import (
    DAY,
    OTHER_PHONE,
    START,
    Ledger,
    Shell,
    connection,
    key,
    person,
    tenant,
)

HELD = Rejected(error_class="hold_account", error_code=20003)
ANN = person("ann", email="ann@example.com")


def hotel(**settings: object) -> Shell:
    return Shell([tenant(), connection()], **settings).own()


@pytest.mark.parametrize(
    ("result", "wait"), [(NotSent(), 2.0), (HELD, 301.0), (InDoubt(cause="time_out"), 0.0)], ids=str
)
def test_a_number_that_changes_while_the_post_is_under_way_is_the_one_of_the_next_attempt(
    result: SendResult, wait: float
) -> None:
    shell = hotel()
    shell.key_event("key.ready", key())
    shell.key_event("key.updated", key(2, persons=[person(phone=OTHER_PHONE)]))
    shell.answer(result)
    if isinstance(result, InDoubt):
        shell.end_of_signals()
        shell.show()
        shell.pass_time(30.0)
        shell.end_of_signals()
        shell.show()
        wait = 2.0
    shell.pass_time(wait)
    assert len(shell.sends) == 2
    assert shell.sends[-1].to == OTHER_PHONE


def test_a_person_removed_while_the_post_is_under_way_is_not_texted_again() -> None:
    shell = hotel()
    shell.key_event("key.ready", key())
    shell.key_event("key.updated", key(2, persons=[]))
    shell.answer(NotSent())
    shell.pass_time(2.0)
    assert shell.said() == [("cancelled", "superseded")]
    assert len(shell.sends) == 1


def test_a_person_removed_while_in_doubt_is_never_said_to_be_spared() -> None:
    """Nobody knows whether the first attempt was texted: only `parked` says so."""
    shell = hotel()
    shell.key_event("key.ready", key())
    shell.answer(InDoubt(cause="time_out"))
    shell.key_event("key.updated", key(2, persons=[]))
    shell.end_of_signals()
    shell.show()
    shell.pass_time(30.0)
    shell.end_of_signals()
    shell.show()
    assert shell.said()[-1] == ("parked", "too_late_to_repeat")
    assert "event.applied" in shell.types()


def test_a_tenant_that_mutes_sms_while_a_text_is_in_doubt_has_it_parked() -> None:
    shell = hotel()
    shell.key_event("key.ready", key())
    shell.answer(InDoubt(cause="time_out"))
    shell.configure([tenant(channels={"sms": False}), connection()])
    shell.end_of_signals()
    shell.show()
    shell.pass_time(30.0)
    shell.end_of_signals()
    shell.show()
    assert shell.said()[-1] == ("parked", "too_late_to_repeat")


def test_a_scheduled_text_goes_at_once_when_its_key_moves_into_the_lead() -> None:
    shell = Shell([tenant(timing={"lead": "2h"}), connection()]).own()
    shell.key_event("key.ready", key(starts=START + DAY))
    shell.key_event("key.updated", key(2, starts=START + 3600))
    assert len(shell.sends) == 1


def test_a_scheduled_text_goes_at_once_when_the_lead_is_taken_away() -> None:
    shell = Shell([tenant(timing={"lead": "2h"}), connection()]).own()
    shell.key_event("key.ready", key(starts=START + DAY))
    shell.configure([tenant(timing={"lead": None}), connection()])
    assert len(shell.sends) == 1


def test_a_change_that_moves_nothing_is_not_announced_again() -> None:
    shell = Shell([tenant(timing={"lead": "2h"}), connection()]).own()
    shell.key_event("key.ready", key(starts=START + DAY))
    shell.configure([tenant(timing={"lead": "2h"}, dateTimeFormat="dd/MM HH:mm"), connection()])
    shell.key_event("key.updated", key(2, starts=START + DAY))
    assert shell.said() == [("scheduled", "lead_time")]


@pytest.mark.parametrize("end", [1800.0, 7200.0])
def test_a_held_text_expires_when_its_key_does_whatever_that_was_before(end: float) -> None:
    shell = hotel(probe_every=DAY)
    shell.key_event("key.ready", key(ends=START + 3600))
    shell.answer(HELD)
    shell.key_event("key.updated", key(2, ends=START + end))
    shell.pass_time(end + 1.0)
    assert shell.said()[-1] == ("skipped", "expired")


def test_a_refusal_that_comes_after_the_end_of_the_key_holds_nothing() -> None:
    shell = hotel(probe_every=DAY)
    shell.key_event("key.ready", key(ends=START + 3600))
    shell.pass_time(3601.0)
    shell.answer(HELD)
    assert shell.said() == [("skipped", "expired")]


def test_a_void_notification_of_which_nothing_else_is_left_is_said_to_be_in_doubt() -> None:
    shell = Shell().own()
    shell.order()
    n = shell.only()
    ledger = Ledger()
    first, second = ledger.claim("first"), ledger.claim("second")
    ledger.passed(second, 1)
    ledger.put("n/" + n.id, n, first)
    assert Shell(ledger=ledger).own().said() == [("unknown", "takeover")]


def test_who_was_told_by_mail_is_told_of_a_new_code_although_the_text_failed() -> None:
    shell = Shell([tenant(channels={"policy": "both"}), connection()]).own()
    shell.key_event("key.ready", key(persons=[ANN]))
    shell.answer(Rejected(error_class="bad_recipient"))
    shell.key_event("doorcode.changed", key(2, code="7777", persons=[ANN]))
    assert shell.types().count("notification.delegated") == 2


def test_who_was_told_by_mail_is_told_of_a_new_code_although_the_text_still_waits() -> None:
    shell = Shell([tenant(channels={"policy": "both"}), connection(rate=0.000001)]).own()
    shell.key_event("key.ready", key(name="first"))
    shell.key_event("key.ready", key(persons=[ANN]))
    shell.key_event("doorcode.changed", key(2, code="7777", persons=[ANN]))
    assert shell.types().count("notification.delegated") == 2
    assert len(shell.partition.state.notifications) == 4  # one text of each, two mails
