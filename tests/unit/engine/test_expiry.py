"""A text past its use is skipped wherever it waits; what is under way or in doubt is only not repeated (contract 6)."""

from __future__ import annotations

from typing import Any

from notifier.domain.answers import InDoubt, NotSent, Rejected
from notifier.engine.inputs import Answer
from tests.unit.engine.harness import CLINIC, DAY, OTHER_PHONE, PHONE, START, Shell, connection, key, tenant, workflow

HOUR = 3600.0
USEFUL = 600.0  # seconds that a text of the clinic is of use


def clinic(*, rate: float = 50.0, **settings: Any) -> Shell:
    documents = [tenant(CLINIC, platform="care"), connection(CLINIC, rate=rate), workflow(expiresAfter="10m")]
    return Shell(documents, **settings).own()


def hotel(**fields: Any) -> Shell:
    return Shell([tenant(**fields), connection()]).own()


def test_a_text_that_stands_in_line_too_long_is_skipped() -> None:
    shell = clinic(rate=0.001)
    shell.order(1, PHONE)
    shell.order(2, OTHER_PHONE)
    shell.pass_time(USEFUL - 1.0)
    assert shell.said() == []
    shell.pass_time(1.0)
    assert shell.said() == [("skipped", "expired")]
    shell.pass_time(HOUR)
    assert len(shell.sends) == 1


def test_a_text_that_waits_for_another_to_the_same_person_is_skipped_in_time() -> None:
    shell = clinic()
    shell.order(1)
    shell.order(2)
    shell.pass_time(USEFUL)
    assert shell.said() == [("skipped", "expired")]


def test_a_retry_is_given_up_when_the_text_is_of_no_use_any_more() -> None:
    shell = clinic()
    shell.order()
    shell.answer(NotSent(retry_after=2 * USEFUL))
    shell.pass_time(USEFUL)
    assert shell.said() == [("scheduled", "retry"), ("skipped", "expired")]
    shell.pass_time(2 * USEFUL)
    assert len(shell.sends) == 1


def test_what_was_certainly_not_sent_until_its_end_is_skipped() -> None:
    shell = clinic()
    shell.order()
    shell.pass_time(USEFUL)
    assert shell.said() == []
    shell.answer(NotSent())
    assert shell.said() == [("skipped", "expired")]


def test_a_text_that_was_accepted_behind_its_end_was_sent() -> None:
    shell = clinic()
    shell.order()
    shell.pass_time(USEFUL + 1.0)
    shell.answer()
    assert shell.said() == [("accepted", None)]


def test_an_expiry_forbids_the_repeat_of_a_doubt() -> None:
    shell = clinic(list_lag=2 * USEFUL)
    shell.order()
    shell.answer(InDoubt(cause="time_out"))
    for _ in range(2):
        shell.end_of_signals()
        shell.show()
        shell.pass_time(2 * USEFUL)
    assert shell.said() == [("unknown", "time_out"), ("parked", "too_late_to_repeat")]
    assert len(shell.sends) == 1


def test_an_expired_text_lets_later_ones_to_the_person_go() -> None:
    shell = clinic(lane_wait=2 * USEFUL)
    shell.order(1)
    shell.answer(NotSent(retry_after=2 * USEFUL))
    shell.pass_time(USEFUL - 10.0)
    shell.order(2)
    assert len(shell.sends) == 1
    shell.pass_time(20.0)
    assert [request.body for request in shell.sends] == ["Order 1", "Order 2"]


def test_an_expired_text_completes_its_run() -> None:
    shell = clinic()
    shell.order()
    shell.answer(NotSent(retry_after=2 * USEFUL))
    shell.pass_time(USEFUL)
    assert "run.completed" in shell.types()


def test_twilio_is_told_how_long_a_text_is_of_use() -> None:
    shell = clinic()
    shell.order()
    shell.answer(NotSent(retry_after=100.0))
    shell.pass_time(101.0)
    assert [int(request.validity_period) for request in shell.sends] == [600, 500]


def test_a_text_without_a_credential_expires_with_its_key() -> None:
    shell = hotel()
    shell.key_event("key.ready", key(code=None, ends=START + HOUR))
    shell.pass_time(HOUR - 1.0)
    assert shell.said() == [("held", "awaiting_credential")]
    shell.pass_time(1.0)
    assert shell.said() == [("held", "awaiting_credential"), ("skipped", "expired")]


def test_a_held_text_of_a_key_that_is_prolonged_expires_with_its_new_end() -> None:
    shell = hotel()
    shell.key_event("key.ready", key(code=None, ends=START + HOUR))
    shell.key_event("key.updated", key(2, code=None, ends=START + 2 * HOUR))
    shell.pass_time(2 * HOUR - 1.0)
    assert shell.said() == [("held", "awaiting_credential")]
    shell.pass_time(1.0)
    assert shell.said()[-1] == ("skipped", "expired")


def test_a_held_text_of_a_key_that_is_shortened_expires_with_its_new_end() -> None:
    shell = hotel()
    shell.key_event("key.ready", key(code=None, ends=START + 2 * HOUR))
    shell.key_event("key.updated", key(2, code=None, ends=START + HOUR))
    shell.pass_time(HOUR)
    assert shell.said()[-1] == ("skipped", "expired")


def test_what_waits_for_its_tenant_to_go_live_is_skipped_for_that_reason() -> None:
    shell = hotel(live=False)
    shell.key_event("key.ready", key(ends=START + HOUR))
    shell.pass_time(HOUR)
    assert shell.said() == [("held", "not_live"), ("skipped", "not_live")]


def test_what_a_broken_connection_holds_expires_with_its_key() -> None:
    shell = Shell([tenant(), connection()], probe_every=DAY).own()
    shell.key_event("key.ready", key(ends=START + HOUR))
    shell.answer(Rejected(error_class="hold_account", error_code=20003))
    shell.pass_time(HOUR)
    assert shell.said() == [("held", "connection_broken"), ("skipped", "expired")]
    shell.configure([tenant(), connection(version=2)])
    shell.pass_time(1.0)
    assert len(shell.sends) == 1


def test_a_key_that_is_over_on_arrival_is_not_active() -> None:
    shell = hotel()
    shell.key_event("key.ready", key(starts=START - DAY, ends=START - 1.0))
    assert shell.said() == [("skipped", "key_not_active")]


def test_what_expired_without_an_owner_is_skipped_by_the_next() -> None:
    """Waiting and held alike."""
    shell = hotel(timing={"lead": "1h"})
    shell.key_event("key.ready", key(name="k1", starts=START + 2 * HOUR, ends=START + 3 * HOUR))
    shell.key_event("key.ready", key(name="k2", code=None, ends=START + 3 * HOUR))
    shell.now = START + 3 * HOUR
    successor = shell.successor()
    assert successor.said()[-2:] == [("skipped", "expired")] * 2
    assert successor.sends == []


def test_what_was_under_way_when_its_owner_went_expires_like_any_other() -> None:
    """In doubt, refused after all, and then held by its connection."""
    shell = Shell([tenant(), connection()], probe_every=DAY).own()
    shell.key_event("key.ready", key(ends=START + HOUR))
    (request,) = shell.sends
    successor = shell.successor()
    refused = Rejected(error_class="hold_account", error_code=20003)
    successor.give(Answer(request.notification_id, request.attempt, shell.epochs[0], refused))
    assert successor.said()[-1] == ("held", "connection_broken")
    successor.pass_time(HOUR)
    assert successor.said()[-1] == ("skipped", "expired")


def test_what_was_intended_too_late_to_be_of_use_is_skipped() -> None:
    """Else whatever held it next would hold it for ever: its expiry came due while it was under way."""
    shell = Shell([tenant(), connection()]).own()
    shell.hold_appends = True
    shell.key_event("key.ready", key(ends=START + 10.0))
    shell.pass_time(11.0)
    shell.configure([tenant(live=False), connection()])
    shell.hold_appends = False
    shell.acknowledge()
    shell.pass_time(1.0)
    assert shell.said() == [("skipped", "expired")]
    assert shell.sends == []


def test_a_key_that_ended_when_time_began_expires_at_once() -> None:
    """Its deadline is 0, as if none had been set."""
    shell = hotel(live=False)
    shell.key_event("key.ready", key(starts=0.0, ends=0.0))
    assert shell.said() == [("held", "not_live"), ("skipped", "not_live")]
