"""Connections and senders that Twilio refuses: whose texts wait, who tries again, and what ends it (contract 6)."""

from __future__ import annotations

from notifier.domain.answers import Rejected
from tests.unit.engine.harness import Shell, connection, key, person, tenant

ACCOUNT = Rejected(error_class="hold_account", error_code=20003)
PROBE_EVERY = 300.0


def hotel() -> Shell:
    return Shell([tenant(), connection()], probe_every=PROBE_EVERY).own()


def guest(shell: Shell, number: int) -> None:
    """A key for a person of its own."""
    shell.key_event("key.ready", key(name=f"k{number}", persons=[person(phone=f"+1202555010{number}")]))


def test_a_refused_account_holds_its_texts_until_a_new_version_of_the_connection_arrives() -> None:
    shell = hotel()
    guest(shell, 1)
    shell.answer(ACCOUNT)
    guest(shell, 2)
    shell.pass_time(1.0)
    assert len(shell.sends) == 1
    assert shell.said() == [("held", "connection_broken")] * 2
    shell.configure([tenant(), connection(version=2)])
    shell.pass_time(1.0)
    assert sorted(request.to for request in shell.sends[1:]) == ["+12025550101", "+12025550102"]


def test_one_message_probes_a_broken_connection_and_its_success_releases_the_others() -> None:
    shell = hotel()
    for number in range(3):
        guest(shell, number)
    shell.pass_time(1.0)
    for send in range(3):
        shell.answer(ACCOUNT, send=send)
    shell.pass_time(PROBE_EVERY)
    assert len(shell.sends) == 4
    shell.answer()
    shell.pass_time(1.0)
    assert len(shell.sends) == 6
