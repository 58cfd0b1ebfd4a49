"""Several persons of one key: each is told once, at the own number, and nobody waits for another."""

from __future__ import annotations

from typing import Any

from notifier.domain.answers import InDoubt, NotSent
from tests.unit.engine.harness import DAY, OTHER_PHONE, PHONE, START, Shell, connection, key, person, tenant

ANN, BOB = person("ann", phone=PHONE), person("bob", phone=OTHER_PHONE)
THIRD_PHONE = "+12025550177"
LATER = START + DAY


def hotel(**fields: Any) -> Shell:
    return Shell([tenant(**fields), connection()]).own()


def numbers(shell: Shell) -> list[str]:
    return [request.to for request in shell.sends]


def test_each_person_of_a_key_is_told_at_the_own_number() -> None:
    shell = hotel()
    shell.key_event("key.ready", key(persons=[ANN, BOB]))
    shell.pass_time(1.0)
    assert numbers(shell) == [PHONE, OTHER_PHONE]
    assert len({request.notification_id for request in shell.sends}) == 2


def test_a_doubt_about_one_person_delays_no_other_of_the_same_key() -> None:
    shell = hotel()
    shell.key_event("key.ready", key(persons=[ANN]))
    shell.answer(InDoubt(cause="time_out"))
    shell.key_event("key.updated", key(2, persons=[ANN, BOB]))
    shell.pass_time(1.0)
    assert numbers(shell) == [PHONE, OTHER_PHONE]


def test_persons_who_share_a_number_are_told_one_after_the_other() -> None:
    shell = hotel()
    shell.key_event("key.ready", key(persons=[ANN, person("bob", firstName="Bob")]))
    shell.pass_time(1.0)
    assert numbers(shell) == [PHONE]
    shell.answer()
    shell.pass_time(1.0)
    assert numbers(shell) == [PHONE, PHONE]
    assert [word in request.body for word, request in zip(("Ann", "Bob"), shell.sends, strict=True)] == [True, True]


def test_nobody_is_told_twice_however_often_the_key_is_updated() -> None:
    shell = hotel()
    shell.key_event("key.ready", key(persons=[ANN, BOB]))
    shell.pass_time(1.0)
    shell.answer_all()
    for version in (2, 3):
        shell.key_event("key.updated", key(version, persons=[ANN, BOB]))
    shell.key_event("key.ready", key(4, persons=[BOB, ANN]))
    shell.pass_time(1.0)
    assert len(shell.sends) == 2
    assert [shell.data(number)["reason"] for number in (-3, -2, -1)] == ["no_effect"] * 3


def test_a_person_who_was_told_before_a_restart_is_not_told_again() -> None:
    shell = hotel()
    shell.key_event("key.ready", key(persons=[ANN]))
    shell.answer()
    successor = shell.successor()
    successor.key_event("key.updated", key(2, persons=[ANN, BOB]))
    successor.pass_time(1.0)
    assert numbers(successor) == [OTHER_PHONE]


def test_a_new_person_on_an_updated_key_is_told() -> None:
    shell = hotel()
    shell.key_event("key.ready", key(persons=[ANN]))
    shell.answer()
    event = shell.key_event("key.updated", key(2, persons=[ANN, BOB]))
    shell.pass_time(1.0)
    assert numbers(shell) == [PHONE, OTHER_PHONE]
    shell.answer()
    assert shell.data()["event"]["id"] == event


def test_an_update_before_the_key_is_ready_tells_nobody() -> None:
    shell = hotel()
    shell.key_event("key.updated", key(persons=[ANN]))
    assert shell.data()["reason"] == "no_effect"
    assert shell.sends == []
    shell.key_event("key.ready", key(2, persons=[ANN, BOB]))
    shell.pass_time(1.0)
    assert numbers(shell) == [PHONE, OTHER_PHONE]


def test_a_person_who_is_removed_while_the_text_waits_is_not_told() -> None:
    shell = hotel(timing={"lead": "1h"})
    shell.key_event("key.ready", key(persons=[ANN, BOB], starts=LATER))
    bobs = next(n.id for n in shell.partition.state.notifications.values() if n.person == "bob")
    event = shell.key_event("key.updated", key(2, persons=[ANN], starts=LATER))
    assert shell.said(bobs) == [("scheduled", "lead_time"), ("cancelled", "superseded")]
    cancelled = next(n for n, found in enumerate(shell.published) if found.type == "notification.cancelled")
    assert shell.data(cancelled)["cause"]["event"]["id"] == event
    shell.pass_time(DAY)
    assert numbers(shell) == [PHONE]


def test_a_person_who_is_removed_while_a_retry_waits_is_not_told() -> None:
    shell = hotel()
    shell.key_event("key.ready", key(persons=[ANN]))
    shell.answer(NotSent(retry_after=10.0))
    shell.key_event("key.updated", key(2, persons=[BOB]))
    shell.pass_time(20.0)
    assert numbers(shell) == [PHONE, OTHER_PHONE]
    assert ("cancelled", "superseded") in shell.said()


def test_persons_without_an_id_are_known_by_their_position() -> None:
    shell = hotel()
    shell.key_event("key.ready", key(persons=[{"phone": PHONE}]))
    shell.answer()
    shell.key_event("key.updated", key(2, persons=[{"phone": THIRD_PHONE}, {"phone": OTHER_PHONE}]))
    shell.pass_time(1.0)
    assert numbers(shell) == [PHONE, OTHER_PHONE]
    shell.answer()
    assert shell.data()["recipient"]["personId"] is None


def test_the_same_person_on_two_keys_is_told_of_each() -> None:
    shell = hotel()
    shell.key_event("key.ready", key(name="k1", persons=[ANN]))
    shell.answer()
    shell.key_event("key.ready", key(name="k2", persons=[ANN]))
    shell.pass_time(1.0)
    assert numbers(shell) == [PHONE, PHONE]
