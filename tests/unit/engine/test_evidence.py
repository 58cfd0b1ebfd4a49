"""Twilio's list shows messages without names: whose a message is, is known from what stands in the ledger."""

from __future__ import annotations

from notifier.domain.answers import InDoubt, MessageMatch
from tests.unit.engine.builders import CLINIC, PHONE, key
from tests.unit.engine.harness import Shell, connection, tenant, workflow

RESEND = {"transactional": "resend"}
ALIKE = [tenant(CLINIC, platform="care", inDoubt=RESEND), connection(CLINIC), workflow(message="It is on its way")]


def look(shell: Shell, *matches: MessageMatch) -> None:
    shell.end_of_signals()
    shell.show(*matches)


def test_another_texts_message_is_no_evidence() -> None:
    """Both say the same to the same person; the first is delivered, the second was never created."""
    shell = Shell(ALIKE).own()
    shell.order(1)
    sid = shell.answer()
    shell.pass_time(1.0)
    shell.order(2)
    shell.answer(InDoubt(cause="time_out"))
    shell.callback("delivered", send=0)
    look(shell, MessageMatch(sid=sid, status="delivered"))
    shell.pass_time(30.0)
    look(shell, MessageMatch(sid=sid, status="delivered"))
    shell.pass_time(10.0)
    assert len(shell.sends) == 3


def test_a_message_stays_known_while_a_doubt_could_take_it_also_over_a_restart() -> None:
    shell = Shell(ALIKE).own()
    shell.order(1)
    sid = shell.answer()
    shell.pass_time(1.0)
    shell.order(2)
    shell.answer(InDoubt(cause="time_out"))
    shell.callback("delivered", send=0)
    shell.results_acknowledged()
    successor = shell.successor()
    successor.results_acknowledged()
    successor.pass_time(100.0)  # long enough for a page, which would take the place of the first
    assert f"n/{shell.sends[0].notification_id}" not in tombstones(successor)
    look(successor, MessageMatch(sid=sid, status="delivered"))
    successor.pass_time(30.0)
    look(successor, MessageMatch(sid=sid, status="delivered"))
    successor.pass_time(10.0)
    assert len(successor.sends) == 1
    successor.answer()
    successor.callback("delivered")
    successor.results_acknowledged()
    successor.pass_time(100.0)
    assert f"n/{shell.sends[0].notification_id}" in tombstones(successor)


def test_a_message_that_ends_while_another_post_is_under_way_stays_known_until_that_is_answered() -> None:
    shell = Shell(ALIKE).own()
    shell.order(1)
    sid = shell.answer()
    shell.pass_time(1.0)
    shell.order(2)
    shell.callback("delivered", send=0)
    shell.results_acknowledged()
    shell.pass_time(70.0)
    shell.answer(InDoubt(cause="time_out"))
    look(shell, MessageMatch(sid=sid, status="delivered"))
    assert shell.said(shell.sends[1].notification_id)[-1] == ("unknown", "time_out")


def test_of_two_doubts_that_look_alike_the_first_asks_for_what_was_created_before_the_second_began() -> None:
    shell = Shell([tenant(CLINIC, platform="care", inDoubt={"transactional": "park"}), *ALIKE[1:]]).own()
    shell.order(1)
    shell.answer(InDoubt(cause="time_out"))
    look(shell)
    assert shell.looks[-1].request.until is None  # nobody else's: a message is evidence however late it shows
    shell.order(2)
    shell.pass_time(46.0)
    second = shell.now
    shell.answer(InDoubt(cause="time_out"))
    shell.end_of_signals()
    assert shell.looks[-1].request.until is None
    shell.pass_time(900.0)
    shell.end_of_signals()
    first = next(asked for asked in shell.looks[::-1] if asked.notification_id == shell.sends[0].notification_id)
    assert first.request.until is not None
    assert second - 2.0 <= first.request.until <= second


def test_another_tenants_message_on_a_shared_connection_is_no_evidence() -> None:
    shared = {"builtinSender": {"connection": "platform"}}
    hotels = [tenant("a", **shared), tenant("b", **shared), connection("platform", rate=1000.0)]
    shell = Shell(hotels).own()
    shell.key_event("key.ready", key(), name="a")
    sid = shell.answer()
    shell.pass_time(1.0)
    shell.key_event("key.ready", key(), name="b")
    assert [request.to for request in shell.sends] == [PHONE, PHONE]
    shell.answer(InDoubt(cause="time_out"))
    look(shell, MessageMatch(sid=sid, status="sent"))
    assert shell.said(shell.sends[1].notification_id)[-1] == ("unknown", "time_out")
    look_again = MessageMatch(sid="SM" + "f" * 32, status="sent")
    shell.pass_time(30.0)
    look(shell, MessageMatch(sid=sid, status="sent"), look_again)
    assert shell.said(shell.sends[1].notification_id)[-1] == ("sent", None)


def tombstones(shell: Shell) -> set[str]:
    return {record.key for record in shell.ledger.records if record.value is None}
