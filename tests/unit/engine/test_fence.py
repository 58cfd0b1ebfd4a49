"""The writing side of the ledger: what may follow an append, and what must not (design section 2, rules 1 to 3)."""

from __future__ import annotations

import msgspec

from notifier.domain.answers import Accepted
from notifier.engine.commands import Record
from notifier.engine.entities import AnswerFact, Claim, Notification, encode_entity
from notifier.engine.inputs import Appended, Stopping
from tests.unit.engine.harness import OTHER_PHONE, Shell


def held_append() -> Shell:
    """An owner with the intent of one order in flight."""
    shell = Shell().own()
    shell.hold_appends = True
    shell.order()
    return shell


def test_nothing_is_posted_before_its_intent_is_acknowledged() -> None:
    shell = held_append()
    assert shell.sends == []
    shell.acknowledge()
    assert [request.attempt for request in shell.sends] == [1]


def test_a_text_that_can_go_at_once_is_accepted_and_intended_in_one_batch() -> None:
    """With its run's end, a notification takes four batches: accepted + intent, answered, final, tombstone."""
    shell = Shell().own()
    shell.order()
    key = "n/" + shell.only().id
    shell.answer()
    shell.callback("delivered")
    shell.results_acknowledged()
    shell.pass_time(61.0)
    written = [record for batch in shell.batches for record in batch if record.key == key]
    stages = [msgspec.json.decode(record.value)["stage"] if record.value else None for record in written]
    assert stages == ["sending", "handed", "final", None]


def test_a_newer_claim_in_the_gap_ends_the_ownership_without_a_post() -> None:
    shell = held_append()
    claim = Record("claim/other", encode_entity(Claim(instance="other", at=shell.now)), None)
    shell.ledger.write((claim,))
    shell.acknowledge()
    assert shell.partition.state.ledger.phase == "lost"
    assert shell.sends == []
    assert shell.count("fenced_total") == 1


def test_void_records_in_the_gap_are_cured_before_anything_follows() -> None:
    """The keys that a former owner touched are written again, and only behind that the POST begins."""
    shell = held_append()
    n = shell.only()
    void = msgspec.structs.replace(n, stage="waiting", attempt=0, outcomes=[])
    shell.ledger.write((Record("n/" + n.id, encode_entity(void), -1),))
    shell.acknowledge()
    assert shell.sends == []
    (cure,) = shell.appends
    assert "n/" + n.id in [record.key for record in cure]
    shell.acknowledge()
    assert [request.attempt for request in shell.sends] == [1]


def test_the_fact_in_a_void_record_counts() -> None:
    """A former owner's POST was answered: the doubt that its successor inherited is over."""
    first = Shell().own()
    first.order()
    second = first.successor()
    second.hold_appends = True
    n = second.only()
    assert n.stage == "doubt"
    answered = msgspec.structs.replace(n, answer=AnswerFact(1, Accepted(sid="SMold")), outcomes=[])
    second.order(2, OTHER_PHONE)
    second.ledger.write((Record("n/" + n.id, encode_entity(answered), first.partition.state.ledger.epoch),))
    second.hold_appends = False
    second.acknowledge()
    assert (n.stage, n.sid) == ("handed", "SMold")
    assert ("accepted", None) in second.said(n.id)


def test_an_append_below_the_last_known_offset_halts_the_partition() -> None:
    """The log lost its tail: going on could repeat what stood there."""
    shell = held_append()
    shell.give(Appended(0))
    assert len(shell.halts) == 1
    assert shell.sends == []
    shell.order(2)
    assert shell.partition.state.ledger.phase == "halted"


def test_a_late_intent_is_closed_and_the_next_number_begins() -> None:
    shell = held_append()
    shell.now += 2.5
    shell.hold_appends = False
    shell.acknowledge()
    assert [request.attempt for request in shell.sends] == [2]
    assert shell.said() == [("scheduled", "retry")]
    assert shell.data(0)["attempt"] == 2


def test_who_is_leaving_begins_no_intent_and_closes_what_was_not_posted() -> None:
    shell = held_append()
    shell.give(Stopping())
    shell.hold_appends = False
    shell.acknowledge()
    shell.order(2, OTHER_PHONE)
    assert shell.sends == []
    assert shell.partition.wants_inbox is False


def test_an_answer_that_comes_while_leaving_is_written() -> None:
    shell = Shell().own()
    shell.order()
    shell.give(Stopping())
    shell.answer()
    assert shell.said() == [("accepted", None)]


def test_a_former_owner_writes_its_answers_as_facts() -> None:
    """Also under its old epoch, and nothing else."""
    shell = Shell().own()
    shell.order()
    epoch = shell.partition.state.ledger.epoch
    shell.ledger.write((Record("claim/other", encode_entity(Claim(instance="other", at=shell.now)), None),))
    shell.order(2, OTHER_PHONE)
    assert shell.partition.state.ledger.phase == "lost"
    shell.answer(send=0)
    (record,) = shell.batches[-1]
    assert record.epoch == epoch
    assert record.value is not None
    fact = msgspec.json.decode(record.value, type=Notification).answer
    assert fact is not None
    assert isinstance(fact.result, Accepted)


def test_an_answer_taken_just_before_the_loss_is_written_as_a_fact() -> None:
    """It was known, and not yet written, when the newer CLAIM was read."""
    shell = Shell().own()
    shell.order()
    shell.hold_appends = True
    shell.order(2, OTHER_PHONE)
    shell.answer(send=0)
    shell.ledger.write((Record("claim/other", encode_entity(Claim(instance="other", at=shell.now)), None),))
    shell.acknowledge()
    assert shell.partition.state.ledger.phase == "lost"
    (records,) = shell.appends
    facts = [msgspec.json.decode(record.value, type=Notification) for record in records if record.value]
    assert [n.id for n in facts if n.answer] == [shell.sends[0].notification_id]


def test_an_unknown_append_claims_anew_and_restores() -> None:
    shell = held_append()
    before = shell.partition.state.ledger.epoch
    shell.hold_appends = False
    shell.lose_append()
    assert shell.partition.state.ledger.phase == "owning"
    assert shell.partition.state.ledger.epoch != before
    assert shell.sends == []
    assert shell.seeks[-1].inbox is None  # the event is read again


def test_an_owner_appends_at_least_every_minute() -> None:
    shell = Shell().own()
    for _ in range(5):
        before = len(shell.batches)
        shell.pass_time(60.0)
        assert len(shell.batches) > before


def test_an_outcome_is_published_once_although_its_notification_is_written_again() -> None:
    """The results topic acknowledges while the next state of the same notification is in flight."""
    shell = Shell().own()
    shell.order()
    shell.answer()
    shell.hold_appends = True
    shell.callback("sent")
    shell.results_acknowledged()
    shell.hold_appends = False
    shell.acknowledge()
    shell.results_acknowledged()
    ids = [outcome.id for outcome in shell.published]
    assert len(ids) == len(set(ids))
