"""Workflow rules: which workflows an event starts, and what their text comes to."""

from __future__ import annotations

import copy
from typing import Any

import msgspec
import pytest

from notifier.domain import documents
from notifier.domain.catalog import TenantConfig, build
from notifier.domain.workflow_rules import Refused, ResolvedSms, matching, payload_view, resolve_sms

ORDER: dict[str, object] = {
    "_id": "o1",
    "id": 10421,
    "customer": {"_id": "c1", "firstName": "Ada", "phone": "+12025550118", "hash": "x", "salt": "y"},
    "status": "shipped",
    "lineItems": [{"name": "Monthly plan"}],
    "isDeleted": False,
}
CUSTOMER: dict[str, object] = {"_id": "c1", "firstName": "Ada", "phone": "+12025550118", "hash": "x", "salt": "y"}
SENDERS = (documents.Sender(from_="+15551230000"), documents.Sender(messaging_service_sid="MG" + "1" * 32))


def connection(owner: str, senders: tuple[documents.Sender, ...] = SENDERS) -> documents.Connection:
    return documents.Connection(
        tenant=owner, version=1, provider="twilio", account_sid="AC" + "0" * 31 + str(len(owner) % 10),
        auth_token=documents.SecretRef(env="TOKEN"), senders=senders,
    )  # fmt: skip


def workflow(name: str = "shipped-sms", **changes: Any) -> documents.Workflow:  # Any: fields of Workflow
    whole = documents.Workflow(
        tenant="north-clinic", version=2, name=name, trigger=documents.Trigger(type="order.shipped"),
        steps=(sms(message="Hi {{customer.firstName}}, order {{id}}", toPhone="{{customer.phone}}"),),
    )  # fmt: skip
    return msgspec.structs.replace(whole, **changes)


def sms(**parameters: str) -> documents.AdapterStep:
    return documents.AdapterStep(number=1, adapter="twilio", function="sendSMS", parameters=parameters)


def clinic(*others: documents.Document, region: str | None = None, builtin: bool = False) -> TenantConfig:
    document = documents.Tenant(
        tenant="north-clinic", version=1, platform="care", name="North Clinic", default_region=region,
        builtin_sender=documents.BuiltinSender(connection="platform") if builtin else None,
    )  # fmt: skip
    return build([document, *others], 1).tenants["north-clinic"]


def resolved(
    parameters: dict[str, str], payload: dict[str, object] = ORDER, *others: documents.Document, **kind: Any
) -> ResolvedSms | Refused:
    """What one `sendSMS` step comes to, with the clinic's own connection unless others are given."""
    config = clinic(workflow(steps=(sms(**parameters),)), *(others or (connection("north-clinic"),)), **kind)
    (one,) = matching(config, "order.shipped", payload)
    return resolve_sms(one, config, payload_view("order.shipped", payload))


MESSAGE = {"message": "Hi {{customer.firstName}}, order {{id}}", "toPhone": "{{customer.phone}}"}


def test_every_enabled_workflow_whose_filter_matches_runs() -> None:
    config = clinic(
        workflow("b", trigger=documents.Trigger(type="order.shipped", filter={"isDeleted": {"$ne": True}})),
        workflow("a"),
        workflow("other-filter", trigger=documents.Trigger(type="order.shipped", filter={"status": "paid"})),
        workflow("other-type", trigger=documents.Trigger(type="order.created")),
        workflow("off", enabled=False),
    )
    assert [one.name for one in matching(config, "order.shipped", ORDER)] == ["a", "b"]
    assert matching(config, "order.paid", ORDER) == ()


def test_a_customer_event_is_the_customer() -> None:
    """seed-systems.md B3: both spellings work on `customer.…` events."""
    view = payload_view("customer.signup", CUSTOMER)
    assert view["phone"] == "+12025550118"
    assert view["customer"] == {"_id": "c1", "firstName": "Ada", "phone": "+12025550118"}


def test_filters_see_the_alias_too() -> None:
    trigger = documents.Trigger(type="customer.signup", filter={"customer.firstName": "Ada", "firstName": "Ada"})
    config = clinic(workflow(trigger=trigger))
    assert [one.name for one in matching(config, "customer.signup", CUSTOMER)] == ["shipped-sms"]


@pytest.mark.parametrize("event_type", ["lead.created", "order.shipped", "customers.signup"])
def test_other_events_get_no_alias(event_type: str) -> None:
    assert "customer" not in payload_view(event_type, {"phone": "+12025550118"})


def test_a_customer_event_that_names_a_customer_keeps_its_own() -> None:
    assert payload_view("customer.merged", {"customer": {"_id": "c2"}})["customer"] == {"_id": "c2"}


@pytest.mark.parametrize(
    ("event_type", "payload"),
    [("customer.signup", CUSTOMER), ("order.shipped", ORDER), ("order.shipped", {"parties": [[CUSTOMER], CUSTOMER]})],
)
def test_hash_and_salt_are_visible_nowhere(event_type: str, payload: dict[str, object]) -> None:
    before = copy.deepcopy(payload)
    assert not {"hash", "salt"} & names_in(payload_view(event_type, payload))
    assert payload == before


def names_in(value: object) -> set[str]:
    if isinstance(value, dict):
        return set(value).union(*map(names_in, value.values()))
    return set().union(*map(names_in, value)) if isinstance(value, list) else set()


def test_no_filter_can_ask_for_a_hidden_field() -> None:
    config = clinic(workflow(trigger=documents.Trigger(type="customer.signup", filter={"hash": {"$exists": True}})))
    assert matching(config, "customer.signup", CUSTOMER) == ()


def test_a_text_is_resolved_from_the_payload() -> None:
    result = resolved({**MESSAGE, "fromPhone": "+15551230000"})
    assert isinstance(result, ResolvedSms)
    assert (result.text, result.to, result.sender.name) == ("Hi Ada, order 10421", "+12025550118", "+15551230000")
    assert (result.connection.owner, result.warnings) == ("north-clinic", ())


def test_without_from_phone_the_first_sender_is_used() -> None:
    result = resolved(MESSAGE)
    assert isinstance(result, ResolvedSms)
    assert result.sender.name == "+15551230000"


@pytest.mark.parametrize("written", ["+1 (555) 123-0000", "555 123 0000", "{{clinicPhone}}"])
def test_from_phone_may_be_written_in_any_form_of_an_approved_number(written: str) -> None:
    result = resolved({**MESSAGE, "fromPhone": written}, {**ORDER, "clinicPhone": "+15551230000"}, region="US")
    assert isinstance(result, ResolvedSms)
    assert result.sender.name == "+15551230000"


def test_a_messaging_service_is_a_sender_too() -> None:
    result = resolved({**MESSAGE, "fromPhone": "MG" + "1" * 32})
    assert isinstance(result, ResolvedSms)
    assert result.sender.messaging_service_sid == "MG" + "1" * 32


@pytest.mark.parametrize("written", ["+15559999999", "{{customer.phone}}", "{{nothing}}", "", "MG" + "2" * 32])
def test_any_other_sender_is_not_approved(written: str) -> None:
    result = resolved({**MESSAGE, "fromPhone": written})
    assert isinstance(result, Refused)
    assert result.reason == "sender_not_approved"


@pytest.mark.parametrize(
    ("to_phone", "detail"),
    [
        ("{{customer.mobile}}", "toPhone comes to nothing"),
        ("{{customer}}", "toPhone comes to nothing"),
        ("{{customer.firstName}}", "toPhone is no phone number"),
        ("900 00 001", "toPhone is no phone number"),
    ],
)
def test_a_recipient_that_is_no_number_is_refused(to_phone: str, detail: str) -> None:
    assert resolved({**MESSAGE, "toPhone": to_phone}) == Refused("invalid_recipient", detail)


def test_a_national_number_is_read_in_the_tenants_region() -> None:
    result = resolved({**MESSAGE, "toPhone": "900 00 001"}, region="NO")
    assert isinstance(result, ResolvedSms)
    assert result.to == "+4790000001"


@pytest.mark.parametrize("message", ["{{nothing}}", " {{customer}}\n"])
def test_a_message_that_comes_to_nothing_is_refused(message: str) -> None:
    result = resolved({**MESSAGE, "message": message})
    assert isinstance(result, Refused)
    assert result.reason == "empty_message"


def test_what_rendered_empty_is_warned_of() -> None:
    result = resolved({**MESSAGE, "message": "Hi {{customer.nickname}}, {{lineItems}}"})
    assert isinstance(result, ResolvedSms)
    assert result.warnings == (
        "message: customer.nickname is missing: nothing is put in its place",
        "message: lineItems is a list: name one of its items, or open a section",
    )


def test_without_a_connection_nothing_is_sent() -> None:
    result = resolved(MESSAGE, ORDER, connection("somebody-else"))
    assert isinstance(result, Refused)
    assert result.reason == "sms_provider_not_connected"


def test_the_built_in_sender_serves_a_tenant_without_a_connection() -> None:
    result = resolved(MESSAGE, ORDER, connection("platform"), builtin=True)
    assert isinstance(result, ResolvedSms)
    assert result.connection.shared


def test_a_connection_without_senders_sends_nothing() -> None:
    result = resolved(MESSAGE, ORDER, connection("north-clinic", ()), connection("platform"), builtin=True)
    assert isinstance(result, Refused)
    assert result.reason == "no_sender"


@pytest.mark.parametrize("parameters", [{"toPhone": "+1202555zzzz"}, {"fromPhone": "+15550142222"}, {"message": ""}])
def test_a_refusal_never_holds_a_value(parameters: dict[str, str]) -> None:
    result = resolved({**MESSAGE, **parameters})
    assert isinstance(result, Refused)
    assert not any(character.isdigit() for character in result.detail)


def test_a_workflow_without_a_sending_step_is_a_mistake_of_the_caller() -> None:
    config = clinic(workflow(steps=(documents.DelayStep(number=1, for_="1h"),)), connection("north-clinic"))
    (one,) = matching(config, "order.shipped", ORDER)
    with pytest.raises(ValueError, match="no step that sends"):
        resolve_sms(one, config, ORDER)
