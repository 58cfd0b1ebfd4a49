"""Test texts: through the real sender to the stand-in, with its safety rules, and every failure in plain words."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator

import pytest

from notifier.commands.trial_texts import MARK, TrialText, TrialTextNotSent, connection_of, recipient, send_trial_text
from notifier.demo.standin.accounts import Account
from notifier.demo.standin.faults import Faults
from notifier.demo.standin.server import TwilioStandIn
from notifier.domain import documents
from notifier.domain.catalog import TenantConfig, build
from notifier.domain.segments import measure
from notifier.settings import KafkaSettings, SafetySettings, Settings, TwilioSettings

SID, NUMBER, STAFF = "AC" + "1" * 32, "+15551234567", "+12025550143"


def hotel(*, token: str = "right", region: str | None = None, senders: tuple[str, ...] = (NUMBER,)) -> TenantConfig:
    tenant = documents.Tenant(tenant="harbour-house", platform="pms", name="Harbour House", default_region=region)
    connection = documents.Connection(
        tenant="harbour-house", provider="twilio", account_sid=SID, auth_token=token,
        senders=tuple(documents.Sender(from_=sender) for sender in senders),
    )  # fmt: skip
    return build([tenant, connection], 0).tenants["harbour-house"]


def settings(url: str = "https://api.twilio.com", *, environment: str = "development", allowed: str = "") -> Settings:
    return Settings(
        environment=environment,
        kafka=KafkaSettings(bootstrap_servers="unused:9092"),
        twilio=TwilioSettings(api_base_url=url, timeout=2.0),
        safety=SafetySettings(allowed_recipients=tuple(filter(None, allowed.split(",")))),
    )


@pytest.fixture
async def standin() -> AsyncIterator[TwilioStandIn]:
    async with TwilioStandIn([Account(sid=SID, auth_token="right", numbers=(NUMBER,))], time.time) as serving:
        yield serving


async def sent(
    standin: TwilioStandIn, to: str = STAFF, text: str = "Hi", tenant: TenantConfig | None = None
) -> TrialText:
    found = tenant or hotel()
    return await asyncio.to_thread(send_trial_text, settings(standin.url), found, connection_of(found), to, text)


async def refusal(standin: TwilioStandIn, to: str = STAFF, tenant: TenantConfig | None = None) -> str:
    with pytest.raises(TrialTextNotSent) as refused:
        await sent(standin, to, tenant=tenant)
    assert to not in str(refused.value)
    return str(refused.value)


async def test_one_marked_text_goes_out_from_the_first_sender_without_a_callback(standin: TwilioStandIn) -> None:
    told = await sent(standin, text="a" * 160)
    (message,) = standin.messages
    assert (message.to, message.from_, message.body) == (STAFF, NUMBER, "TEST: " + "a" * 160)
    assert message.status_callback is None
    assert told == TrialText(message.sid, "queued", NUMBER, "harbour-house", 2)
    assert str(told) == f"Twilio accepted the test text as {message.sid} (queued), 2 segments from {NUMBER}"


def test_the_mark_costs_six_septets() -> None:
    assert (measure(MARK).units, measure(MARK).encoding) == (6, "GSM-7")


async def test_a_number_that_twilio_refuses_is_said_with_its_code(standin: TwilioStandIn) -> None:
    said = await refusal(standin, "+15005550001")
    assert said == "Connection/harbour-house: the recipient's number is not valid (Twilio 21211); nothing was sent"
    assert standin.messages == ()


async def test_credentials_that_are_refused_are_said(standin: TwilioStandIn) -> None:
    said = await refusal(standin, tenant=hotel(token="wrong"))
    assert said == "Connection/harbour-house: Twilio refused the credentials (Twilio 20003); nothing was sent"


async def test_a_sender_that_is_not_the_accounts_is_said(standin: TwilioStandIn) -> None:
    said = await refusal(standin, tenant=hotel(senders=("+15550000000",)))
    assert "nothing was sent" in said
    assert "sender" in said


async def test_too_much_at_once_and_a_doubt_are_told_apart(standin: TwilioStandIn) -> None:
    standin.order(Faults(too_many=1.0))
    assert "Twilio takes no more texts just now (Twilio 20429); nothing was sent" in await refusal(standin)
    standin.order(Faults(accept_then_server_error=1.0))
    assert "no usable answer (server_error): it may have been sent" in await refusal(standin)
    assert len(standin.messages) == 1


def test_a_twilio_that_is_not_there_is_said() -> None:
    with pytest.raises(TrialTextNotSent, match="no connection to Twilio could be made; nothing was sent"):
        send_trial_text(settings("http://127.0.0.1:1"), hotel(), connection_of(hotel()), STAFF, "Hi")


@pytest.mark.parametrize(
    ("raw", "region", "number"),
    [("+1 202-555-0143", None, STAFF), ("(202) 555-0143", "US", STAFF)],
)
def test_a_number_is_read_as_those_of_events_are(raw: str, region: str | None, number: str) -> None:
    assert recipient(raw, hotel(region=region), settings("http://127.0.0.1:1")) == number


@pytest.mark.parametrize(
    ("region", "allowed"), [(None, r"\+ and digits is allowed"), ("US", "usual in US, is allowed")]
)
def test_what_is_no_number_is_refused(region: str | None, allowed: str) -> None:
    with pytest.raises(TrialTextNotSent, match=f"no phone number: .*{allowed}; nothing was sent"):
        recipient("the front desk", hotel(region=region), settings("http://127.0.0.1:1"))


def test_outside_production_only_allowed_recipients_are_texted() -> None:
    allowing = settings(allowed=f"{STAFF},+12025550199")
    assert recipient(STAFF, hotel(), allowing) == STAFF
    with pytest.raises(TrialTextNotSent, match="NOTIFIER_SAFETY__ALLOWED_RECIPIENTS") as refused:
        recipient("+12025550100", hotel(), allowing)
    assert "+12025550100" not in str(refused.value)
    assert recipient("+12025550100", hotel(), settings(environment="production")) == "+12025550100"


def test_a_tenant_without_a_connection_or_sender_is_said() -> None:
    alone = build([documents.Tenant(tenant="mill-lodge", platform="pms", name="Mill Lodge")], 0).tenants["mill-lodge"]
    with pytest.raises(TrialTextNotSent, match="mill-lodge has no Connection and no builtinSender: nothing was sent"):
        connection_of(alone)
    with pytest.raises(TrialTextNotSent, match="Connection/harbour-house has no senders: nothing was sent"):
        connection_of(hotel(senders=()))
