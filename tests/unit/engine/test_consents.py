"""Who may be texted: consent, its newest word, and the numbers that a test environment allows (seed B20)."""

from __future__ import annotations

from typing import Any

from notifier.domain.answers import NotSent
from tests.unit.engine.harness import (
    CLINIC,
    DAY,
    OTHER_PHONE,
    PHONE,
    START,
    Shell,
    connection,
    key,
    person,
    tenant,
    time_of,
    workflow,
)


def clinic(*, required: bool, **settings: Any) -> Shell:
    care = tenant(CLINIC, platform="care", consent={"required": required})
    return Shell([care, connection(CLINIC), workflow()], **settings).own()


def consent(shell: Shell, word: str, at: float, *, phone: str = PHONE, name: str = CLINIC) -> None:
    shell.event(f"consent.{word}", {"phone": phone, "source": "form", "at": time_of(at)}, name=name)


def test_without_the_required_consent_nobody_is_texted() -> None:
    shell = clinic(required=True)
    shell.order()
    assert shell.sends == []
    assert shell.said() == [("skipped", "no_consent")]


def test_a_care_platform_requires_consent_unless_it_says_otherwise() -> None:
    care = tenant(CLINIC, platform="care", consent={})
    shell = Shell([care, connection(CLINIC), workflow()]).own()
    shell.order()
    assert shell.said() == [("skipped", "no_consent")]


def test_who_gave_consent_is_texted() -> None:
    shell = clinic(required=True)
    consent(shell, "given", START)
    shell.order(1, PHONE)
    shell.order(2, OTHER_PHONE)
    shell.pass_time(1.0)
    assert [request.to for request in shell.sends] == [PHONE]


def test_a_withdrawn_consent_blocks_also_where_none_is_required() -> None:
    shell = clinic(required=False)
    consent(shell, "withdrawn", START)
    shell.order()
    assert shell.sends == []
    assert shell.said() == [("skipped", "no_consent")]


def test_the_later_word_wins_although_it_came_first() -> None:
    shell = clinic(required=False)
    consent(shell, "withdrawn", START + 10.0)
    consent(shell, "given", START + 5.0)
    shell.order()
    assert shell.sends == []
    assert shell.types()[:2] == ["event.applied", "event.ignored"]
    assert shell.data(1)["reason"] == "no_effect"


def test_a_later_consent_lifts_an_earlier_withdrawal() -> None:
    shell = clinic(required=False)
    consent(shell, "withdrawn", START + 5.0)
    consent(shell, "given", START + 10.0)
    shell.order()
    assert len(shell.sends) == 1


def test_the_same_word_again_changes_nothing() -> None:
    shell = clinic(required=False)
    consent(shell, "given", START)
    consent(shell, "given", START)
    assert shell.types() == ["event.applied", "event.ignored"]


def test_a_consent_that_is_withdrawn_while_a_retry_waits_stops_it() -> None:
    shell = clinic(required=False)
    shell.order()
    shell.answer(NotSent(retry_after=10.0))
    consent(shell, "withdrawn", START)
    shell.pass_time(20.0)
    assert len(shell.sends) == 1
    assert shell.said()[-1] == ("skipped", "no_consent")


def test_a_consent_holds_for_its_tenant_only() -> None:
    other = f"{CLINIC}-b"
    documents = [connection("platform", rate=200.0)]
    for name in (CLINIC, other):
        documents.append(tenant(name, platform="care", builtinSender={"connection": "platform"}))
        documents.append(workflow(owner=name))
    shell = Shell(documents).own()
    consent(shell, "withdrawn", START, name=CLINIC)
    shell.order(name=CLINIC)
    shell.order(name=other)
    assert [request.tenant for request in shell.sends] == [other]


def test_a_number_is_the_same_however_it_is_written() -> None:
    shell = clinic(required=True)
    consent(shell, "given", START, phone="+1 (202) 555-0143")
    shell.order(1, PHONE)
    assert len(shell.sends) == 1


def test_a_consent_of_what_is_no_number_has_no_effect() -> None:
    shell = clinic(required=True)
    consent(shell, "given", START, phone="nobody")
    assert shell.types() == ["event.ignored"]
    assert shell.partition.state.consents == {}


def test_consents_outlive_a_restart_and_are_never_forgotten() -> None:
    shell = clinic(required=True)
    consent(shell, "given", START)
    shell.results_acknowledged()
    shell.pass_time(2 * DAY)
    successor = shell.successor()
    successor.order()
    assert len(successor.sends) == 1


def test_only_allowed_numbers_are_texted_where_a_list_says_which() -> None:
    shell = Shell(allowed_recipients=frozenset({OTHER_PHONE})).own()
    shell.order(1, PHONE)
    shell.order(2, OTHER_PHONE)
    shell.key_event("key.ready", key(persons=[person("ann", phone=PHONE), person("bob", phone=OTHER_PHONE)]))
    assert [request.to for request in shell.sends] == [OTHER_PHONE, OTHER_PHONE]
    assert shell.said() == [("skipped", "recipient_not_allowed")] * 2


def test_an_empty_list_of_allowed_numbers_allows_none() -> None:
    shell = Shell(allowed_recipients=frozenset()).own()
    shell.order()
    assert shell.said() == [("skipped", "recipient_not_allowed")]
