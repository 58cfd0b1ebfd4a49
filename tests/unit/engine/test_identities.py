"""An event is accepted once: by the entities it started, then by a page, or by its place in the source (rules 6, 8)."""

from __future__ import annotations

from typing import Any

import msgspec

from notifier.domain.events import SourcePosition
from notifier.engine.inputs import InboxRecord
from tests.unit.engine.harness import PHONE, Shell, connection, inbox_event, key, tenant

WINDOW, PAGE_AFTER = 7200.0, 60.0


def shell_of(**settings: Any) -> Shell:
    return Shell(dedupe_window=WINDOW, page_after=PAGE_AFTER, **settings).own()


def order(shell: Shell, id_: str = "order-1", position: SourcePosition | None = None) -> None:
    data = {"n": 1, "customer": {"phone": PHONE}}
    shell.event("order.shipped", data, name="clinic", id_=id_, position=position)


def tell(shell: Shell) -> None:
    """The last text reaches its end, and the world has heard of it."""
    shell.answer()
    shell.callback("delivered")
    shell.results_acknowledged()


def events(shell: Shell) -> list[str]:
    """What the metric says of every event so far."""
    return [found.labels[2] for found in shell.measured if found.metric == "events_total"]


def test_a_repeated_event_is_not_even_told() -> None:
    shell = Shell([tenant(), connection()]).own()
    event = shell.key_event("key.ready", key())
    shell.key_event("key.ready", key(2), id_=event)
    assert len(shell.sends) == 1
    assert shell.published == []
    assert events(shell) == ["accepted", "repeated"]


def test_an_event_is_known_while_its_text_is_under_way() -> None:
    shell = shell_of()
    order(shell)
    order(shell)
    shell.answer()
    order(shell)
    assert events(shell) == ["accepted", "repeated", "repeated"]
    assert len(shell.sends) == 1


def test_an_event_is_known_between_its_end_and_the_next_page() -> None:
    shell = shell_of()
    order(shell)
    tell(shell)
    shell.pass_time(PAGE_AFTER / 2)
    order(shell)
    assert events(shell) == ["accepted", "repeated"]


def test_an_event_is_known_from_its_page_when_nothing_else_is_left_of_it() -> None:
    shell = shell_of()
    order(shell)
    tell(shell)
    shell.pass_time(PAGE_AFTER + 1.0)
    assert len(shell.partition.state.notifications) == 0
    shell.pass_time(WINDOW - 60.0)
    order(shell)
    assert events(shell) == ["accepted", "repeated"]


def test_behind_the_dedupe_window_the_same_event_is_another() -> None:
    shell = shell_of()
    order(shell)
    tell(shell)
    shell.pass_time(PAGE_AFTER + WINDOW + 1.0)
    order(shell)
    assert events(shell) == ["accepted", "accepted"]
    assert len(shell.sends) == 2


def test_an_expired_page_is_tombstoned() -> None:
    shell = shell_of()
    order(shell)
    tell(shell)
    shell.pass_time(PAGE_AFTER + 1.0)
    (page,) = shell.partition.state.identities.pages
    assert shell.ledger.newest(page).value is not None
    shell.pass_time(WINDOW)
    assert shell.ledger.newest(page).value is None


def test_a_page_that_expired_without_an_owner_goes_at_the_restore() -> None:
    shell = shell_of()
    order(shell)
    tell(shell)
    shell.pass_time(PAGE_AFTER + 1.0)
    (page,) = shell.partition.state.identities.pages
    shell.now += WINDOW
    successor = shell.successor()
    order(successor)
    assert len(successor.sends) == 1
    assert shell.ledger.newest(page).value is None


def test_a_successor_knows_the_events_of_the_living_and_those_in_pages() -> None:
    shell = shell_of()
    order(shell, "old")
    tell(shell)
    shell.pass_time(PAGE_AFTER + 1.0)
    order(shell, "young")
    successor = shell.successor()
    order(successor, "old")
    order(successor, "young")
    assert events(successor) == ["repeated", "repeated"]


def test_an_event_that_started_nothing_is_known_too() -> None:
    shell = shell_of()
    for _ in range(2):
        shell.event("order.lost", {}, name="clinic", id_="lost-1")
    shell.results_acknowledged()
    shell.pass_time(PAGE_AFTER + 1.0)
    assert shell.partition.state.notes == {}
    shell.event("order.lost", {}, name="clinic", id_="lost-1")
    assert events(shell) == ["accepted", "repeated", "repeated"]
    assert shell.types() == ["event.ignored"]


def test_the_same_id_of_another_source_is_another_event() -> None:
    shell = shell_of()
    order(shell, "order-1")
    again = inbox_event("order-1", "order.shipped", {"n": 2, "customer": {"phone": PHONE}}, "clinic")
    other = msgspec.structs.replace(again, source="/other")
    shell.give(InboxRecord(1, other, SourcePosition("care.events", 1, 0, 0)))
    assert events(shell) == ["accepted", "accepted"]


def at(offset: int, timestamp: int, *, incarnation: int = 1, partition: int = 0) -> SourcePosition:
    return SourcePosition("care.events", partition, offset, timestamp, incarnation)


def placed(shell: Shell, *positions: SourcePosition) -> list[str]:
    """Every position with an event of its own."""
    for number, position in enumerate(positions):
        order(shell, f"order-{number}", position)
    return events(shell)


def test_what_stands_at_a_place_that_was_passed_is_read_again_whatever_its_name() -> None:
    shell = shell_of()
    assert placed(shell, at(5, 1_000), at(5, 1_000), at(4, 900)) == ["accepted", "read_again", "read_again"]
    assert len(shell.sends) == 1


def test_a_later_timestamp_at_a_place_that_was_passed_is_a_new_record() -> None:
    """The topic was created anew."""
    shell = shell_of()
    assert placed(shell, at(5, 1_000), at(0, 1_001), at(1, 1_002)) == ["accepted"] * 3


def test_after_a_topic_was_created_anew_its_places_count_from_there() -> None:
    shell = shell_of()
    assert placed(shell, at(5, 1_000), at(0, 1_001), at(0, 1_001), at(1, 1_001))[2:] == ["read_again", "accepted"]


def test_a_higher_incarnation_of_a_source_begins_anew() -> None:
    shell = shell_of()
    assert placed(shell, at(5, 1_000), at(0, 900, incarnation=2), at(0, 900, incarnation=2)) == [
        "accepted",
        "accepted",
        "read_again",
    ]


def test_source_partitions_are_counted_apart() -> None:
    shell = shell_of()
    assert placed(shell, at(5, 1_000), at(3, 900, partition=1)) == ["accepted", "accepted"]


def test_source_positions_outlive_a_restart() -> None:
    shell = shell_of()
    placed(shell, at(5, 1_000))
    assert placed(shell.successor(), at(5, 1_000), at(6, 1_001)) == ["read_again", "accepted"]
