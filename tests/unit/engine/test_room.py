"""However many things come due at once: no batch that a broker would refuse, and no timer that outlives its use."""

from __future__ import annotations

import pytest

from notifier.domain.answers import Accepted, Rejected
from notifier.engine.timing import SWEPT_ABOVE
from tests.unit.engine.builders import CLINIC, PHONE, key, person
from tests.unit.engine.harness import Shell, connection, tenant, workflow

MANY = 1_800
BATCH = 1_400  # records; a broker takes some thousands of them


def keys(shell: Shell, count: int = MANY) -> None:
    for number in range(count):
        shell.key_event("key.ready", key(name=f"k{number}", persons=[person(phone=f"+1202555{number:04d}")]))


def largest(shell: Shell, since: int = 0) -> int:
    return max(len(batch) for batch in shell.batches[since:])


def test_thousands_that_expire_at_once_are_written_batch_by_batch() -> None:
    shell = Shell([tenant(), connection(rate=0.000001)]).own()
    keys(shell)
    shell.answer_all()
    shell.results_acknowledged()
    since = len(shell.batches)
    shell.pass_time(4 * 86_400.0)
    assert shell.said().count(("skipped", "expired")) == MANY - 1
    assert largest(shell, since) < BATCH


def test_thousands_that_a_broken_connection_holds_are_written_batch_by_batch() -> None:
    shell = Shell([tenant(), connection(rate=0.000001)]).own()
    keys(shell)
    since = len(shell.batches)
    shell.answer(Rejected(error_class="hold_account", error_code=20003))
    shell.pass_time(1.0)
    assert shell.said().count(("held", "connection_broken")) == MANY
    assert largest(shell, since) < BATCH


def test_no_step_says_thousands_of_things_before_the_first_are_written() -> None:
    shell = Shell([tenant(), connection(rate=0.000001)]).own()
    keys(shell)
    shell.hold_appends = True
    shell.answer(Rejected(error_class="hold_account", error_code=20003))
    shell.pass_time(1.0)
    assert shell.count("outcomes_total") < BATCH
    shell.configure([connection(rate=0.000001)])  # the tenant is removed
    shell.pass_time(1.0)
    assert shell.count("outcomes_total") < BATCH


def test_thousands_that_were_under_way_when_their_owner_died_are_written_batch_by_batch() -> None:
    shell = Shell([tenant(), connection(rate=100_000.0)], max_in_flight=5_000).own()
    keys(shell)
    shell.pass_time(1.0)
    assert len(shell.sends) == MANY
    successor = shell.successor()
    assert successor.said().count(("unknown", "takeover")) == MANY
    assert largest(successor) < BATCH


def test_signals_wait_while_a_slow_append_leaves_thousands_unwritten() -> None:
    shell = Shell([tenant(), connection(rate=100_000.0)], max_in_flight=5_000).own()
    keys(shell)
    shell.pass_time(1.0)
    for number in range(MANY):
        shell.answer(send=number)
    shell.hold_appends = True
    wanted = []
    for number in range(MANY):
        wanted.append(shell.partition.wants_signals)
        shell.callback("delivered", send=number)
    assert wanted[0]
    assert not wanted[-1]
    shell.hold_appends = False
    shell.acknowledge()
    assert shell.partition.wants_signals


def test_timers_of_what_is_over_are_swept() -> None:
    """A text sets a timer for its expiry, one for its polls and one 72 hours ahead; a day has millions of texts."""
    shell = Shell([tenant(CLINIC, platform="care"), connection(CLINIC, rate=100_000.0), workflow()]).own()
    for number in range(3 * MANY):
        shell.pass_time(0.01)
        shell.order(number, f"+1202555{number % 10_000:04d}")
        shell.answer(Accepted(sid=f"SM{number:032x}"))
        shell.callback("delivered", sid=f"SM{number:032x}")
        shell.results_acknowledged()
    shell.pass_time(70.0)
    assert len(shell.partition.state.notifications) == 0
    assert len(shell.partition.state.timers.heap) < 1_500


def test_a_sweep_takes_no_timer_that_is_still_needed() -> None:
    shell = Shell([tenant(), connection(rate=0.000001), tenant(CLINIC, platform="care"), connection(CLINIC),
                   workflow()]).own()  # fmt: skip
    keys(shell, 3)
    shell.answer_all()
    for number in range(MANY):
        shell.pass_time(0.1)
        shell.order(number, PHONE)
        shell.answer_all()
        shell.callback("delivered")
        shell.results_acknowledged()
    shell.pass_time(4 * 86_400.0)
    assert shell.said().count(("skipped", "expired")) == 2
    assert shell.said().count(("unconfirmed", None)) == 1


def test_a_long_line_is_not_looked_through_while_it_builds_up() -> None:
    """Seen by a timer of nothing: a sweep would take it."""
    shell = Shell([tenant(), connection(rate=0.000001)]).own()
    timers = shell.partition.state.timers
    timers.at(shell.now + 30 * 86_400.0, "poll", "ntf_of_nothing")
    keys(shell, 4 * MANY)
    assert len(timers.heap) > SWEPT_ABOVE
    assert "ntf_of_nothing" in [key for _, _, _, key in timers.heap]
    for _ in range(3 * len(timers.heap)):
        timers.at(shell.now + 30 * 86_400.0, "poll", "ntf_of_nothing")
    shell.pass_time(1.0)
    assert "ntf_of_nothing" not in [key for _, _, _, key in timers.heap]


@pytest.mark.parametrize("versions", [1, 5])
def test_a_key_that_changed_often_is_forgotten_once_it_is_over(versions: int) -> None:
    shell = Shell([tenant(), connection()]).own()
    for version in range(1, versions + 1):
        shell.key_event("key.updated", key(version=version))
    shell.results_acknowledged()
    shell.pass_time(86_400.0)
    assert key_ends(shell) == versions
    shell.pass_time(3 * 86_400.0)
    assert len(shell.partition.state.keys) == 0
    assert key_ends(shell) == 0


def key_ends(shell: Shell) -> int:
    return sum(kind == "key_end" for _, _, kind, _ in shell.partition.state.timers.heap)


def test_large_events_wait_like_many_small_ones() -> None:
    """A batch has to fit the broker, though a slow append lets events gather behind it."""
    shell = Shell().own()
    shell.hold_appends = True
    taken = 0
    while shell.partition.wants_inbox:
        shell.key_event("key.ready", key(name=f"k{taken}", spaceName="x" * 200_000))
        taken += 1
    while shell.appends:
        shell.acknowledge()
    assert 1 < taken < 20
    assert max(sum(len(record.value or b"") for record in batch) for batch in shell.batches) < 4 * 1024 * 1024
