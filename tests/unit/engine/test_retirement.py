"""A tombstone comes last: behind the acknowledged page and the published outcome (design section 2, rule 6)."""

from __future__ import annotations

from typing import Any

from notifier.domain.answers import InDoubt
from notifier.engine.inputs import Published
from tests.unit.engine.harness import CLINIC, Shell, connection, tenant, workflow

PAGE_AFTER = 60.0


def delivered(**settings: Any) -> Shell:
    """One text reached its end; the results topic has not acknowledged anything yet."""
    shell = Shell(page_after=PAGE_AFTER, **settings).own()
    shell.order()
    shell.answer()
    shell.callback("delivered")
    return shell


def tombstones(shell: Shell) -> list[str]:
    return [record.key for batch in shell.batches for record in batch if record.value is None]


def pages(shell: Shell) -> list[str]:
    return [record.key for batch in shell.batches for record in batch if record.key.startswith("e/p")]


def test_nothing_goes_before_its_outcomes_are_published() -> None:
    shell = delivered()
    shell.pass_time(10 * PAGE_AFTER)
    assert (pages(shell), tombstones(shell)) == ([], [])


def test_nothing_goes_while_its_last_outcome_is_not_published() -> None:
    shell = delivered()
    name = shell.only().id
    shell.give(Published(tuple(id_ for id_ in shell.unacknowledged if id_ != f"{name}:2")))
    shell.pass_time(10 * PAGE_AFTER)
    assert f"n/{name}" not in tombstones(shell)
    shell.give(Published((f"{name}:2",)))
    shell.pass_time(PAGE_AFTER + 1.0)
    assert f"n/{name}" in tombstones(shell)


def test_nothing_goes_before_its_page_is_acknowledged() -> None:
    shell = delivered()
    name = shell.only().id
    shell.results_acknowledged()
    shell.pass_time(PAGE_AFTER - 1.0)
    shell.hold_appends = True
    shell.pass_time(1.0)
    assert len(pages(shell)) == 1
    assert f"n/{name}" not in tombstones(shell)
    assert shell.only().id == name
    shell.hold_appends = False
    shell.acknowledge()
    assert f"n/{name}" in tombstones(shell)
    assert len(shell.partition.state.notifications) == 0


def test_a_page_whose_append_is_unknown_lets_nothing_go() -> None:
    """The restore brings the text back, and it goes with another page."""
    shell = delivered()
    name = shell.only().id
    shell.results_acknowledged()
    shell.pass_time(PAGE_AFTER - 1.0)
    shell.hold_appends = True
    shell.pass_time(1.0)
    assert len(pages(shell)) == 1
    shell.lose_append()
    shell.hold_appends = False
    shell.acknowledge()
    assert shell.only().id == name
    assert f"n/{name}" not in tombstones(shell)
    shell.results_acknowledged()
    shell.pass_time(PAGE_AFTER + 1.0)
    assert f"n/{name}" in tombstones(shell)


def test_many_identities_share_a_page() -> None:
    shell = Shell(page_after=PAGE_AFTER).own()
    for number in range(5):
        shell.order(number, f"+1202555010{number}")
        shell.pass_time(0.1)
        shell.answer()
        shell.callback("delivered")
    shell.results_acknowledged()
    shell.pass_time(PAGE_AFTER + 1.0)
    assert len(pages(shell)) == 1
    assert len(shell.partition.state.notifications) == 0


def test_the_end_of_a_run_goes_while_its_text_still_remembers_the_event() -> None:
    shell = Shell(page_after=PAGE_AFTER).own()
    shell.order()
    shell.answer()
    shell.results_acknowledged()
    shell.pass_time(1.0)
    assert shell.partition.state.runs == {}
    assert [key.partition("/")[0] for key in tombstones(shell)] == ["r"]
    assert pages(shell) == []


def test_what_was_final_and_published_before_a_restart_goes_behind_a_page_of_the_successor() -> None:
    shell = delivered()
    name = shell.only().id
    shell.results_acknowledged()
    shell.pass_time(50.0)  # a heartbeat writes how far the publication is
    successor = shell.successor()
    assert successor.published == []
    assert f"n/{name}" not in tombstones(successor)
    successor.pass_time(PAGE_AFTER + 1.0)
    assert len(pages(successor)) == 1
    assert f"n/{name}" in tombstones(successor)


def test_what_was_not_published_before_a_restart_is_published_again_with_the_same_content() -> None:
    shell = delivered()
    said = {outcome.id: outcome for outcome in shell.published}
    successor = shell.successor()
    last = f"{successor.only().id}:2"
    assert last in [outcome.id for outcome in successor.published]
    assert all(said[outcome.id] == outcome for outcome in successor.published)
    successor.pass_time(2 * PAGE_AFTER)
    assert f"n/{successor.only().id}" not in tombstones(successor)


def test_a_parked_text_is_kept_as_long_as_a_person_may_decide_on_it() -> None:
    """With its request, so that it can be sent again, and with why it is parked."""
    care = tenant(CLINIC, platform="care", inDoubt={"transactional": "park"})
    shell = Shell([care, connection(CLINIC), workflow()], list_lag=10.0, page_after=PAGE_AFTER, parked_for=3600.0).own()
    shell.order()
    shell.answer(InDoubt(cause="time_out"))
    for _ in range(2):
        shell.end_of_signals()
        shell.show()
        shell.pass_time(11.0)
    assert shell.said()[-1] == ("parked", "unresolved")
    shell.results_acknowledged()
    shell.pass_time(3500.0)
    assert (shell.only().body, shell.only().parked_reason) == ("Order 1", "unresolved")
    shell.pass_time(100.0 + PAGE_AFTER)
    assert len(shell.partition.state.notifications) == 0
