"""What a restore finds is judged record by record: by the writer's epoch and the newest CLAIM before it (rule 1)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import msgspec

from notifier.domain.answers import Accepted
from notifier.engine.commands import Record
from notifier.engine.entities import AnswerFact, Notification
from notifier.engine.inputs import Elected
from tests.unit.engine.harness import CLINIC, Ledger, Shell, connection, tenant


def text(**changes: Any) -> Notification:
    """Order 1 as its first owner accepted it, from inbox offset 0; it waits for its turn."""
    shell = Shell().own()
    shell.order()
    return msgspec.structs.replace(shell.only(), stage="waiting", attempt=0, status=None, outcomes=[], **changes)


def accepted(ledger: Ledger, n: Notification) -> int:
    """An owner claims, accepts the text and records how far it is; returns its epoch."""
    epoch = ledger.claim("first")
    ledger.put("n/" + n.id, n, epoch)
    ledger.passed(epoch, inbox=1)
    return epoch


def final(n: Notification) -> Notification:
    return msgspec.structs.replace(n, stage="final", status="cancelled")


def test_a_record_counts_although_the_claim_of_its_writer_is_compacted_away() -> None:
    ledger, n = Ledger(), text()
    ledger.put("n/" + n.id, n, 7)
    ledger.passed(7, inbox=1)
    shell = Shell(ledger=ledger).own()
    assert [request.notification_id for request in shell.sends] == [n.id]


def test_a_record_counts_although_a_later_claim_follows_it() -> None:
    """Whoever claimed behind it died before it wrote anything."""
    ledger, n = Ledger(), text()
    accepted(ledger, n)
    ledger.claim("second")
    shell = Shell(ledger=ledger).own()
    assert [request.notification_id for request in shell.sends] == [n.id]


def test_a_record_that_an_older_epoch_wrote_behind_a_claim_is_void() -> None:
    ledger, n = Ledger(), text()
    first = accepted(ledger, n)
    ledger.claim("second")
    ledger.put("n/" + n.id, final(n), first)
    shell = Shell(ledger=ledger).own()
    assert [request.notification_id for request in shell.sends] == [n.id]


def test_a_void_tombstone_removes_nothing() -> None:
    ledger, n = Ledger(), text()
    first = accepted(ledger, n)
    ledger.claim("second")
    ledger.put("n/" + n.id, None, first)
    shell = Shell(ledger=ledger).own()
    assert [request.notification_id for request in shell.sends] == [n.id]


def test_void_records_are_cured_by_writing_the_valid_state_again() -> None:
    """Else compaction would keep the void one alone. It happens before anything is posted."""
    ledger, n = Ledger(), text(due=2_000_000_000.0, deadline=2_000_000_100.0)
    first = accepted(ledger, n)
    ledger.claim("second")
    ledger.put("n/" + n.id, final(n), first)
    shell = Shell(ledger=ledger).own()
    newest = ledger.newest("n/" + n.id)
    assert newest.epoch == shell.partition.state.ledger.epoch
    assert newest.value is not None
    assert msgspec.json.decode(newest.value, type=Notification).stage == "waiting"


def test_what_has_no_void_record_is_not_written_again() -> None:
    ledger, n = Ledger(), text(due=2_000_000_000.0, deadline=2_000_000_100.0)
    first = accepted(ledger, n)
    Shell(ledger=ledger).own()
    assert ledger.newest("n/" + n.id).epoch == first


def test_the_fact_in_a_void_record_ends_the_doubt() -> None:
    """Its poster lost the partition while the POST was under way, and could still say how it ended."""
    ledger, n = Ledger(), text()
    sending = msgspec.structs.replace(n, stage="sending", attempt=1, poster=0, attempt_at=n.accepted)
    first = accepted(ledger, sending)
    ledger.claim("second")
    answered = msgspec.structs.replace(sending, answer=AnswerFact(1, Accepted(sid="SMold")))
    ledger.put("n/" + n.id, answered, first)
    shell = Shell(ledger=ledger).own()
    assert shell.said(n.id) == [("unknown", "takeover"), ("accepted", None)]
    assert shell.only().sid == "SMold"


def test_an_older_fact_behind_a_newer_void_record_still_counts() -> None:
    ledger, n = Ledger(), text()
    sending = msgspec.structs.replace(n, stage="sending", attempt=1, poster=0, attempt_at=n.accepted)
    first = accepted(ledger, sending)
    ledger.claim("second")
    ledger.put("n/" + n.id, msgspec.structs.replace(sending, answer=AnswerFact(1, Accepted(sid="SMold"))), first)
    ledger.put("n/" + n.id, sending, first)
    assert Shell(ledger=ledger).own().only().sid == "SMold"


def test_the_newest_valid_positions_are_taken_and_all_older_ones_go_behind_our_own() -> None:
    ledger = Ledger()
    first = ledger.claim("first")
    ledger.passed(first, inbox=5)
    second = ledger.claim("second")
    ledger.passed(second, inbox=9)
    ledger.passed(first, inbox=12)  # void: it had lost the partition
    shell = Shell(ledger=ledger).own()
    assert shell.seeks[-1].inbox == 9
    own = f"w/{shell.partition.state.ledger.epoch}"
    (batch,) = [found for found in shell.batches if any(record.key == own for record in found)]
    assert {record.key: record.value is None for record in batch} == {own: False, "w/0": True, f"w/{second}": True}


@dataclass
class Contested(Ledger):
    """Another process claims right behind the next claim."""

    contested: bool = True

    def write(self, records: tuple[Record, ...]) -> int:
        first = super().write(records)
        if self.contested and records[0].epoch is None:
            self.contested = False
            self.claim("another")
        return first


def test_a_newer_claim_in_the_log_loses_the_partition_before_anything_is_written() -> None:
    ledger = Contested()
    shell = Shell(ledger=ledger)
    shell.claim()
    assert shell.phase == "lost"
    assert [record.key.partition("/")[0] for record in ledger.records] == ["claim", "claim"]
    assert shell.seeks == []


def test_who_lost_claims_again_after_a_back_off_while_the_election_names_it() -> None:
    shell = Shell(ledger=Contested())
    shell.claim()
    shell.give(Elected())
    assert shell.phase == "lost"
    shell.pass_time(0.6)
    assert shell.phase == "lost"
    shell.give(Elected())
    assert shell.phase == "owning"


def test_a_void_record_of_an_event_that_is_still_to_be_read_waits_for_it() -> None:
    """No valid positions cover it: its inbox record is read again and makes it, in the successor's own words."""
    ledger, n = Ledger(), text()
    first = ledger.claim("first")
    ledger.claim("second")
    ledger.put("n/" + n.id, n, first)
    shell = Shell(ledger=ledger).own()
    assert len(shell.partition.state.notifications) == 0
    assert ledger.newest("n/" + n.id).epoch == first
    shell.order()
    assert [request.notification_id for request in shell.sends] == [n.id]
    assert ledger.newest("n/" + n.id).epoch == shell.partition.state.ledger.epoch


def test_a_void_record_whose_event_makes_nothing_when_read_again_is_tombstoned() -> None:
    ledger, n = Ledger(), text()
    first = ledger.claim("first")
    ledger.claim("second")
    ledger.put("n/" + n.id, n, first)
    without_workflow = [tenant(CLINIC, platform="care"), connection(CLINIC)]
    shell = Shell(without_workflow, ledger=ledger).own()
    shell.order()
    assert shell.sends == []
    newest = ledger.newest("n/" + n.id)
    assert (newest.value, newest.epoch) == (None, shell.partition.state.ledger.epoch)
