"""Share Credential (seed-systems.md 1.10, A16 to A18): to whom staff chose, once in three minutes, toggles or not."""

from __future__ import annotations

from typing import Any

import pytest

from notifier.domain.answers import InDoubt, Rejected
from tests.unit.engine.harness import HOTEL, OTHER_PHONE, PHONE, START, Shell, connection, key, person, tenant

GUEST = person("ann", email="ann@example.com")
SAVED = {"channel": "sms", "destination": PHONE, "personId": "ann", "staffId": "s1"}
ELSEWHERE = {"channel": "sms", "destination": OTHER_PHONE, "alternative": True, "staffId": "s1"}


def hotel(**fields: Any) -> Shell:
    return Shell([tenant(**fields), connection()]).own()


def shared(shell: Shell, wish: dict[str, Any], of: dict[str, Any] | None = None, **where: Any) -> str:
    """Staff press the button; returns the notification's id."""
    before = len(shell.published)
    shell.event("credentials.shared", {"key": of or key(persons=[GUEST]), "share": wish}, **where)
    shell.pass_time(1.0)  # the sender's rate
    subjects = [outcome.subject for outcome in shell.published[before:] if outcome.subject.startswith("ntf_")]
    return subjects[-1] if subjects else shell.sends[-1].notification_id


def test_a_guest_with_an_address_gets_the_text_that_staff_share() -> None:
    shell = hotel()
    shell.key_event("key.ready", key(persons=[GUEST]))
    assert shell.said() == [("delegated", "email_first")]
    shared(shell, SAVED)
    assert [request.to for request in shell.sends] == [PHONE]
    assert "1234" in shell.sends[0].body


@pytest.mark.parametrize("channels", [{"email": False, "sms": False}, {"email": True, "sms": False}])
def test_toggles_do_not_block_what_staff_share(channels: dict[str, bool]) -> None:
    shell = hotel(channels=channels)
    shared(shell, SAVED)
    assert [request.to for request in shell.sends] == [PHONE]


def test_what_is_shared_by_email_is_the_platforms_to_send() -> None:
    shell = hotel()
    shared(shell, {"channel": "email", "destination": "Ann@Example.com", "personId": "ann", "staffId": "s1"})
    assert shell.said() == [("delegated", "shared_by_email")]
    assert shell.data()["channel"] == "email"
    assert shell.data()["recipient"]["personId"] == "ann"


def test_the_same_destination_is_served_once_in_three_minutes() -> None:
    shell = hotel()
    shared(shell, SAVED)
    shell.answer()
    shell.pass_time(178.0)
    refused = shared(shell, SAVED)
    assert shell.said(refused) == [("skipped", "rate_limited")]
    assert shell.data()["detail"] == "again from 2027-01-15T08:03:00.000Z"
    shell.pass_time(1.0)
    shared(shell, SAVED)
    assert len(shell.sends) == 2


def test_the_limit_is_of_a_key_and_a_destination_not_of_a_guest() -> None:
    shell = hotel()
    shared(shell, SAVED)
    shell.answer()
    shared(shell, ELSEWHERE)
    shell.answer()
    shared(shell, SAVED, key(name="k2", persons=[GUEST]))
    assert [request.to for request in shell.sends] == [PHONE, OTHER_PHONE, PHONE]


def test_the_limit_counts_from_when_staff_pressed_the_button() -> None:
    """Both presses are read at once after an outage, though there were five minutes between them."""
    shell = hotel()
    for minute in (0, 5):
        shared(shell, SAVED, time=START + minute * 60.0)
        shell.answer()
    assert len(shell.sends) == 2


def test_the_limit_outlives_its_owner() -> None:
    shell = hotel()
    shared(shell, SAVED)
    shell.answer()
    shell.results_acknowledged()
    successor = shell.successor()
    assert successor.said(shared(successor, SAVED, id_="again")) == [("skipped", "rate_limited")]


def test_automatic_texts_neither_count_nor_are_blocked() -> None:
    shell = hotel()
    shell.key_event("key.ready", key(persons=[person("ann")]))
    shell.answer()
    shared(shell, SAVED, key(persons=[person("ann")]))
    shell.answer()
    shell.key_event("doorcode.changed", key(2, code="9999", persons=[person("ann")]))
    shell.pass_time(1.0)
    assert [("9999" in request.body) for request in shell.sends] == [False, False, True]


def test_after_a_text_that_nobody_got_staff_may_share_again_at_once() -> None:
    shell = hotel()
    shared(shell, SAVED)
    shell.answer(Rejected(error_class="bad_recipient", error_code=21211))
    shared(shell, SAVED)
    assert len(shell.sends) == 2


def test_without_a_credential_only_another_destination_is_served() -> None:
    shell = hotel()
    waits = shared(shell, SAVED, key(code=None, persons=[GUEST]))
    assert shell.said(waits) == [("held", "awaiting_credential")]
    shared(shell, ELSEWHERE, key(code=None, persons=[GUEST]))
    assert [request.to for request in shell.sends] == [OTHER_PHONE]
    shell.answer()
    assert shell.data()["detail"] == "without_credential"


def test_a_credential_that_comes_releases_what_was_shared_before() -> None:
    shell = hotel()
    waits = shared(shell, SAVED, key(code=None, persons=[GUEST]))
    shell.key_event("key.updated", key(2, persons=[GUEST]))
    assert [request.notification_id for request in shell.sends] == [waits]
    assert "1234" in shell.sends[0].body


@pytest.mark.parametrize(
    ("wish", "detail"),
    [
        ({**SAVED, "destination": "room 4"}, "data.share.destination: is no phone number"),
        ({**SAVED, "channel": "email"}, "data.share.destination: is no e-mail address"),
    ],
)
def test_a_destination_that_is_none_is_said(wish: dict[str, Any], detail: str) -> None:
    shell = hotel()
    assert shell.said(shared(shell, wish)) == [("skipped", "invalid_recipient")]
    assert shell.data()["detail"] == detail


def test_a_share_comes_with_the_version_that_is_known_already() -> None:
    shell = hotel()
    shell.key_event("key.ready", key(3, persons=[GUEST]))
    shared(shell, SAVED, key(3, persons=[GUEST]))
    shell.answer()
    shared(shell, ELSEWHERE, key(2, code="old", persons=[GUEST]))
    assert [("1234" in request.body) for request in shell.sends] == [True, True]


def test_a_share_that_brings_a_newer_key_is_an_update_too() -> None:
    shell = hotel()
    shell.key_event("key.ready", key(persons=[GUEST]))
    newcomer = person("bob", phone=OTHER_PHONE)
    shell.event("credentials.shared", {"key": key(2, code="777", persons=[GUEST, newcomer]), "share": SAVED})
    shell.pass_time(1.0)
    assert sorted(request.to for request in shell.sends) == [PHONE, OTHER_PHONE]
    assert all("777" in request.body for request in shell.sends)


def test_a_key_that_is_over_is_not_shared() -> None:
    shell = hotel()
    over = shared(shell, SAVED, key(persons=[GUEST], status="revoked"))
    assert shell.said(over) == [("skipped", "key_not_active")]


def test_a_revoked_key_cancels_what_waits_to_be_shared() -> None:
    shell = hotel()
    waits = shared(shell, SAVED, key(code=None, persons=[GUEST]))
    shell.key_event("key.revoked", key(2, code=None, persons=[GUEST]))
    assert shell.said(waits)[-1] == ("cancelled", "key_revoked")


def test_a_property_in_setup_shares_nothing_before_it_is_live() -> None:
    shell = hotel(live=False)
    waits = shared(shell, SAVED)
    assert shell.said(waits) == [("held", "not_live")]
    shell.configure([tenant(version=2), connection()])
    assert [request.notification_id for request in shell.sends] == [waits]


def test_a_person_who_left_the_key_is_still_sent_what_staff_shared() -> None:
    shell = hotel()
    waits = shared(shell, SAVED, key(code=None, persons=[GUEST]))
    shell.key_event("key.updated", key(2, persons=[person("bob", phone=OTHER_PHONE)]))
    assert [request.notification_id for request in shell.sends] == [waits]


def test_who_got_the_credential_from_staff_is_told_of_a_changed_code() -> None:
    shell = hotel(channels={"email": False, "sms": True})
    shell.event("credentials.shared", {"key": key(persons=[GUEST]), "share": SAVED})
    shell.answer()
    shell.key_event("doorcode.changed", key(2, code="9999", persons=[GUEST]))
    shell.pass_time(1.0)
    assert [("9999" in request.body) for request in shell.sends] == [False, True]


def test_a_share_elsewhere_is_no_first_message_of_the_guest() -> None:
    shell = hotel(channels={"email": False, "sms": True})
    shared(shell, ELSEWHERE)
    shell.answer()
    shell.key_event("doorcode.changed", key(2, code="9999", persons=[GUEST]))
    assert len(shell.sends) == 1


def test_a_share_overtakes_a_doubt_at_the_same_number_only() -> None:
    """What staff send elsewhere leaves the repeat of the guest's own text as it was."""
    shell = hotel(channels={"email": False, "sms": True})
    shell.key_event("key.ready", key(persons=[GUEST]))
    first = shell.sends[0].notification_id
    shell.answer(InDoubt(cause="time_out"))
    shared(shell, {**ELSEWHERE, "personId": "ann"})
    shell.answer()
    doubt = shell.partition.state.notifications.get(first)
    assert doubt is not None
    assert doubt.cancel is None


def test_the_guest_is_found_by_the_number_on_file() -> None:
    shell = hotel()
    pair = [GUEST, person("bob", firstName="Bob", phone=OTHER_PHONE)]
    shared(shell, {"channel": "sms", "destination": OTHER_PHONE, "staffId": "s1"}, key(persons=pair))
    assert "Bob" in shell.sends[0].body
    assert shell.only().person_id == "bob"


def test_a_share_is_one_event_however_often_it_is_read() -> None:
    shell = hotel()
    shared(shell, SAVED, id_="once")
    shell.answer()
    shell.pass_time(600.0)
    shell.event("credentials.shared", {"key": key(persons=[GUEST]), "share": SAVED}, id_="once")
    assert len(shell.sends) == 1


def test_the_shared_sender_serves_a_tenant_without_its_own() -> None:
    shell = Shell([tenant(builtinSender={"connection": "platform"}), connection("platform")]).own()
    shared(shell, SAVED)
    assert shell.sends[0].connection == "platform"
    assert shell.sends[0].tenant == HOTEL


def test_what_was_shared_is_repeated_though_its_person_left_the_key() -> None:
    shell = hotel(inDoubt={"code": "resend"})
    shared(shell, SAVED)
    shell.answer(InDoubt(cause="time_out"))
    shell.key_event("key.updated", key(2, persons=[person("bob", phone=OTHER_PHONE)]))
    doubt = shell.only()
    assert (doubt.stage, doubt.cancel) == ("doubt", None)


def test_a_share_elsewhere_that_waits_tells_the_guest_no_changed_code() -> None:
    shell = hotel(channels={"email": False, "sms": True})
    shell.key_event("key.ready", key(persons=[GUEST]))
    shell.answer()
    shared(shell, {**ELSEWHERE, "personId": "ann"})
    shell.answer(Rejected(error_class="hold_account", error_code=20003))
    shell.key_event("doorcode.changed", key(2, code="9999", persons=[GUEST]))
    rules = [n.rule for n in shell.partition.state.notifications.values()]
    assert "doorcode_is_changed" in rules


def test_an_address_has_a_length() -> None:
    shell = hotel()
    long = "a" * 250 + "@example.com"
    assert shell.said(shared(shell, {**SAVED, "channel": "email", "destination": long}))[-1] == (
        "skipped", "invalid_recipient",
    )  # fmt: skip


@pytest.mark.parametrize("change", ["key.ready", "doorcode.changed"])
def test_a_share_never_makes_the_change_of_its_own_version_stale(change: str) -> None:
    """The share was read first: it carried the key as it stood."""
    shell = hotel(channels={"email": False, "sms": True})
    version = 1
    if change == "doorcode.changed":
        shell.key_event("key.ready", key(persons=[GUEST, person("bob", phone=OTHER_PHONE)]))
        shell.pass_time(1.0)
        shell.answer_all()
        version = 2
    pair = key(version, code="9999", persons=[GUEST, person("bob", phone=OTHER_PHONE)])
    shared(shell, SAVED, pair)
    shell.answer_all()
    shell.key_event(change, pair)
    shell.pass_time(1.0)
    shell.answer_all()
    assert OTHER_PHONE in [request.to for request in shell.sends if "9999" in request.body]


def test_a_change_that_was_read_already_stays_stale() -> None:
    shell = hotel(channels={"email": False, "sms": True})
    shell.key_event("key.ready", key(persons=[GUEST]))
    shell.answer()
    shared(shell, ELSEWHERE, key(persons=[GUEST]))
    shell.answer()
    shell.key_event("doorcode.changed", key(1, code="9999", persons=[GUEST]))
    assert shell.types()[-1] == "event.ignored"


def test_presses_while_nothing_can_go_are_one_text() -> None:
    shell = hotel()
    for _ in range(5):
        shared(shell, SAVED, key(code=None, persons=[GUEST]))
        shell.pass_time(240.0)
    shell.key_event("key.updated", key(2, persons=[GUEST]))
    for _ in range(10):
        shell.answer_all()
        shell.pass_time(1.0)
    assert len(shell.sends) == 1
    assert shell.said().count(("cancelled", "superseded")) == 4


def test_a_second_share_that_fails_leaves_the_first_one_told() -> None:
    shell = hotel(channels={"email": False, "sms": True})
    shared(shell, SAVED)
    shell.answer()
    shell.callback("delivered")
    shell.pass_time(200.0)
    shared(shell, SAVED)
    shell.answer(Rejected(error_class="bad_request", error_code=21600))
    shell.key_event("doorcode.changed", key(2, code="9999", persons=[GUEST]))
    shell.pass_time(1.0)
    assert len(shell.sends) == 3


def test_an_older_press_that_is_read_late_moves_nothing_back() -> None:
    shell = hotel()
    for press in (300.0, 0.0, 310.0):
        shared(shell, SAVED, time=START + press)
        shell.answer_all()
    assert len(shell.sends) == 2
