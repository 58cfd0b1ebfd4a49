"""Connections and senders that Twilio refuses: whose texts wait, and until when (contract 6)."""

from __future__ import annotations

import msgspec

from notifier.domain.answers import NotSent, Rejected
from tests.unit.engine.harness import CLINIC, OTHER_PHONE, Shell, connection, hotel_and_clinic, key, person, tenant

ACCOUNT = Rejected(error_class="hold_account", error_code=20003)
SENDER = Rejected(error_class="hold_sender", error_code=21606)
FIRST, SECOND = "+12025550101", "+12025550102"  # of two senders, each has another one


def hotel(senders: int = 1) -> Shell:
    return Shell([tenant(), connection(senders=senders)]).own()


def guest(shell: Shell, phone: str, name: str | None = None) -> None:
    shell.key_event("key.ready", key(name=name or phone, persons=[person(phone=phone)]))
    shell.pass_time(0.1)


def numbers(shell: Shell) -> list[str]:
    return [request.to for request in shell.sends]


def test_a_refused_account_holds_its_texts_until_a_new_version_of_the_connection_arrives() -> None:
    shell = hotel()
    guest(shell, FIRST)
    shell.answer(ACCOUNT)
    guest(shell, SECOND)
    assert numbers(shell) == [FIRST]
    assert shell.said() == [("held", "connection_broken")] * 2
    shell.configure([tenant(), connection(version=2)])
    shell.pass_time(1.0)
    assert sorted(numbers(shell)[1:]) == [FIRST, SECOND]


def test_a_held_text_says_what_refused_it() -> None:
    shell = hotel()
    guest(shell, FIRST)
    shell.answer(ACCOUNT)
    data = shell.data()
    assert data["detail"] == "Twilio error 20003"
    assert (data["provider"]["errorCode"], data["provider"]["errorClass"]) == (20003, "hold_account")


def test_a_broken_connection_holds_nobody_elses_texts() -> None:
    shell = Shell().own()
    shell.key_event("key.ready", key())
    shell.answer(ACCOUNT)
    shell.order(1, OTHER_PHONE)
    assert [request.tenant for request in shell.sends] == ["hotel", CLINIC]


def test_a_refused_sender_holds_only_the_texts_that_would_go_by_it() -> None:
    shell = hotel(senders=2)
    guest(shell, FIRST)
    shell.answer(SENDER)
    guest(shell, SECOND)
    guest(shell, FIRST, "another")
    assert numbers(shell) == [FIRST, SECOND]
    assert shell.said() == [("held", "sender_held")] * 2


def test_a_refused_account_holds_all_of_its_senders() -> None:
    shell = hotel(senders=2)
    guest(shell, FIRST)
    shell.answer(ACCOUNT)
    guest(shell, SECOND)
    assert numbers(shell) == [FIRST]


def test_a_configuration_with_the_same_version_of_the_connection_releases_nothing() -> None:
    shell = hotel()
    guest(shell, FIRST)
    shell.answer(ACCOUNT)
    shell.configure([tenant(name="hotel", dateTimeFormat="%d.%m.%Y"), connection()])
    shell.pass_time(1.0)
    assert numbers(shell) == [FIRST]


def test_a_new_version_for_another_tenant_releases_nothing() -> None:
    shell = Shell().own()
    shell.key_event("key.ready", key())
    shell.answer(ACCOUNT)
    documents = hotel_and_clinic()
    documents[3] = connection(CLINIC, version=2)
    shell.configure(documents)
    shell.pass_time(1.0)
    assert len(shell.sends) == 1


def test_what_was_held_before_a_restart_is_still_held() -> None:
    shell = hotel()
    guest(shell, FIRST)
    shell.answer(ACCOUNT)
    successor = shell.successor()
    guest(successor, SECOND)
    assert numbers(successor) == []
    successor.configure([tenant(), connection(version=2)])
    successor.pass_time(1.0)
    assert sorted(numbers(successor)) == [FIRST, SECOND]


def test_a_new_version_that_came_while_nobody_owned_releases_at_the_restore() -> None:
    shell = hotel()
    guest(shell, FIRST)
    shell.answer(ACCOUNT)
    successor = shell.successor([tenant(), connection(version=2)])
    assert numbers(successor) == [FIRST]


def test_an_attempt_that_was_refused_is_not_numbered_again() -> None:
    shell = hotel()
    guest(shell, FIRST)
    shell.answer(ACCOUNT)
    shell.configure([tenant(), connection(version=2)])
    shell.pass_time(1.0)
    assert [request.attempt for request in shell.sends] == [1, 2]


def test_a_code_that_changed_while_its_text_was_held_is_in_it() -> None:
    shell = hotel()
    guest(shell, FIRST, "k1")
    shell.answer(ACCOUNT)
    shell.key_event("doorcode.changed", key(2, code="7777", persons=[person(phone=FIRST)]))
    shell.configure([tenant(), connection(version=2)])
    shell.pass_time(1.0)
    assert ["7777" in request.body for request in shell.sends] == [False, True]


def test_a_code_that_changed_while_the_post_was_under_way_is_in_what_was_held() -> None:
    shell = hotel()
    guest(shell, FIRST, "k1")
    shell.key_event("key.updated", key(2, code="7777", persons=[person(phone=FIRST)]))
    shell.answer(ACCOUNT)
    shell.pass_time(300.0)  # its probe
    assert ["7777" in request.body for request in shell.sends] == [False, True]


def test_a_code_that_changed_while_the_post_was_under_way_is_in_its_retry() -> None:
    shell = hotel()
    guest(shell, FIRST, "k1")
    shell.key_event("key.updated", key(2, code="7777", persons=[person(phone=FIRST)]))
    shell.answer(NotSent())
    shell.pass_time(1.0)
    assert ["7777" in request.body for request in shell.sends] == [False, True]


def test_a_code_that_changed_while_a_retry_waited_is_in_it() -> None:
    shell = hotel()
    guest(shell, FIRST, "k1")
    shell.answer(NotSent(retry_after=10.0))
    event = shell.key_event("doorcode.changed", key(2, code="7777", persons=[person(phone=FIRST)]))
    shell.pass_time(20.0)
    assert ["7777" in request.body for request in shell.sends] == [False, True]
    shell.answer()
    assert shell.data()["cause"]["event"]["id"] == event


def test_what_changed_a_text_is_named_on_all_its_later_outcomes() -> None:
    shell = hotel()
    shell.key_event("key.ready", key(code=None))
    event = shell.key_event("key.updated", key(2))
    shell.answer()
    shell.callback("sent")
    shell.callback("delivered")
    found = [msgspec.json.decode(outcome.data) for outcome in shell.published if outcome.subject == shell.only().id]
    named = {"event": {"id": event, "source": "/test", "type": "key.updated"}}
    assert [(data["status"], data["cause"]) for data in found] == [
        ("held", None),
        ("accepted", named),
        ("sent", named),
        ("delivered", named),
    ]


def test_what_changed_nothing_is_not_named() -> None:
    shell = hotel()
    shell.key_event("key.ready", key(code=None))
    shell.key_event("key.updated", key(2, code=None, doors=["Gate"]))
    cause = shell.key_event("key.updated", key(3))
    shell.answer()
    assert shell.data()["cause"]["event"]["id"] == cause
    assert "event.ignored" in shell.types()


def test_a_revoked_key_cancels_what_is_held() -> None:
    shell = hotel()
    guest(shell, FIRST, "k1")
    shell.answer(ACCOUNT)
    event = shell.key_event("key.revoked", key(2, persons=[person(phone=FIRST)], status="revoked"))
    assert shell.said() == [("held", "connection_broken"), ("cancelled", "key_revoked")]
    assert shell.data(1)["cause"]["event"]["id"] == event
    shell.configure([tenant(), connection(version=2)])
    shell.pass_time(1.0)
    assert numbers(shell) == [FIRST]


def test_a_refusal_behind_a_revocation_cancels_instead_of_holding() -> None:
    shell = hotel()
    guest(shell, FIRST, "k1")
    shell.key_event("key.revoked", key(2, persons=[person(phone=FIRST)], status="revoked"))
    shell.answer(ACCOUNT)
    assert shell.said() == [("cancelled", "key_revoked")]
