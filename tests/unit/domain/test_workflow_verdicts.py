"""The five checks of a workflow: answered in words, each with what is in the way."""

from __future__ import annotations

from typing import Any

import pytest

from notifier.domain.documents import ConsentPolicy, DelayStep, QuietHours, Trigger, Workflow
from notifier.domain.workflow_trials import Trial, try_workflow
from notifier.domain.workflow_verdicts import checks, warnings
from tests.unit.domain.clinics import ORDER, clinic, sms, workflow

SENDS, SENDER, RECIPIENT, TEXT, FIRES = range(5)
GOOD = {"message": "order {{id}}", "toPhone": "{{customer.phone}}"}


def tried(document: Workflow | None = None, event_type: str = "order.shipped", **tenant: Any) -> Trial:
    document = document or workflow()
    return try_workflow(document, clinic(document, **tenant), event_type, ORDER)


def words(trial: Trial, check: int) -> str:
    """Of a check that must have failed."""
    found = checks(trial)[check]
    assert not found.passed
    return found.words


def test_all_five_pass_for_a_workflow_that_is_as_it_should_be() -> None:
    found = checks(tried(workflow(trigger=Trigger(type="order.shipped", filter={"status": "shipped"}))))
    assert [(check.question, check.passed) for check in found] == [
        ("it sends", True),
        ("the sender is an approved number", True),
        ("the recipient is mapped right", True),
        ("the text is as meant", True),
        ("it fires only where meant", True),
    ]
    assert found[SENDS].words == "1 text of 1 segment would go out"
    assert found[SENDER].words.endswith("+15551230000, the first sender of Connection/north-clinic")
    assert found[RECIPIENT].words == "toPhone {{customer.phone}} comes to +12025550118, a valid number"
    assert found[FIRES].words.startswith('on order.shipped where status "shipped"; this event fits')


@pytest.mark.parametrize(
    ("trial", "said"),
    [
        (tried(workflow(enabled=False)), "the workflow is not enabled"),
        (tried(live=False), "the tenant is not live: runs are skipped as not_live"),
        (tried(workflow(steps=(DelayStep(number=1, for_="1h"),))), "steps of kind delay do not run in this version"),
        (tried(event_type="order.created"), "the event is order.created, and the trigger order.shipped"),
        (tried(connected=False), "step 1 would be skipped as sms_provider_not_connected"),
    ],
)
def test_what_keeps_it_from_sending_is_said(trial: Trial, said: str) -> None:
    assert said in words(trial, SENDS)


def test_a_sender_that_is_not_approved_fails_its_check_alone() -> None:
    found = tried(workflow(steps=(sms(**GOOD, fromPhone="+15550000000"),)))
    assert words(found, SENDER) == "fromPhone is none of the senders of the Connection"
    assert [check.passed for check in checks(found)][RECIPIENT:] == [True, True, True]
    approved = tried(workflow(steps=(sms(**GOOD, fromPhone="+15551230001"),)))
    assert checks(approved)[SENDER].words == "+15551230001 is a sender of Connection/north-clinic"


@pytest.mark.parametrize(
    ("to_phone", "said"),
    [
        ("{{phone}}", "toPhone {{phone}} comes to nothing"),
        (
            "{{status}}",
            "toPhone {{status}} comes to what is no phone number (only the international form, +…, is read)",
        ),
        ("+12025550118", "toPhone holds no variable: every event would text the same number"),
    ],
)
def test_a_recipient_that_is_mapped_wrong_is_said(to_phone: str, said: str) -> None:
    found = tried(workflow(steps=(sms(message="x", toPhone=to_phone),)))
    assert words(found, RECIPIENT) == said


def test_a_number_without_country_code_names_the_region_that_it_is_read_in() -> None:
    found = tried(workflow(steps=(sms(message="x", toPhone="{{status}}"),)), default_region="US")
    assert "read as a number of US" in words(found, RECIPIENT)


@pytest.mark.parametrize(
    ("message", "said"),
    [
        ("Hi {{name}}", "message: name is missing: nothing is put in its place"),
        ("Hi {{customer}}", "message: customer is an object: name one of its fields"),
        ("{{customer.dob}}", "message: customer.dob is health data, which should not stand in a text"),
        ("x {{customer.hash}}", "message: customer.hash belongs to a password and is never shown"),
        ("{{#name}}x{{/name}}", "message: the text comes to nothing: it would be skipped as empty_message"),
    ],
)
def test_a_text_that_is_hardly_meant_so_is_said(message: str, said: str) -> None:
    found = tried(workflow(steps=(sms(message=message, toPhone="{{customer.phone}}"),)))
    assert said in words(found, TEXT)
    assert said in warnings(found)


def test_the_condition_that_failed_is_named_with_its_path() -> None:
    trigger = Trigger(type="order.shipped", filter={"isDeleted": False, "status": {"$in": ["new"]}})
    found = tried(workflow(trigger=trigger))
    assert words(found, FIRES) == 'the filter\'s status {"$in": ["new"]} does not hold'


def test_without_a_filter_it_is_said_that_every_event_starts_it() -> None:
    assert checks(tried())[FIRES].words.startswith("on every order.shipped: there is no filter")


def test_a_workflow_of_a_pms_tenant_never_fires() -> None:
    assert words(tried(platform="pms"), FIRES) == "the tenant is of platform pms: no event starts a workflow"


def test_a_workflow_without_a_text_fails_the_checks_of_texts() -> None:
    found = tried(workflow(steps=(DelayStep(number=1, for_="1h"),)))
    assert [words(found, check) for check in (SENDER, RECIPIENT, TEXT)] == ["the workflow has no step that sends"] * 3


def test_what_this_version_stores_but_does_not_do_is_said() -> None:
    quiet = QuietHours(from_="21:00", to="08:00")
    found = warnings(tried(workflow(runs="latest"), quiet_hours=quiet))
    assert "runs: latest is stored; this version runs every one" in found
    assert "Tenant quietHours: are stored; this version does not keep them" in found


def test_other_workflows_of_the_event_and_consent_are_brought_to_mind() -> None:
    trial = tried()
    assert warnings(trial) == ()
    assert warnings(trial, ["welcome"]) == ("this event also starts welcome: a person may get several texts",)
    assert "; welcome would start, too." in checks(trial, ["welcome"])[FIRES].words
    strict = warnings(tried(consent=ConsentPolicy(required=True)))
    assert strict == ("consent is not looked up here: a number without consent.given is skipped as no_consent",)
