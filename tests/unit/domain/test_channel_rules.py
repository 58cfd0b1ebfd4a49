"""Channel rules: who is told of a key, by which channel, and why not."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Any

import msgspec
import pytest

from notifier.domain import documents
from notifier.domain.catalog import TenantConfig, build
from notifier.domain.channel_rules import TABLE, Decision, Phone, Situation, decide, find_row, variables
from notifier.domain.events import Credentials, Key, Person, Reservation

START = datetime(2026, 12, 4, 14, 0, tzinfo=UTC)
END = START + timedelta(days=3)
NOW = datetime(2026, 12, 1, 9, 0, tzinfo=UTC).timestamp()
SENDER = documents.Sender(from_="+15551234567")

WITH_BOTH = Person(id="p1", first_name="Mara", last_name="Lind", email="mara@example.com", phone="+12025550143")
WITH_EMAIL = Person(id="p1", email="mara@example.com")
WITH_PHONE = Person(id="p1", phone="+12025550143")
WITH_BAD_PHONE = Person(id="p1", phone="call the desk")
WITH_NOTHING = Person(id="p1")


def connection(owner: str, *senders: documents.Sender) -> documents.Connection:
    return documents.Connection(
        tenant=owner, version=4, provider="twilio", account_sid="AC" + "0" * 31 + str(len(owner) % 10),
        auth_token=documents.SecretRef(env="TOKEN"), senders=senders,
    )  # fmt: skip


def tenant(
    *,
    own: documents.Connection | None = None,
    shared: documents.Connection | None = None,
    template: str | None = None,
    **changes: Any,  # Any: fields of documents.Tenant
) -> TenantConfig:
    document = documents.Tenant(
        tenant="harbour-house", version=1, platform="pms", name="Harbour House", timezone="Europe/Oslo",
        builtin_sender=documents.BuiltinSender(connection="platform") if shared else None,
    )  # fmt: skip
    texts = documents.Template(tenant="harbour-house", version=3, name="key_is_ready", body=template or "")
    stored = [msgspec.structs.replace(document, **changes), own, shared, texts if template else None]
    return build([one for one in stored if one is not None], 1).tenants["harbour-house"]


OWN = connection("harbour-house", SENDER)
SHARED = connection("platform", documents.Sender(from_="+15550001111"))


def key(**changes: Any) -> Key:  # Any: fields of Key
    whole = Key(
        id="key_5510", version=3, origin="pms", status="upcoming", starts_at=START, ends_at=END,
        persons=(WITH_BOTH,), credentials=Credentials(door_code="482915", magic_link="https://guest.example.com/k"),
        space_name="Room 204",
        reservation=Reservation(id="res_88121", status="reserved", reference_number="HBR-88121"),
    )  # fmt: skip
    return msgspec.structs.replace(whole, **changes)


def told(decision: Decision) -> list[tuple[str, str, str | None]]:
    return [(part.channel, part.action, part.reason) for part in decision.parts]


def decided(config: TenantConfig, person: Person, at: Key | None = None) -> list[tuple[str, str, str | None]]:
    return told(decide(config, at or key(), person, "key_is_ready", NOW))


BY_EMAIL = [("email", "delegate", "email_first")]
BY_SMS = [("sms", "send", None)]


def skipped(reason: str) -> list[tuple[str, str, str | None]]:
    return [("sms", "skip", reason)]


@pytest.mark.parametrize(
    ("email", "sms", "person", "expected"),
    [
        (True, True, WITH_BOTH, BY_EMAIL),
        (True, True, WITH_EMAIL, BY_EMAIL),
        (True, True, WITH_PHONE, BY_SMS),
        (True, True, WITH_BAD_PHONE, skipped("invalid_recipient")),
        (True, True, WITH_NOTHING, skipped("no_contact")),
        (True, False, WITH_BOTH, BY_EMAIL),
        (True, False, WITH_PHONE, skipped("sms_disabled")),
        (True, False, WITH_BAD_PHONE, skipped("sms_disabled")),
        (True, False, WITH_NOTHING, skipped("sms_disabled")),
        (False, True, WITH_BOTH, BY_SMS),
        (False, True, WITH_EMAIL, skipped("no_phone")),
        (False, True, WITH_BAD_PHONE, skipped("invalid_recipient")),
        (False, True, WITH_NOTHING, skipped("no_phone")),
        (False, False, WITH_BOTH, skipped("notifications_disabled")),
    ],
)
def test_email_first(email: bool, sms: bool, person: Person, expected: list[tuple[str, str, str | None]]) -> None:
    """seed-systems.md 4.1.1, row by row."""
    config = tenant(own=OWN, channels=documents.Channels(email=email, sms=sms))
    assert decided(config, person) == expected


@pytest.mark.parametrize(
    ("sms", "person", "expected"),
    [
        (True, WITH_BOTH, [("email", "delegate", "both"), ("sms", "send", None)]),
        (True, WITH_EMAIL, [("email", "delegate", "both")]),
        (True, WITH_PHONE, [("sms", "send", None)]),
        (
            True,
            Person(email="mara@example.com", phone="call the desk"),
            [("email", "delegate", "both"), ("sms", "skip", "invalid_recipient")],
        ),
        (True, WITH_NOTHING, [("sms", "skip", "no_contact")]),
        (False, WITH_BOTH, [("email", "delegate", "both")]),
    ],
)
def test_policy_both(sms: bool, person: Person, expected: list[tuple[str, str, str | None]]) -> None:
    config = tenant(own=OWN, channels=documents.Channels(sms=sms, policy="both"))
    assert decided(config, person) == expected


def test_the_table_leaves_no_situation_out_and_no_row_unused() -> None:
    phones: tuple[Phone, ...] = ("valid", "invalid", "none")
    situations = [
        Situation(email_toggle=email, sms_toggle=sms, has_email=has_email, phone=phone, connected=connected)
        for email, sms, has_email, connected in product((True, False), repeat=4)
        for phone in phones
    ]
    assert {find_row(situation) for situation in situations} == set(TABLE)


def test_an_own_connection_sends_the_custom_text() -> None:
    config = tenant(own=OWN, shared=SHARED, template="Hi {{firstName}}")
    (part,) = decide(config, key(), WITH_PHONE, "key_is_ready", NOW).parts
    assert part.to == "+12025550143"
    assert part.connection is config.connection
    assert part.template is config.templates["key_is_ready"]


def test_without_a_custom_text_the_built_in_one_is_sent() -> None:
    (part,) = decide(tenant(own=OWN), key(), WITH_PHONE, "key_is_ready", NOW).parts
    assert part.template is not None
    assert (part.template.name, part.template.version) == ("key_is_ready", 0)


def test_the_shared_sender_always_sends_the_built_in_text() -> None:
    """seed-systems.md A4: custom texts belong to the tenant's own Twilio."""
    config = tenant(shared=SHARED, template="Hi {{firstName}}")
    (part,) = decide(config, key(), WITH_PHONE, "key_is_ready", NOW).parts
    assert part.action == "send"
    assert part.connection is config.builtin
    assert part.template is not None
    assert part.template.version == 0


def test_without_any_connection_nobody_can_be_texted() -> None:
    assert decided(tenant(), WITH_PHONE) == skipped("sms_provider_not_connected")


@pytest.mark.parametrize("silent", [connection("harbour-house"), connection("platform")])
def test_a_connection_without_senders_is_not_replaced_by_another(silent: documents.Connection) -> None:
    """seed-systems.md A23: no silent switch to the built-in sender."""
    own = silent if silent.tenant == "harbour-house" else None
    config = tenant(own=own, shared=SHARED if own else silent)
    assert decided(config, WITH_PHONE) == skipped("no_sender")


def test_a_template_that_nobody_wrote_sends_nothing() -> None:
    assert told(decide(tenant(own=OWN), key(), WITH_PHONE, "key_is_lost", NOW)) == skipped("no_template")


@pytest.mark.parametrize("email", ["", "  ", "n/a", "mara", "mara@", "two@at@signs", "mara lind@example.com"])
def test_what_is_no_address_is_no_email(email: str) -> None:
    """seed-systems.md A2: e-mail is first only where there is a usable address."""
    person = Person(email=email, phone="+12025550143")
    assert decided(tenant(own=OWN), person) == BY_SMS


def test_a_national_number_is_read_in_the_tenants_region() -> None:
    person = Person(phone="900 00 001")
    (part,) = decide(tenant(own=OWN, default_region="NO"), key(), person, "key_is_ready", NOW).parts
    assert part.to == "+4790000001"
    assert decided(tenant(own=OWN), person) == skipped("invalid_recipient")


WAITING = key(credentials=Credentials())


def test_a_text_waits_for_its_credential_and_an_email_does_not() -> None:
    config = tenant(own=OWN, channels=documents.Channels(policy="both"))
    assert decided(config, WITH_BOTH, WAITING) == [
        ("email", "delegate", "both"),
        ("sms", "hold", "awaiting_credential"),
    ]


def test_what_the_table_skips_waits_for_nothing() -> None:
    assert decided(tenant(own=OWN), WITH_NOTHING, WAITING) == skipped("no_contact")


def test_a_missing_connection_may_come_while_the_credential_is_awaited() -> None:
    assert decided(tenant(), WITH_PHONE, WAITING) == [("sms", "hold", "awaiting_credential")]


@pytest.mark.parametrize(
    "credentials", [Credentials(door_code="482915"), Credentials(magic_link="https://guest.example.com/k")]
)
def test_either_credential_will_do(credentials: Credentials) -> None:
    assert decided(tenant(own=OWN), WITH_PHONE, key(credentials=credentials)) == BY_SMS


INACTIVE = [
    key(status="revoked"),
    key(status="past"),
    key(starts_at=START - timedelta(days=9), ends_at=datetime.fromtimestamp(NOW, UTC)),
    key(reservation=Reservation(id="r", status="cancelled")),
    key(reservation=Reservation(id="r", status="no_show")),
]


@pytest.mark.parametrize("inactive", INACTIVE)
def test_nobody_is_told_of_a_key_that_opens_nothing(inactive: Key) -> None:
    assert decided(tenant(own=OWN), WITH_PHONE, inactive) == skipped("key_not_active")
    assert decided(tenant(own=OWN), WITH_BOTH, inactive) == [("email", "skip", "key_not_active")]


@pytest.mark.parametrize(
    "active",
    [
        key(status="active"),
        key(origin="manual", reservation=None),
        key(reservation=Reservation(id="r", status="in_house")),
        key(reservation=Reservation(id="r", status="checked_out")),
        key(ends_at=datetime.fromtimestamp(NOW, UTC) + timedelta(seconds=1)),
    ],
)
def test_a_key_is_active_to_its_last_second(active: Key) -> None:
    assert decided(tenant(own=OWN), WITH_PHONE, active) == BY_SMS


@pytest.mark.parametrize("inactive", INACTIVE)
@pytest.mark.parametrize("channels", [documents.Channels(), documents.Channels(email=False, sms=False)])
def test_a_tenant_in_setup_holds_all_before_anything_else_is_asked(channels: documents.Channels, inactive: Key) -> None:
    """The order of the checks: live, toggles, key, table, credential."""
    assert decided(tenant(own=OWN, live=False, channels=channels), WITH_PHONE, inactive) == [
        ("sms", "hold", "not_live")
    ]


def test_a_tenant_in_setup_holds_each_part_by_its_channel() -> None:
    config = tenant(own=OWN, live=False, channels=documents.Channels(policy="both"))
    assert decided(config, WITH_BOTH) == [("email", "hold", "not_live"), ("sms", "hold", "not_live")]
    assert decided(tenant(own=OWN, live=False), WITH_EMAIL) == [("email", "hold", "not_live")]


def test_both_toggles_off_are_named_before_the_state_of_the_key() -> None:
    config = tenant(own=OWN, channels=documents.Channels(email=False, sms=False))
    assert decided(config, WITH_BOTH, key(status="revoked")) == skipped("notifications_disabled")


def test_the_state_of_the_key_is_named_before_a_missing_contact() -> None:
    assert decided(tenant(own=OWN), WITH_NOTHING, key(status="revoked")) == skipped("key_not_active")


def test_the_variables_of_a_stay() -> None:
    """Dates stand in the zone and form of the tenant: 15:00 in Oslo is 14:00 UTC in winter."""
    assert variables(tenant(), key(), WITH_BOTH) == {
        "firstName": "Mara",
        "lastName": "Lind",
        "propertyName": "Harbour House",
        "startDate": "04/12/2026 15:00",
        "endDate": "07/12/2026 15:00",
        "referenceNumber": "HBR-88121",
        "spaceName": "Room 204",
        "doorCode": "482915",
        "magicLink": "https://guest.example.com/k",
        "appLink": "https://guest.example.com/k",
    }


@pytest.mark.parametrize(
    "manual", [key(origin="manual"), key(reservation=None), key(origin="manual", reservation=None)]
)
def test_what_only_a_pms_knows_is_empty_on_other_keys(manual: Key) -> None:
    """seed-systems.md A15, although a manual key has dates and a space."""
    filled = {name for name, value in variables(tenant(), manual, WITH_BOTH).items() if value}
    assert filled == {"firstName", "lastName", "propertyName", "doorCode", "magicLink", "appLink"}


def test_dates_follow_the_tenants_zone_and_form() -> None:
    config = tenant(timezone="America/New_York", date_time_format="%b %d, %I:%M %p")
    assert variables(config, key(), WITH_BOTH)["startDate"] == "Dec 04, 09:00 AM"


def test_summer_time_is_the_zones_own() -> None:
    summer = key(starts_at=datetime(2026, 7, 4, 14, 0, tzinfo=UTC))
    assert variables(tenant(), summer, WITH_BOTH)["startDate"] == "04/07/2026 16:00"


def test_absent_values_are_empty_texts() -> None:
    bare = key(credentials=Credentials(), space_name=None, reservation=Reservation(id="r", status="reserved"))
    values = variables(tenant(), bare, WITH_NOTHING)
    assert {name for name, value in values.items() if value} == {"propertyName", "startDate", "endDate"}
    assert values["referenceNumber"] == values["doorCode"] == values["firstName"] == ""


def test_a_date_at_the_edge_of_the_calendar_is_left_out() -> None:
    endless = key(ends_at=datetime(9999, 12, 31, 23, 59, tzinfo=UTC), starts_at=datetime(1, 1, 1, tzinfo=UTC))
    values = variables(tenant(), endless, WITH_BOTH)
    assert (values["startDate"], values["endDate"]) == ("", "")
