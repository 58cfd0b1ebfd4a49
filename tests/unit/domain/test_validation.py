"""Documents as staff write them: what is refused, where, and what is said to be allowed (contract section 5)."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest

from notifier.domain.documents import Connection, Document, Template, Tenant, Workflow
from notifier.domain.validation import IN_FORCE, Validation, Written, validate

Parts = dict[str, Any]  # Any: a document, broken on purpose

SID = "AC00000000000000000000000000000001"


def tenant(**changes: object) -> Parts:
    whole: Parts = {
        "kind": "Tenant",
        "tenant": "harbour-house",
        "platform": "pms",
        "name": "Harbour House",
        "timezone": "Europe/Oslo",
        "dateTimeFormat": "%d/%m/%Y %H:%M",
        "defaultRegion": "NO",
        "live": True,
        "channels": {"email": True, "sms": True, "policy": "email_first"},
        "timing": {"mode": "time_based", "lead": "24h"},
        "quietHours": None,
        "consent": {"required": False},
        "duplicates": {"window": None},
        "inDoubt": {"code": "resend", "transactional": "resend_when_absent", "marketing": "park"},
        "builtinSender": None,
    }
    return {**whole, **changes}


def clinic(**changes: object) -> Parts:
    return {"kind": "Tenant", "tenant": "north-clinic", "platform": "care", "name": "North Clinic", **changes}


def connection(owner: str = "harbour-house", **changes: object) -> Parts:
    return {
        "kind": "Connection",
        "tenant": owner,
        "provider": "twilio",
        "accountSid": SID,
        "authToken": {"env": "HARBOUR_TWILIO_TOKEN"},
        "apiKey": None,
        "senders": [{"from": "+15551234567", "segmentsPerSecond": 1}],
        **changes,
    }


def template(**changes: object) -> Parts:
    return {
        "kind": "Template",
        "tenant": "harbour-house",
        "name": "key_is_ready",
        "class": "code",
        "body": "Hi {{firstName|lastName}}, …",
        **changes,
    }


def sms(number: int = 1, **parameters: str) -> Parts:
    return {
        "number": number,
        "kind": "adapter",
        "adapter": "twilio",
        "function": "sendSMS",
        "parameters": {"message": "Hi {{customer.firstName}} …", "toPhone": "{{customer.phone}}", **parameters},
    }


def workflow(**changes: object) -> Parts:
    return {
        "kind": "Workflow",
        "tenant": "north-clinic",
        "name": "shipped-sms",
        "enabled": True,
        "class": "transactional",
        "trigger": {"type": "order.shipped", "filter": {"isDeleted": {"$ne": True}}},
        "steps": [sms()],
        **changes,
    }


CONTRACT_WORKFLOW = workflow(
    cancelOn=[{"type": "order.cancelled", "match": {"_id": "{{_id}}"}}],
    runs="every",
    steps=[
        {"number": 1, "kind": "delay", "for": "1h"},
        {"number": 2, "kind": "condition", "logic": {"status": "shipped"}, "contextPath": None, "ifFalseGoTo": None},
        sms(3, fromPhone="+15551230000"),
    ],
)


def checked(*documents: Parts, development: bool = False, in_force: tuple[Document, ...] = ()) -> Validation:
    written = [Written(file=f"{number}.yaml", value=value) for number, value in enumerate(documents, start=1)]
    return validate(written, development=development, in_force=in_force)


def faults(*documents: Parts, development: bool = False) -> list[str]:
    """Of a set in which everything that is referred to exists."""
    known = {(document.get("kind"), document.get("tenant")) for document in documents}
    beside = [part for part in (tenant(), clinic()) if ("Tenant", part["tenant"]) not in known]
    return [f"{fault.path}: {fault.message}" for fault in checked(*documents, *beside, development=development).faults]


def test_the_examples_of_the_contract_are_without_fault() -> None:
    own = connection("north-clinic", senders=[{"from": "+15551230000"}])
    validation = checked(
        tenant(builtinSender={"connection": "platform"}), connection(), template(), CONTRACT_WORKFLOW, clinic(), own,
        connection("platform", accountSid=SID[:-1] + "2"),
    )  # fmt: skip
    assert validation.faults == ()
    kinds = [type(document) for document in validation.documents]
    assert kinds == [Tenant, Connection, Template, Workflow, Tenant, Connection, Connection]


def test_every_fault_is_told_not_only_the_first() -> None:
    found = faults(tenant(timezone="Mars/Olympus", live="yes", colour="red"), workflow(steps=[]))
    assert [fault.split(":")[0] for fault in found] == ["live", "colour", "steps"]


CASES: list[tuple[str, Parts, str]] = [
    (
        "unknown kind",
        tenant(kind="Tennant"),
        "kind: must be one of Tenant, Connection, Template, Workflow; did you mean Tenant?",
    ),
    (
        "halts are ingest's",
        {"kind": "Halt", "tenant": "platform", "name": "x:0", "offset": 1, "reason": "x"},
        "kind: must be one of",
    ),
    ("unknown field", tenant(timeZone="UTC"), "timeZone: is unknown; allowed are"),
    ("nearest name", tenant(timeZone="UTC"), "did you mean timezone?"),
    ("missing field", {"kind": "Tenant", "tenant": "x", "platform": "pms"}, "name: is missing; a text is needed"),
    ("wrong type", tenant(live="yes"), "live: must be true or false"),
    ("unknown value", tenant(platform="hotel"), "platform: must be care or pms"),
    ("name of a tenant", tenant(tenant="harbour house"), "tenant: must be a text of the form"),
    ("reserved name", tenant(tenant="platform"), "tenant: platform is the owner of the shared connection"),
    ("no name", tenant(name=" "), "name: must not be empty"),
    (
        "zone",
        tenant(timezone="Europe/Olso"),
        "timezone: must be an IANA time zone, such as Europe/Oslo; did you mean Europe/Oslo?",
    ),
    ("a folder of zones", tenant(timezone="Europe"), "timezone: must be an IANA time zone"),
    ("date format", tenant(dateTimeFormat="%d/%q"), "dateTimeFormat: must be a text with strftime directives"),
    ("region", tenant(defaultRegion="NOR"), "defaultRegion: must be a two-letter country code in capitals"),
    ("lead", tenant(timing={"lead": "1 day"}), "timing.lead: '1 day' is no duration"),
    ("window", tenant(duplicates={"window": "0s"}), "duplicates.window: must be above 0"),
    ("quiet hours", tenant(quietHours={"from": "21", "to": "08:00"}), "quietHours.from: must be a time of day"),
    (
        "sharing another's connection",
        tenant(builtinSender={"connection": "harbour-house"}),
        "builtinSender.connection: must be platform",
    ),
    (
        "nobody's connection",
        tenant(builtinSender={"connection": "platform"}),
        "builtinSender.connection: there is no Connection of platform",
    ),
    ("account", connection(accountSid="AC123"), "accountSid: must be AC and 32 hexadecimal digits"),
    (
        "plain text",
        connection(authToken="s3cr3t"),
        "authToken: plain text is refused unless NOTIFIER_ENVIRONMENT is development",
    ),
    (
        "two references",
        connection(authToken={"env": "A", "file": "/b"}),
        "authToken: must have exactly one of env, file and sealed",
    ),
    ("no reference", connection(authToken={}), "authToken: must have exactly one of env, file and sealed"),
    (
        "name of a variable",
        connection(authToken={"env": "A-B"}),
        "authToken.env: must be the name of an environment variable",
    ),
    ("sealed", connection(authToken={"sealed": "v0:x"}), "authToken.sealed: must be a value of the form"),
    (
        "API key",
        connection(apiKey={"sid": SID, "secret": {"env": "A"}}),
        "apiKey.sid: must be SK and 32 hexadecimal digits",
    ),
    (
        "API secret",
        connection(apiKey={"sid": "SK" + SID[2:], "secret": "s3cr3t"}),
        "apiKey.secret: plain text is refused",
    ),
    (
        "two senders in one",
        connection(senders=[{"from": "+15551234567", "messagingServiceSid": "MG" + SID[2:]}]),
        "senders[0]: must have exactly one of",
    ),
    ("no sender in one", connection(senders=[{}]), "senders[0]: must have exactly one of from and messagingServiceSid"),
    ("number", connection(senders=[{"from": "555 1234"}]), "senders[0].from: must be a number in E.164 form"),
    ("number without quotes", connection(senders=[{"from": 15551234567}]), "senders[0].from: must be a text or null"),
    (
        "service",
        connection(senders=[{"messagingServiceSid": "MG1"}]),
        "senders[0].messagingServiceSid: must be MG and 32",
    ),
    (
        "rate",
        connection(senders=[{"from": "+15551234567", "segmentsPerSecond": 0}]),
        "senders[0].segmentsPerSecond: must be above 0",
    ),
    ("sender twice", connection(senders=[{"from": "+15551234567"}] * 2), "senders[1]: is listed twice"),
    (
        "template name",
        template(name="key_ready"),
        "name: must be key_is_ready or doorcode_is_changed; did you mean key_is_ready?",
    ),
    ("template text", template(body="Hi\n{{#firstName}}"), "body: line 2, column 1:"),
    ("empty template", template(body=" "), "body: must not be empty"),
    ("template expiry", template(expiresAfter="soon"), "expiresAfter: 'soon' is no duration"),
    ("trigger", workflow(trigger={"type": "shipped"}), "trigger.type: must be the name of a care event"),
    (
        "consent as trigger",
        workflow(trigger={"type": "consent.given"}),
        "trigger.type: consent events start no workflow",
    ),
    ("operator", workflow(trigger={"type": "a.b", "filter": {"x": {"$near": 1}}}), "trigger.filter.x.$near: "),
    ("step number", workflow(steps=[sms(2)]), "steps[0].number: must be 1"),
    (
        "step kind",
        workflow(steps=[{"number": 1, "kind": "wait"}]),
        "steps[0].kind: must be one of delay, condition, adapter, crmAction",
    ),
    ("function", workflow(steps=[{**sms(), "function": "sendSms"}]), "steps[0].function: must be sendSMS"),
    (
        "parameter",
        workflow(steps=[sms(tophone="x")]),
        "steps[0].parameters.tophone: is unknown; allowed are message, toPhone, fromPhone; did you mean toPhone?",
    ),
    ("no message", workflow(steps=[sms(message="")]), "steps[0].parameters.message: is missing"),
    ("message text", workflow(steps=[sms(message="{{> header}}")]), "steps[0].parameters.message: line 1, column 1:"),
    ("delay", workflow(steps=[{"number": 1, "kind": "delay", "for": "0s"}, sms(2)]), "steps[0].for: must be above 0"),
    (
        "jump",
        workflow(steps=[{"number": 1, "kind": "condition", "logic": {}, "ifFalseGoTo": 3}, sms(2)]),
        "steps[0].ifFalseGoTo: must be the number of another step, 1 to 2",
    ),
    (
        "condition",
        workflow(steps=[{"number": 1, "kind": "condition", "logic": {"$where": "1"}}, sms(2)]),
        "steps[0].logic.$where: ",
    ),
    ("workflow name", workflow(name="a/b"), "name: must be"),
    ("cancel type", workflow(cancelOn=[{"type": "cancelled"}]), "cancelOn[0].type: must be the name of a care event"),
    (
        "tenant of nobody",
        template(tenant="harbor-house"),
        "tenant: there is no Tenant harbor-house; did you mean harbour-house?",
    ),
    ("connection of nobody", connection("harbor-house"), "tenant: there is no Tenant harbor-house"),
]


@pytest.mark.parametrize(("document", "message"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_a_fault_names_the_field_and_what_is_allowed(document: Parts, message: str) -> None:
    found = faults(document)
    assert len(found) == 1, found
    assert message in found[0]


def test_no_fault_repeats_a_secret() -> None:
    found = faults(connection(authToken="s3cr3t", apiKey={"sid": "s3cr3t", "secret": ["s3cr3t"]}))
    assert found
    assert not any("s3cr3t" in fault for fault in found)


def test_plain_text_is_allowed_in_development() -> None:
    assert faults(connection(authToken="s3cr3t"), development=True) == []
    assert faults(connection(authToken=""), development=True) == ["authToken: must not be empty"]


def test_a_sender_belongs_to_one_owner() -> None:
    found = faults(connection(), connection("north-clinic"))
    assert found == ["senders[0]: belongs to the Connection of harbour-house already, with the same accountSid"]


def test_an_account_may_have_several_owners_of_different_senders() -> None:
    assert faults(connection(), connection("north-clinic", senders=[{"from": "+15551230000"}])) == []


class TestApprovedSenders:
    """A literal `fromPhone` must be a sender of the Connection that the workflow would use (seed-systems.md B21)."""

    own = connection("north-clinic", senders=[{"from": "+15551230000"}])
    message = "steps[0].parameters.fromPhone: must be one of +15551230000"

    def test_own_number(self) -> None:
        assert faults(self.own, workflow(steps=[sms(fromPhone="+15551230000")])) == []

    def test_foreign_number(self) -> None:
        assert faults(self.own, workflow(steps=[sms(fromPhone="+15559990000")])) == [self.message]

    def test_a_template_is_looked_at_when_it_is_resolved(self) -> None:
        assert faults(self.own, workflow(steps=[sms(fromPhone="{{clinicPhone}}")])) == []

    def test_the_shared_connection_counts_when_there_is_no_own(self) -> None:
        shared = connection("platform", senders=[{"from": "+15551230000"}])
        sharing = clinic(builtinSender={"connection": "platform"})
        assert faults(sharing, shared, workflow(steps=[sms(fromPhone="+15559990000")])) == [self.message]

    def test_without_a_connection_nothing_can_be_said(self) -> None:
        assert faults(workflow(steps=[sms(fromPhone="+15559990000")])) == []


def test_the_same_document_twice_names_the_first_place() -> None:
    found = checked(clinic(), clinic()).faults
    assert [(fault.file, fault.message) for fault in found] == [
        ("2.yaml", "Tenant/north-clinic is written twice, first in 1.yaml")
    ]


def test_who_refers_to_a_faulty_document_is_not_at_fault() -> None:
    found = checked(tenant(timezone="Mars"), template(), connection(accountSid="x")).faults
    assert [fault.file for fault in found] == ["1.yaml", "3.yaml"]


def test_documents_in_force_count_as_existing() -> None:
    in_force = checked(tenant()).documents
    assert checked(template(), in_force=in_force).faults == ()


def test_what_stays_in_force_must_not_lose_what_it_needs() -> None:
    """The shared connection goes away, and a tenant that stays still names it."""
    in_force = checked(tenant(builtinSender={"connection": "platform"}), connection("platform")).documents
    (fault,) = checked(clinic(), in_force=in_force[:1]).faults
    assert (fault.file, fault.path) == (IN_FORCE, "Tenant/harbour-house builtinSender.connection")


def test_stamps_of_an_export_are_left_out() -> None:
    stamp = {"version": 7, "updatedAt": "2026-12-01T09:13:02Z", "updatedBy": "ana"}
    (document,) = checked(clinic(**stamp)).documents
    assert (document.version, document.updated_at, document.updated_by) == (None, None, None)


def test_lines_are_those_of_the_part_or_of_the_nearest_whole() -> None:
    document = clinic(timing={"lead": "soon"}, colour="red")
    del document["name"]
    written = Written(
        file="a.yaml", value=document, lines={(): 1, ("timing",): 5, ("timing", "lead"): 6, ("colour",): 8}
    )
    found = {fault.path: str(fault) for fault in validate([written], development=False).faults}
    assert found["name"].startswith("a.yaml:1: name: is missing")
    assert found["colour"].startswith("a.yaml:8: colour: is unknown")
    document["name"] = "x"
    del document["colour"]
    (fault,) = validate([written], development=False).faults
    assert str(fault).startswith("a.yaml:6: timing.lead: ")


WARNINGS: list[tuple[str, Parts, str]] = [
    ("check-in", tenant(timing={"mode": "check_in"}), "timing.mode"),
    ("quiet hours", tenant(quietHours={"from": "21:00", "to": "08:00"}), "quietHours"),
    ("duplicates", tenant(duplicates={"window": "1h"}), "duplicates.window"),
    ("no senders", connection(senders=[]), "senders"),
    ("unknown variable", template(body="Hi {{firstname}}"), "body"),
    ("several steps", workflow(steps=[sms(), sms(2)]), "steps"),
    ("a delay", workflow(steps=[{"number": 1, "kind": "delay", "for": "1h"}, sms(2)]), "steps"),
    ("cancelOn", workflow(cancelOn=[{"type": "order.cancelled"}]), "cancelOn"),
    ("latest", workflow(runs="latest"), "runs"),
    ("a workflow without events", workflow(tenant="harbour-house"), "tenant"),
    ("a template without keys", template(tenant="north-clinic"), "tenant"),
]


@pytest.mark.parametrize(("document", "path"), [case[1:] for case in WARNINGS], ids=[case[0] for case in WARNINGS])
def test_what_does_nothing_yet_is_a_warning_and_stored(document: Parts, path: str) -> None:
    beside = [
        part for part in (tenant(), clinic()) if part["tenant"] != document["tenant"] or document["kind"] != "Tenant"
    ]
    validation = checked(document, *beside)
    assert (validation.faults, [warning.path for warning in validation.warnings]) == ((), [path])
    assert len(validation.documents) == len(beside) + 1


def test_validation_changes_nothing_of_what_it_is_given() -> None:
    document = deepcopy(CONTRACT_WORKFLOW)
    checked(document)
    assert document == CONTRACT_WORKFLOW


@pytest.mark.parametrize("value", [None, 7, "kind: Tenant", [], {}, {"kind": None}, {"kind": ["Tenant"]}, {7: 8}])
def test_what_is_no_document_at_all_is_a_fault(value: object) -> None:
    assert validate([Written(file="a.json", value=value)], development=False).faults
