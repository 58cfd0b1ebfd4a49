"""Every `PROBE_EVERY` one message tries a connection that Twilio refused: one, and never a second beside it."""

from __future__ import annotations

from notifier.domain.answers import InDoubt, NotSent, Rejected
from tests.unit.engine.harness import DAY, START, Shell, connection, key, person, tenant

ACCOUNT = Rejected(error_class="hold_account", error_code=20003)
PROBE_EVERY = 300.0


def broken(guests: int = 3, *, ends: float = START + DAY) -> Shell:
    """All texts were refused within the same second and are held."""
    shell = Shell([tenant(), connection()], probe_every=PROBE_EVERY).own()
    for number in range(guests):
        guest(shell, number, ends=ends)
    for send in range(guests):
        shell.answer(ACCOUNT, send=send)
    assert shell.said() == [("held", "connection_broken")] * guests
    shell.sends.clear()
    shell.epochs.clear()
    return shell


def guest(shell: Shell, number: int, *, version: int = 1, type_: str = "key.ready", ends: float = START + DAY) -> None:
    known = key(version, name=f"k{number}", persons=[person(phone=f"+1202555010{number}")], ends=ends)
    shell.key_event(type_, known)
    shell.pass_time(0.1)


def probes(shell: Shell) -> list[str]:
    return [request.to[-1] for request in shell.sends]


def test_one_message_probes_every_probe_every() -> None:
    shell = broken()
    shell.pass_time(PROBE_EVERY - 1.0)
    assert probes(shell) == []
    for number in range(1, 4):
        shell.pass_time(PROBE_EVERY - (PROBE_EVERY - 1.0 if number == 1 else 0.0))
        assert probes(shell) == ["0", "1", "2"][:number]
        shell.answer(ACCOUNT)


def test_no_second_message_probes_while_the_first_is_under_way() -> None:
    shell = broken()
    shell.pass_time(3 * PROBE_EVERY)
    assert len(shell.sends) == 1


def test_who_was_refused_as_a_probe_goes_behind_the_others() -> None:
    shell = broken()
    for _ in range(4):
        shell.pass_time(PROBE_EVERY)
        shell.answer(ACCOUNT)
    assert probes(shell) == ["0", "1", "2", "0"]


def test_a_refused_probe_says_nothing_new() -> None:
    shell = broken(1)
    shell.pass_time(PROBE_EVERY)
    shell.answer(ACCOUNT)
    assert shell.said() == [("held", "connection_broken")]


def test_a_probe_that_gets_through_releases_all() -> None:
    shell = broken()
    shell.pass_time(PROBE_EVERY)
    shell.answer()
    shell.pass_time(1.0)
    assert probes(shell) == ["0", "1", "2"]


def test_a_probe_that_is_refused_for_its_own_number_shows_that_the_connection_works() -> None:
    shell = broken()
    shell.pass_time(PROBE_EVERY)
    shell.answer(Rejected(error_class="bad_recipient", error_code=21211))
    shell.pass_time(1.0)
    assert probes(shell) == ["0", "1", "2"]


def test_a_probe_that_was_certainly_not_sent_tries_again_alone() -> None:
    shell = broken()
    shell.pass_time(PROBE_EVERY)
    shell.answer(NotSent())
    shell.pass_time(5.0)
    assert probes(shell) == ["0", "0"]


def test_a_probe_whose_ending_nobody_knows_lets_the_next_try() -> None:
    shell = broken()
    shell.pass_time(PROBE_EVERY)
    shell.answer(InDoubt(cause="time_out"))
    shell.pass_time(PROBE_EVERY)
    assert probes(shell) == ["0", "1"]


def test_a_probe_that_is_cancelled_in_its_retry_lets_the_next_try() -> None:
    shell = broken()
    shell.pass_time(PROBE_EVERY)
    shell.answer(NotSent(retry_after=1_000.0))
    guest(shell, 0, version=2, type_="key.revoked")
    shell.pass_time(PROBE_EVERY)
    assert probes(shell) == ["0", "1"]


def test_whoever_is_gone_from_the_hold_is_passed_over() -> None:
    shell = broken()
    guest(shell, 0, version=2, type_="key.revoked")
    shell.pass_time(PROBE_EVERY)
    assert probes(shell) == ["1"]


def test_a_hold_that_holds_nothing_any_more_ends_with_its_next_probe() -> None:
    shell = broken(1)
    guest(shell, 0, version=2, type_="key.revoked")
    shell.pass_time(PROBE_EVERY)
    guest(shell, 1)
    assert probes(shell) == ["1"]


def test_texts_that_come_while_a_probe_is_under_way_are_held_like_the_others() -> None:
    shell = broken()
    shell.pass_time(PROBE_EVERY)
    guest(shell, 5)
    assert probes(shell) == ["0"]
    assert shell.said()[-1] == ("held", "connection_broken")


def test_a_successor_probes_from_its_restore() -> None:
    successor = broken().successor()
    successor.pass_time(PROBE_EVERY - 1.0)
    assert probes(successor) == []
    successor.pass_time(1.0)
    assert probes(successor) == ["0"]


def test_a_new_version_lets_all_go_while_a_probe_is_under_way() -> None:
    shell = broken()
    shell.pass_time(PROBE_EVERY)
    shell.configure([tenant(), connection(version=2)])
    shell.pass_time(1.0)
    assert probes(shell) == ["0", "1", "2"]
