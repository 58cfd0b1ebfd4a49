"""What happens to a text between its turn and its POST, and to an answer that comes when nobody owns any more."""

from __future__ import annotations

from notifier.domain.answers import Rejected
from notifier.engine.inputs import Appended
from tests.unit.engine.builders import key
from tests.unit.engine.harness import Shell, connection, tenant


def test_a_cancellation_that_meets_an_unwritten_intent_wins() -> None:
    """The batch in flight is older than the intent, so nobody can have posted it."""
    shell = Shell([tenant(), connection()]).own()
    shell.hold_appends = True
    shell.key_event("key.ready", key(name="other"))
    shell.key_event("key.ready", key(persons=[{"id": "p1", "phone": "+12025550100"}]))
    shell.pass_time(0.1)
    shell.key_event("key.revoked", key(version=2, persons=[{"id": "p1", "phone": "+12025550100"}]))
    shell.hold_appends = False
    shell.acknowledge()
    assert [request.to for request in shell.sends] == ["+12025550143"]
    assert ("cancelled", "key_revoked") in shell.said()
    assert shell.partition.state.accounts["hotel"].in_flight == 1


def test_a_cancellation_while_the_intent_is_being_written_spares_the_post() -> None:
    shell = Shell([tenant(), connection()]).own()
    shell.hold_appends = True
    shell.key_event("key.ready", key())
    shell.key_event("key.revoked", key(version=2))
    shell.hold_appends = False
    shell.acknowledge()
    assert shell.sends == []
    assert shell.said() == [("cancelled", "key_revoked")]
    assert "event.applied" in shell.types()
    assert shell.partition.state.accounts["hotel"].in_flight == 0


def test_a_code_that_changes_while_a_changed_code_still_waits_is_told_once() -> None:
    shell = Shell([tenant(), connection(rate=0.1)]).own()
    shell.key_event("key.ready", key())
    shell.answer()
    shell.key_event("doorcode.changed", key(version=2, code="2222"))
    shell.key_event("doorcode.changed", key(version=3, code="3333"))
    shell.pass_time(600.0)
    shell.answer()
    shell.pass_time(600.0)
    assert len(shell.sends) == 2
    assert "3333" in shell.sends[1].body
    assert shell.types().count("event.applied") == 1


def test_a_text_that_is_held_for_another_reason_says_so() -> None:
    """First its sender, then, when that lets it through to try again, the whole account."""
    shell = Shell([tenant(), connection()]).own()
    shell.key_event("key.ready", key())
    shell.answer(Rejected(error_class="hold_sender", error_code=21606))
    shell.pass_time(301.0)
    shell.answer(Rejected(error_class="hold_account", error_code=20003))
    assert shell.said() == [("held", "sender_held"), ("held", "connection_broken")]


def test_a_text_that_stays_held_for_the_same_reason_does_not_say_so_again() -> None:
    shell = Shell([tenant(), connection()]).own()
    shell.key_event("key.ready", key())
    for _ in range(3):
        shell.answer(Rejected(error_class="hold_account", error_code=20003))
        shell.pass_time(301.0)
    assert len(shell.sends) == 4
    assert shell.said() == [("held", "connection_broken")]


def test_an_answer_that_comes_before_a_restore_that_finds_a_newer_claim_is_written_as_a_fact() -> None:
    """The newer owner takes it from the void record: nobody is texted again for want of that answer."""
    shell = Shell([tenant(), connection()]).own()
    shell.key_event("key.ready", key())
    shell.hold_appends = True
    shell.key_event("key.ready", key(name="other", persons=[{"id": "p1", "phone": "+12025550100"}]))
    shell.lose_append()  # claims anew
    claim = shell.appends.pop(0)
    first = shell.ledger.write(claim)
    shell.answer(send=0)
    shell.ledger.claim("rival", shell.now)
    shell.hold_appends = False
    shell.give(Appended(first))
    assert shell.partition.state.ledger.phase == "lost"
    fact = shell.ledger.newest("n/" + shell.sends[0].notification_id)
    assert fact.epoch == first
    assert b'"answer"' in (fact.value or b"")
