"""Policy `both`: the e-mail half is a notification of its own, and a changed code is told to who was told the first."""

from __future__ import annotations

from notifier.domain.answers import Rejected
from tests.unit.engine.harness import Shell, connection, key, person, tenant

ANN = person("ann", email="ann@example.com")


def hotel(*, policy: str = "both") -> Shell:
    return Shell([tenant(channels={"policy": policy}), connection()]).own()


def told(shell: Shell) -> list[tuple[str, str, str | None]]:
    """(channel, status, reason) of everything published of notifications."""
    found = []
    for number, outcome in enumerate(shell.published):
        if outcome.type.startswith("notification."):
            data = shell.data(number)
            found.append((data["channel"], data["status"], data["reason"]))
    return found


def test_who_has_both_contacts_is_told_by_both() -> None:
    shell = hotel()
    shell.key_event("key.ready", key(persons=[ANN]))
    shell.answer()
    assert told(shell) == [("email", "delegated", "both"), ("sms", "accepted", None)]
    assert len({outcome.subject for outcome in shell.published}) == 2


def test_under_email_first_the_same_person_gets_no_text() -> None:
    shell = hotel(policy="email_first")
    shell.key_event("key.ready", key(persons=[ANN]))
    assert shell.sends == []
    assert told(shell) == [("email", "delegated", "email_first")]


def test_who_has_no_email_address_gets_the_text_alone() -> None:
    shell = hotel()
    shell.key_event("key.ready", key(persons=[person()]))
    shell.answer()
    assert told(shell) == [("sms", "accepted", None)]


def test_a_changed_code_is_told_by_both_to_who_was_told_by_both() -> None:
    shell = hotel()
    shell.key_event("key.ready", key(persons=[ANN]))
    shell.answer()
    shell.key_event("doorcode.changed", key(2, code="7777", persons=[ANN]))
    shell.pass_time(1.0)
    shell.answer()
    assert told(shell)[2:] == [("email", "delegated", "both"), ("sms", "accepted", None)]
    assert "7777" in shell.sends[1].body


def test_a_changed_code_is_delegated_to_who_was_told_by_email_alone() -> None:
    shell = hotel(policy="email_first")
    shell.key_event("key.ready", key(persons=[ANN]))
    shell.key_event("doorcode.changed", key(2, code="7777", persons=[ANN]))
    assert told(shell) == [("email", "delegated", "email_first")] * 2


def test_a_changed_code_is_not_told_to_whose_only_text_was_refused() -> None:
    """No first message went out: it would be the first that they hear of it."""
    shell = hotel()
    shell.key_event("key.ready", key(persons=[person()]))
    shell.answer(Rejected(error_class="bad_recipient", error_code=21211))
    shell.key_event("doorcode.changed", key(2, code="7777"))
    shell.pass_time(1.0)
    assert len(shell.sends) == 1
    assert shell.data()["reason"] == "no_effect"


def test_a_silent_first_message_is_remembered_over_a_restart() -> None:
    shell = hotel()
    shell.key_event("key.ready", key(persons=[person()]))
    shell.answer(Rejected(error_class="bad_recipient", error_code=21211))
    successor = shell.successor()
    successor.key_event("doorcode.changed", key(2, code="7777"))
    assert successor.sends == []


def test_a_changed_code_while_the_text_still_waits_goes_out_with_it() -> None:
    shell = hotel()
    shell.key_event("key.ready", key(code=None, persons=[ANN]))
    shell.key_event("doorcode.changed", key(2, code="7777", persons=[ANN]))
    shell.answer()
    shell.pass_time(1.0)
    assert ["7777" in request.body for request in shell.sends] == [True]
    assert told(shell)[-1] == ("sms", "accepted", None)
