"""A configuration that came, now or while nobody owned, and the texts that wait for it."""

from __future__ import annotations

from notifier.domain.documents import Document
from tests.unit.engine.builders import CLINIC, key, person
from tests.unit.engine.harness import Shell, connection, tenant, workflow


def clinic(*workflows: str, rate: float = 50.0) -> list[Document]:
    return [tenant(CLINIC, platform="care"), connection(CLINIC, rate=rate), *(workflow(name) for name in workflows)]


def test_a_tenant_that_went_live_while_nobody_owned_is_texted_by_the_next_owner() -> None:
    shell = Shell([tenant(live=False), connection()]).own()
    shell.key_event("key.ready", key())
    assert shell.said() == [("held", "not_live")]
    successor = shell.successor([tenant(live=True), connection()])
    assert len(successor.sends) == 1


def test_a_workflow_that_was_removed_while_nobody_owned_texts_nobody() -> None:
    shell = Shell(clinic("shipped", rate=0.1)).own()
    shell.order(1)
    shell.order(2, "+12025550177")
    shell.answer_all()
    successor = shell.successor(clinic("other"))
    assert ("cancelled", "workflow_removed") in successor.said()
    successor.pass_time(60.0)
    assert successor.sends == []


def test_a_restart_without_a_change_writes_no_text_again() -> None:
    shell = Shell([tenant(), connection(rate=0.1)]).own()
    for number in range(5):
        shell.key_event("key.ready", key(name=f"k{number}", persons=[person(phone=f"+1202555010{number}")]))
    shell.results_acknowledged()
    shell.pass_time(1.0)
    written = len(shell.ledger.records)
    successor = shell.successor()
    again = {record.key for record in successor.ledger.records[written:]}
    posted = {request.notification_id for request in (*shell.sends, *successor.sends)}
    waiting = {"n/" + name for name in successor.partition.state.notifications.names() if name not in posted}
    assert len(waiting) == 3
    assert not waiting & again


def test_a_change_that_concerns_thousands_is_met_a_batch_at_a_time() -> None:
    """One batch of all of them would be refused by the broker, again and again."""
    shell = Shell([tenant(live=False), connection()]).own()
    for number in range(2_000):
        shell.key_event("key.ready", key(name=f"k{number}", persons=[person(phone=f"+1202555{number:04d}")]))
    shell.results_acknowledged()
    first = len(shell.batches)
    shell.configure([connection()])  # the tenant is removed
    shell.pass_time(1.0)
    assert shell.said().count(("cancelled", "tenant_removed")) == 2_000
    assert max(len(batch) for batch in shell.batches[first:]) < 1_000


def test_what_was_not_looked_at_before_a_crash_is_looked_at_behind_it() -> None:
    shell = Shell([tenant(live=False), connection()]).own()
    for number in range(700):
        shell.key_event("key.ready", key(name=f"k{number}", persons=[person(phone=f"+1202555{number:04d}")]))
    shell.results_acknowledged()
    shell.hold_appends = True
    shell.configure([connection()])
    assert len(shell.appends[0]) < 700
    shell.ledger.write(shell.appends[0])  # written, and the owner dies before it hears of it
    successor = shell.successor([connection()])
    successor.pass_time(1.0)
    cancelled = {outcome.subject for outcome in successor.published if outcome.type == "notification.cancelled"}
    assert len(cancelled) == 700


def test_whose_turn_comes_before_the_change_has_reached_it_is_looked_at_first() -> None:
    shell = Shell([tenant(), connection(rate=1.0)]).own()
    for number in range(700):
        shell.key_event("key.ready", key(name=f"k{number}", persons=[person(phone=f"+1202555{number:04d}")]))
    shell.answer_all()
    posted = len(shell.sends)
    shell.hold_appends = True
    shell.configure([connection(rate=1000.0)])
    shell.hold_appends = False
    shell.acknowledge()
    shell.pass_time(5.0)
    assert len(shell.sends) == posted
