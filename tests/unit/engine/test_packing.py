"""What waits is packed: it takes little memory, and comes back as it was when its turn comes."""

from __future__ import annotations

import pytest

from notifier.engine.accepting import held_bytes
from notifier.engine.entities import decode_entity
from tests.unit.engine.builders import CLINIC, DAY, HOTEL, key, person
from tests.unit.engine.harness import Shell, connection, tenant, workflow

SLOW = [tenant(), connection(rate=0.5)]  # one segment in two seconds


def queue(shell: Shell, count: int, *, first: int = 0) -> list[str]:
    """So many keys become ready, each for a person of its own; their numbers, in order."""
    numbers = [f"+1202555{number:04d}" for number in range(first, first + count)]
    for name, number in zip(range(first, first + count), numbers, strict=True):
        shell.key_event("key.ready", key(name=f"k{name}", persons=[person(phone=number)]))
    return numbers


def test_what_waits_is_packed_and_texted_in_order_all_the_same() -> None:
    shell = Shell(SLOW, most_unpacked=3).own()
    numbers = queue(shell, 20)
    shell.results_acknowledged()
    assert shell.partition.state.notifications.unpacked <= 4
    assert len(shell.partition.state.notifications) == 20
    for _ in numbers:
        shell.answer_all()
        shell.pass_time(6.0)
    assert [request.to for request in shell.sends] == numbers


def test_a_packed_text_is_cancelled_by_the_end_of_its_key() -> None:
    shell = Shell(SLOW, most_unpacked=0).own()
    queue(shell, 3)
    shell.key_event("key.revoked", key(name="k2", version=2, persons=[person(phone="+12025550002")]))
    assert ("cancelled", "key_revoked") in shell.said()
    shell.answer_all()
    shell.pass_time(600.0)
    assert "+12025550002" not in [request.to for request in shell.sends]


def test_a_packed_text_expires() -> None:
    shell = Shell([tenant(), connection(rate=0.000001)], most_unpacked=0).own()
    queue(shell, 2)
    shell.answer_all()
    shell.pass_time(4 * 86_400.0)
    assert shell.said().count(("skipped", "expired")) == 1


def test_a_packed_text_is_written_again_when_somebody_else_wrote_its_key() -> None:
    """Its void value may not stay the newest (rule 2), nor become a tombstone because nobody held the struct."""
    shell = Shell(SLOW, most_unpacked=0).own()
    queue(shell, 3)
    names = [name for name in shell.partition.state.notifications.names() if name != shell.sends[0].notification_id]
    for name in names:
        shell.ledger.put("n/" + name, None, epoch=-1)
    queue(shell, 1, first=10)
    assert all(shell.ledger.newest("n/" + name).value is not None for name in names)


def test_the_gauges_count_packed_ones_by_stage_without_unpacking() -> None:
    shell = Shell(SLOW, most_unpacked=0).own()
    queue(shell, 5)
    before = shell.partition.state.notifications.unpacked
    stages = [stage for stage, _ in shell.partition.state.notifications.stages()]
    assert sorted(stages) == ["sending", "waiting", "waiting", "waiting", "waiting"]
    each = [shell.partition.state.notifications.stage(name) for name in shell.partition.state.notifications.names()]
    assert sorted(map(str, each)) == sorted(stages)
    assert shell.partition.state.notifications.unpacked == before


def test_the_inbox_waits_for_bytes_and_goes_on_when_they_are_free() -> None:
    slow = [tenant(CLINIC, platform="care"), connection(CLINIC, rate=0.5), workflow()]
    shell = Shell(slow, most_unpacked=0, most_held_bytes=8_000).own()
    for number in range(12):
        assert shell.partition.wants_inbox == (held_bytes(shell.partition.state) < 8_000)
        shell.order(number, f"+1202555{number:04d}")
    assert not shell.partition.wants_inbox
    while len(shell.sends) < 12:
        shell.answer_all()
        shell.pass_time(1.0)
    shell.answer_all()
    for number in range(12):
        shell.callback("delivered", send=number)
    shell.results_acknowledged()
    shell.pass_time(70.0)
    assert held_bytes(shell.partition.state) == 0
    assert shell.partition.wants_inbox


@pytest.mark.parametrize("most_unpacked", [0, 2_000])
def test_a_restart_finds_packed_ones_like_others(most_unpacked: int) -> None:
    shell = Shell(SLOW, most_unpacked=most_unpacked).own()
    numbers = queue(shell, 6)
    shell.answer_all()
    successor = shell.successor()
    for _ in numbers:
        successor.pass_time(6.0)
        successor.answer_all()
    assert [request.to for request in successor.sends] == numbers[1:]
    assert successor.sends[0].tenant == HOTEL


@pytest.mark.parametrize("most_unpacked", [0, 2_000])
def test_what_was_said_before_a_restart_is_not_kept_for_saying_it_again(most_unpacked: int) -> None:
    """Else it would wait for an acknowledgement that came long ago, and never go."""
    shell = Shell(most_unpacked=most_unpacked).own()
    shell.key_event("key.ready", key())
    shell.answer()
    shell.callback("delivered")
    shell.results_acknowledged()
    shell.key_event("key.ready", key(name="k2", persons=[person(phone="+12025550111")]))  # writes what is acknowledged
    successor = shell.successor()
    assert [n.outcomes for n in successor.partition.state.notifications.values() if n.stage == "final"] == [[]]
    successor.pass_time(130.0)
    assert [n.stage for n in successor.partition.state.notifications.values() if n.stage == "final"] == []


@pytest.mark.parametrize("most_unpacked", [0, 2_000])
def test_a_key_that_a_restart_found_is_forgotten_when_it_is_over(most_unpacked: int) -> None:
    shell = Shell(most_unpacked=most_unpacked).own()
    shell.key_event("key.ready", key(persons=[]))
    successor = shell.successor()
    assert len(successor.partition.state.keys) == 1
    successor.pass_time(3 * DAY + 2.0)
    assert len(successor.partition.state.keys) == 0


def test_what_a_restore_read_takes_less_room_a_little_later_and_is_the_same() -> None:
    shell = Shell(SLOW, most_unpacked=0).own()
    queue(shell, 12)
    successor = shell.successor()
    keys = successor.partition.state.keys
    read = keys.packed_bytes
    successor.pass_time(1.0)
    assert keys.packed_bytes < 0.6 * read
    for number in range(12):
        name = f"k/{HOTEL}/k{number}"
        value = shell.ledger.newest(name).value
        assert value is not None
        assert keys.get(name) == decode_entity(name, value)


@pytest.mark.parametrize("most_unpacked", [0, 2_000])
def test_what_was_said_before_a_restart_is_not_said_again(most_unpacked: int) -> None:
    """The ledger's last word on the text still has the outcome that it was accepted."""
    shell = Shell(most_unpacked=most_unpacked).own()
    shell.order()
    sid = shell.answer()
    shell.results_acknowledged()
    shell.pass_time(70.0)  # the heartbeat writes how far the results topic is
    first, late = shell.successor(), shell.successor()
    late.pass_time(10.0)
    for successor in (first, late):
        successor.sends = shell.sends
        assert successor.published == []
    late.callback("delivered", sid=sid)
    assert late.said() == [("delivered", None)]
    written = late.ledger.newest("n/" + late.only().id).value
    assert written is not None
    assert b"notification.accepted" not in written


@pytest.mark.parametrize("away", [4 * DAY, 60.0])
def test_a_key_ends_though_its_owner_has_not_looked_at_it_since_the_restart(away: float) -> None:
    shell = Shell(SLOW).own()
    queue(shell, 1)
    shell.answer()
    shell.callback("delivered")
    shell.results_acknowledged()
    shell.pass_time(70.0)
    shell.now += away
    successor = shell.successor()
    successor.pass_time(4 * DAY)
    assert successor.ledger.newest(f"k/{HOTEL}/k0").value is None
