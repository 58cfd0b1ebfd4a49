"""What outlives the epoch in which it was asked for: a POST's answer counts as a fact, whenever it comes (rule 9); what
was read for the former epoch counts no more."""

from __future__ import annotations

from notifier.domain.answers import InDoubt, NotSent, Rejected
from notifier.engine.commands import Command, ReadLedger
from notifier.engine.inputs import Answer, Appended, LedgerChunk, LedgerRead, SignalsEnd
from tests.unit.engine.harness import OTHER_PHONE, PHONE, Shell


def claiming() -> Shell:
    """One text is posted and not answered; then an append ended unknown, and the new CLAIM is in flight."""
    shell = Shell().own()
    shell.order(1, PHONE)
    claim_again(shell)
    return shell


def claim_again(shell: Shell) -> None:
    shell.hold_appends = True
    shell.order(2, OTHER_PHONE)
    shell.lose_append()
    assert shell.phase == "claiming"


def begin_restore(shell: Shell) -> list[Command]:
    """The CLAIM is acknowledged, and nothing of what is asked for then has been read."""
    first = shell.ledger.write(shell.appends.pop(0))
    shell.hold_appends = False
    commands = shell.partition.step(Appended(first), shell.now)
    assert shell.phase == "restoring"
    return commands


def go_on(shell: Shell) -> None:
    shell.hold_appends = False
    shell.acknowledge()
    assert shell.phase == "owning"


def test_an_answer_that_comes_while_claiming_counts_after_the_restore() -> None:
    shell = claiming()
    sid = shell.answer(send=0)
    go_on(shell)
    assert shell.said() == [("unknown", "takeover"), ("accepted", None)]
    assert shell.only().sid == sid


def test_an_answer_that_comes_while_restoring_counts_after_the_restore() -> None:
    shell = claiming()
    commands = begin_restore(shell)
    assert any(isinstance(command, ReadLedger) for command in commands)
    sid = shell.answer(send=0)
    shell.carry_out(commands)
    assert shell.said() == [("unknown", "takeover"), ("accepted", None)]
    assert shell.only().sid == sid


def test_a_late_not_sent_is_repeated_at_once_without_any_quarantine() -> None:
    shell = claiming()
    shell.answer(NotSent(), send=0)
    go_on(shell)
    shell.pass_time(1.0)
    assert [(request.to, request.attempt) for request in shell.sends] == [(PHONE, 1), (PHONE, 2)]
    assert shell.said() == [("unknown", "takeover"), ("scheduled", "retry")]


def test_a_late_refusal_ends_the_text() -> None:
    shell = claiming()
    shell.answer(Rejected(error_class="bad_recipient", error_code=21211), send=0)
    go_on(shell)
    assert shell.said() == [("unknown", "takeover"), ("failed", "bad_recipient")]


def test_a_late_answer_frees_no_slot_of_the_new_epoch() -> None:
    """The restore began to count anew, without the POST that it belongs to."""
    shell = claiming()
    go_on(shell)
    shell.order(3, OTHER_PHONE)
    assert shell.partition.state.accounts["clinic"].in_flight == 1
    shell.answer(send=0)
    assert shell.partition.state.accounts["clinic"].in_flight == 1


def test_an_answer_to_an_older_attempt_changes_nothing() -> None:
    shell = Shell().own()
    shell.order()
    shell.answer(NotSent())
    shell.pass_time(1.0)
    assert [request.attempt for request in shell.sends] == [1, 2]
    first = shell.sends[0]
    shell.give(Answer(first.notification_id, 1, shell.epochs[0], Rejected(error_class="bad_recipient")))
    assert shell.said() == [("scheduled", "retry")]
    shell.answer()
    assert shell.said()[-1] == ("accepted", None)


def test_what_was_read_for_the_former_epoch_puts_nothing_back_into_a_restore() -> None:
    """A gap's reader was slow: the rest of it comes when the restore has read newer records of the same keys."""
    shell = Shell().own()
    shell.order()
    shell.answer()
    former = shell.partition.state.ledger.epoch
    assert former is not None
    claim_again(shell)
    begin_restore(shell)
    epoch = shell.partition.state.ledger.epoch
    assert epoch is not None
    log = tuple(shell.ledger.records)
    key = "n/" + shell.sends[0].notification_id
    oldest = next(record for record in log if record.key == key)
    shell.give(LedgerChunk(epoch, log[:epoch]))
    shell.give(LedgerChunk(former, (oldest,)))
    shell.give(LedgerRead(former, oldest.offset + 1))
    assert shell.phase == "restoring"
    shell.give(LedgerChunk(epoch, log[epoch:]))
    shell.give(LedgerRead(epoch, len(log)))
    assert shell.phase == "owning"
    assert shell.partition.state.notifications.stage(key[2:]) == "handed"
    shell.pass_time(60.0)
    assert [request.to for request in shell.sends].count(PHONE) == 1


def test_how_far_the_signals_went_for_the_former_epoch_says_nothing_now() -> None:
    shell = claiming()
    former = shell.partition.state.ledger.epoch
    assert former is not None
    go_on(shell)
    shell.pass_time(shell.partition.state.config.quarantine)
    assert shell.ends_asked == 1
    shell.give(SignalsEnd(former, 0))
    assert shell.looks == []
    shell.end_of_signals()
    assert len(shell.looks) == 1


def test_what_was_asked_for_the_former_epoch_is_asked_again() -> None:
    shell = Shell().own()
    shell.order(1, PHONE)
    shell.answer(InDoubt(cause="time_out"))
    shell.pass_time(0.0)
    assert shell.ends_asked == 1
    claim_again(shell)
    go_on(shell)
    shell.pass_time(0.0)
    assert shell.ends_asked == 2
    shell.end_of_signals()
    assert len(shell.looks) == 1


def test_who_asks_how_far_the_signals_go_waits_for_an_answer_that_was_read_after_the_asking() -> None:
    """A callback that came between the reading of the former answer and the asking is evidence."""
    shell = Shell().own()
    shell.order(1, PHONE)
    shell.order(2, OTHER_PHONE)
    shell.pass_time(1.0)
    for send in (0, 1):
        shell.answer(InDoubt(cause="time_out"), send=send)
        shell.pass_time(0.0)
    assert shell.ends_asked == 1
    shell.end_of_signals()
    assert [look.notification_id for look in shell.looks] == [shell.sends[0].notification_id]
    assert shell.ends_asked == 2
    shell.end_of_signals()
    assert [look.notification_id for look in shell.looks] == [request.notification_id for request in shell.sends]
