"""`notifier forget`: nothing of a number is left but that its person wants no texts, as a keyed hash."""

from __future__ import annotations

from typing import Any

import pytest

from notifier.domain.answers import InDoubt, Rejected
from notifier.domain.documents import Document, Pause
from notifier.domain.signals import Forget, ResendParked
from tests.unit.engine.harness import (
    CLINIC,
    HOTEL,
    OTHER_PHONE,
    PHONE,
    Shell,
    connection,
    hotel_and_clinic,
    key,
    person,
    tenant,
    time_of,
    workflow,
)

HASH_KEY = b"k" * 32
NATIONAL = PHONE.removeprefix("+1")


def both(*more: Document, **settings: Any) -> Shell:
    return Shell([*hotel_and_clinic(), *more], hash_key=HASH_KEY, **settings).own()


def forget(shell: Shell, name: str, number: str = PHONE) -> None:
    shell.signal(Forget(tenant=name, phone=number))
    shell.results_acknowledged()
    shell.pass_time(600.0)


def stored(shell: Shell) -> str:
    """The ledger as compaction leaves it, without claims: the newest value of every key."""
    newest = {record.key: record.value for record in shell.ledger.records if not record.key.startswith("claim/")}
    return " ".join(f"{name} {value.decode()}" for name, value in newest.items() if value is not None)


def consent(shell: Shell, kind: str, at: float) -> None:
    data = {"phone": PHONE, "source": "form", "at": time_of(at)}
    shell.event(f"consent.{kind}", data, name=CLINIC)


def test_what_waits_is_cancelled_and_nothing_of_the_number_is_left() -> None:
    shell = both(Pause(tenant="platform"))
    shell.key_event("key.ready", key(persons=[person(email=None)]))
    shell.order()
    shell.order(2, OTHER_PHONE)
    for name in (HOTEL, CLINIC):
        forget(shell, name)
    assert shell.said().count(("cancelled", "cancelled_by_event")) == 2
    assert NATIONAL not in stored(shell)
    assert "Ann" not in stored(shell)
    assert OTHER_PHONE in stored(shell)


def test_a_number_is_forgotten_of_the_named_tenant_only() -> None:
    shell = both(Pause(tenant="platform"))
    shell.key_event("key.ready", key())
    shell.order()
    forget(shell, CLINIC)
    assert shell.said()[-1] == ("cancelled", "cancelled_by_event")
    assert [n.tenant for n in shell.partition.state.notifications.values()] == [HOTEL]


def test_what_is_in_doubt_is_settled_and_not_repeated() -> None:
    resends = tenant(CLINIC, platform="care", inDoubt={"transactional": "resend"})
    shell = Shell([resends, connection(CLINIC), workflow()], hash_key=HASH_KEY).own()
    shell.order()
    shell.answer(InDoubt(cause="time_out"))
    shell.signal(Forget(tenant=CLINIC, phone=PHONE))
    for _ in range(2):
        shell.end_of_signals()
        shell.show()
        shell.pass_time(30.0)
    assert shell.said()[-1] == ("parked", "too_late_to_repeat")
    assert len(shell.sends) == 1


def test_a_parked_request_goes() -> None:
    documents = [
        tenant(CLINIC, platform="care", inDoubt={"transactional": "park"}), connection(CLINIC), workflow(),
    ]  # fmt: skip
    shell = Shell(documents, hash_key=HASH_KEY).own()
    shell.order()
    shell.answer(InDoubt(cause="time_out"))
    for _ in range(2):
        shell.end_of_signals()
        shell.show()
        shell.pass_time(16 * 60.0)
    assert shell.said()[-1] == ("parked", "unresolved")
    assert "Order 1" in stored(shell)
    forget(shell, CLINIC)
    assert NATIONAL not in stored(shell)
    assert "Order 1" not in stored(shell)


def test_staff_may_have_shared_with_it() -> None:
    shell = both()
    wish = {"channel": "sms", "destination": OTHER_PHONE, "alternative": True, "staffId": "s1"}
    shell.event("credentials.shared", {"key": key(), "share": wish})
    shell.answer()
    shell.callback("delivered")
    forget(shell, HOTEL, OTHER_PHONE)
    assert OTHER_PHONE.removeprefix("+1") not in stored(shell)
    assert PHONE in stored(shell)


def test_a_person_of_a_key_is_told_nothing_more() -> None:
    shell = both()
    shell.key_event("key.ready", key())
    shell.answer()
    shell.callback("delivered")
    forget(shell, HOTEL)
    shell.key_event("doorcode.changed", key(2, code="9", persons=[{"id": "p1"}]))
    assert shell.said()[-1] == ("skipped", "no_contact")


def test_a_withdrawn_consent_is_kept_as_a_hash_and_goes_on_to_count() -> None:
    shell = both()
    consent(shell, "withdrawn", shell.now)
    forget(shell, CLINIC)
    assert NATIONAL not in stored(shell)
    shell.order()
    assert shell.said()[-1] == ("skipped", "no_consent")
    successor = shell.successor()
    successor.order(2)
    assert successor.said()[-1] == ("skipped", "no_consent")


def test_a_consent_that_is_given_later_wins_over_the_hash() -> None:
    shell = both()
    consent(shell, "withdrawn", shell.now)
    forget(shell, CLINIC)
    consent(shell, "given", shell.now)
    shell.order()
    assert len(shell.sends) == 1


@pytest.mark.parametrize("hash_key", [HASH_KEY, b""])
def test_a_given_consent_is_erased(hash_key: bytes) -> None:
    shell = Shell(hotel_and_clinic(), hash_key=hash_key).own()
    consent(shell, "given", shell.now)
    forget(shell, CLINIC)
    assert shell.partition.state.consents == {}
    assert NATIONAL not in stored(shell)


def test_an_opt_out_is_kept_as_a_hash_and_goes_on_to_count() -> None:
    shell = both()
    shell.order()
    shell.answer(Rejected(error_class="suppressed", error_code=21610))
    forget(shell, CLINIC)
    assert NATIONAL not in stored(shell)
    assert "hmac-sha256:" in stored(shell)
    successor = shell.successor()
    successor.order(2)
    assert successor.said()[-1] == ("skipped", "opted_out")


def test_what_another_tenant_knows_of_the_number_stays() -> None:
    shell = both()
    for event in ("order", "key"):
        if event == "order":
            shell.order()
        else:
            shell.key_event("key.ready", key())
        shell.answer(Rejected(error_class="suppressed", error_code=21610))
    forget(shell, CLINIC)
    assert sorted(name.split("/")[1] for name in shell.partition.state.opt_outs if PHONE in name) == [HOTEL]


def test_without_a_key_for_the_hash_a_refusal_stays_as_it_is() -> None:
    shell = Shell(hotel_and_clinic()).own()
    shell.order()
    shell.answer(Rejected(error_class="suppressed", error_code=21610))
    consent(shell, "withdrawn", shell.now)
    forget(shell, CLINIC)
    shell.order(2)
    assert shell.said()[-1] == ("skipped", "opted_out")
    assert len(shell.partition.state.consents) == 1


def test_what_is_forgotten_at_once_fits_into_batches_and_steps() -> None:
    shell = both(Pause(tenant="platform"))
    for number in range(2_000):
        shell.order(number)
        if number % 50 == 0:
            shell.results_acknowledged()
            shell.pass_time(0.1)
    before = len(shell.batches)
    shell.signal(Forget(tenant=CLINIC, phone=PHONE))
    for _ in range(40):
        shell.pass_time(0.1)
    assert shell.said().count(("cancelled", "cancelled_by_event")) == 2_000
    assert max(len(batch) for batch in shell.batches[before:]) < 1_000


def test_a_wish_to_forget_outlives_its_owner() -> None:
    shell = both(Pause(tenant="platform"))
    for number in range(500):
        shell.order(number)
        shell.pass_time(0.1)
    shell.hold_appends = True
    shell.signal(Forget(tenant=CLINIC, phone=PHONE))
    shell.acknowledge()
    heir = shell.successor()
    heir.pass_time(600.0)
    heir.results_acknowledged()
    heir.pass_time(600.0)
    assert NATIONAL not in stored(heir)


def test_a_text_that_is_forgotten_in_doubt_keeps_nothing_when_it_is_parked() -> None:
    resends = tenant(CLINIC, platform="care", inDoubt={"transactional": "resend"})
    shell = Shell([resends, connection(CLINIC), workflow()], hash_key=HASH_KEY).own()
    shell.order()
    shell.answer(InDoubt(cause="time_out"))
    shell.signal(Forget(tenant=CLINIC, phone=PHONE))
    for _ in range(2):
        shell.end_of_signals()
        shell.show()
        shell.pass_time(30.0)
    shell.signal(ResendParked(tenant=CLINIC, notification_id=shell.sends[0].notification_id))
    shell.results_acknowledged()
    shell.pass_time(3600.0)
    assert len(shell.sends) == 1
    assert NATIONAL not in stored(shell)


@pytest.mark.parametrize("told", ["answer", "callback"])
def test_a_refusal_that_comes_after_it_is_kept_as_a_hash(told: str) -> None:
    shell = both()
    shell.order()
    if told == "answer":
        shell.signal(Forget(tenant=CLINIC, phone=PHONE))
        shell.answer(Rejected(error_class="suppressed", error_code=21610))
    else:
        shell.answer()
        shell.signal(Forget(tenant=CLINIC, phone=PHONE))
        shell.callback("undelivered", error_code=21610)
    shell.results_acknowledged()
    shell.pass_time(600.0)
    assert NATIONAL not in stored(shell)
    shell.order(2)
    assert shell.said()[-1] == ("skipped", "opted_out")


def test_an_address_that_staff_shared_with_goes_with_its_person() -> None:
    shell = both()
    guest = person(email="ann@example.com")
    wish = {"channel": "email", "destination": "ann@example.com", "personId": "p1", "staffId": "s1"}
    shell.event("credentials.shared", {"key": key(persons=[guest]), "share": wish})
    forget(shell, HOTEL)
    assert "ann@example.com" not in stored(shell)


def test_an_older_withdrawal_does_not_weaken_a_newer_one() -> None:
    shell = both()
    consent(shell, "withdrawn", shell.now)
    forget(shell, CLINIC)
    consent(shell, "withdrawn", shell.now - 7_200.0)
    forget(shell, CLINIC)
    consent(shell, "given", shell.now - 3_600.0)
    shell.order()
    assert shell.said()[-1] == ("skipped", "no_consent")
