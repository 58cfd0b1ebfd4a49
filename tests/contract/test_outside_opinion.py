"""Our Twilio client judged by Twilio's own OpenAPI description, which Prism plays: a peer that nobody here wrote.

It has no state and checks form only (twilio.md 11.1): our requests are accepted, broken ones are not, and what it can
be made to answer is classified as the tables say. The stand-in's answers are held against the same description.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from urllib.parse import parse_qs

import msgspec
import pytest
from aiohttp import ClientSession

from notifier.demo.standin.validation import KNOWN_PARAMETERS
from notifier.domain.answers import (
    Accepted,
    InDoubt,
    LookRequest,
    MessageState,
    NotSent,
    Rejected,
    SendResult,
)
from notifier.domain.connection_checks import NOTHING_KNOWN, AccountSeen, ConnectionCheck
from notifier.domain.documents import Sender
from notifier.twilio.accounts import Accounts
from notifier.twilio.connection_checks import ConnectionChecks
from notifier.twilio.credentials import Secrets
from notifier.twilio.http_client import TwilioHttpClient, basic_authorization
from notifier.twilio.lookups import TwilioLookups
from notifier.twilio.sender import TwilioSender
from notifier.twilio.transport import RawAnswer, Transport
from notifier.twilio.transport_choice import open_transport
from tests.contract.conftest import Peers
from tests.contract.standin_peers import CONNECTION, EMPTY_SERVICE, SENDER, SERVICE, SID, text_to
from tests.prism.descriptions import ERRORS, RETRY_AFTER, create_parameters, created_examples

TO = "+12025550143"
SM = "SM" + "1" * 32
OWNED_AT_TWILIO = "+18089255327"  # in the example of Twilio's description; it cannot send SMS
BASE = f"/2010-04-01/Accounts/{SID}"
AUTHORIZATION = {"Authorization": basic_authorization(SID, "token")}
FORM = {"To": TO, "From": SENDER, "Body": "Hi"}
JSON = {"Content-Type": "application/json"}
SECRETS = Secrets({}, (), plain_text_allowed=True)
HOUSE = msgspec.structs.replace(CONNECTION, senders=(Sender(from_=SENDER), Sender(messaging_service_sid=SERVICE)))


class Ordering:
    """A transport that orders an answer of Prism with every request, and keeps what was sent."""

    def __init__(self, inner: Transport, prefer: str | None) -> None:
        self._inner, self._prefer = inner, prefer
        self.bodies: list[bytes] = []
        self.paths: list[str] = []

    async def exchange(self, method: str, url: str, headers: Mapping[str, str], body: bytes | None) -> RawAnswer:
        self.bodies.append(body or b"")
        self.paths.append(url)
        ordered = {"Prefer": self._prefer} if self._prefer is not None else {}
        return await self._inner.exchange(method, url, {**headers, **ordered}, body)


class Client:
    """Every way in which the notifier speaks to Twilio."""

    def __init__(self, transport: Ordering, url: str) -> None:
        http_client = TwilioHttpClient(transport, url)
        accounts = Accounts(lambda _owner: CONNECTION, SECRETS, http_client)
        self.transport = transport
        self.sender = TwilioSender(accounts, "https://texts.example.com")
        self.lookups = TwilioLookups(accounts)
        self.checks = ConnectionChecks(SECRETS, http_client)


@asynccontextmanager
async def client(url: str, prefer: str | None = None) -> AsyncIterator[Client]:
    async with open_transport("auto", 20.0) as transport:
        yield Client(Ordering(transport, prefer), url)


def look(**changes: object) -> LookRequest:
    fields: dict[str, object] = {
        "connection": "harbour-house", "to": TO, "body": "Hi", "from_": SENDER, "messaging_service_sid": None,
        "since": 0.0,
    }  # fmt: skip
    return LookRequest(**(fields | changes))  # type: ignore[arg-type]  # the fields of one struct


# Our requests, by the strict peer.


@pytest.mark.parametrize(
    "changes",
    [
        {}, {"validity_period": 300}, {"from_": None, "messaging_service_sid": SERVICE},
        {"body": "Grüße, 你好 👋\n& = + %"}, {"tenant": "north-clinic"},
    ],
)  # fmt: skip
async def test_our_creates_are_accepted(prism: Peers, changes: dict[str, object]) -> None:
    async with client(prism.strict) as twilio:
        assert isinstance(await twilio.sender.send(text_to(TO, **changes)), Accepted)
        (body,) = twilio.transport.bodies
    assert parse_qs(body.decode("ascii")).keys() <= create_parameters(prism.description)


async def test_every_answer_to_a_create_that_twilio_shows_is_read(prism: Peers) -> None:
    examples = created_examples(prism.description)
    assert {"create", "createWithMessagingService"} <= examples.keys()
    for name, shown in examples.items():
        async with client(prism.strict, f"example={name}") as twilio:
            result = await twilio.sender.send(text_to(TO))
        assert result == Accepted(sid=shown["sid"], status=shown["status"])


def test_the_stand_in_knows_no_parameter_that_twilio_does_not(prism: Peers) -> None:
    """Prism lets unknown ones pass, so that they are compared here."""
    assert create_parameters(prism.description) >= KNOWN_PARAMETERS


async def test_our_fetches_and_looks_are_accepted(prism: Peers) -> None:
    """The other example of a list names a next page, which would be the same one for ever."""
    async with client(prism.strict) as twilio:
        assert isinstance(await twilio.lookups.fetch("harbour-house", SM), MessageState)
    async with client(prism.strict, "example=readEmptySentdateLess") as twilio:
        for request in (look(), look(from_=None, messaging_service_sid=SERVICE)):
            assert await twilio.lookups.look(request) == ()


async def test_our_checks_are_accepted_and_read_as_twilio_writes_them(prism: Peers) -> None:
    senders = (Sender(from_=OWNED_AT_TWILIO), Sender(from_=SENDER), Sender(messaging_service_sid=SERVICE))
    async with client(prism.strict) as twilio:
        check = await twilio.checks.check(msgspec.structs.replace(HOUSE, senders=senders))
        asked = [path.removeprefix(prism.strict).split("?")[0] for path in twilio.transport.paths]
    assert (check.trouble, check.account) == (None, AccountSeen("active", "Full"))
    assert [(one.owned, one.sms) for one in check.senders][:2] == [(True, False), (False, None)]
    assert check.senders[2].owned is True
    assert asked[:3] == [f"{BASE}.json", f"{BASE}/IncomingPhoneNumbers.json", f"{BASE}/IncomingPhoneNumbers.json"]
    assert asked[3:5] == [f"/v1/Services/{SERVICE}", f"/v1/Services/{SERVICE}/PhoneNumbers"]


# What is broken is refused, or all of the above would prove nothing.


@pytest.mark.parametrize(
    ("changes", "refused"),
    [
        ({"messaging_service_sid": "MG1", "from_": None}, True),
        ({"validity_period": "soon"}, True),
        ({"validity_period": 300}, False),
    ],
)
async def test_a_broken_create_of_ours_is_refused(prism: Peers, changes: dict[str, object], refused: bool) -> None:
    async with client(prism.strict) as twilio:
        result = await twilio.sender.send(text_to(TO, **changes))
    assert isinstance(result, Rejected) is refused
    if isinstance(result, Rejected):
        assert (result.error_class, result.detail) == ("bad_request", "Twilio answered HTTP 422")


@pytest.mark.parametrize(
    ("method", "path", "headers", "form", "status"),
    [
        ("POST", f"{BASE}/Messages.json", AUTHORIZATION, FORM, 201),
        ("POST", f"{BASE}/Messages.json", AUTHORIZATION, {"From": SENDER, "Body": "Hi"}, 422),
        ("POST", f"{BASE}/Messages.json", AUTHORIZATION, FORM | {"ValidityPeriod": "1.5"}, 422),
        ("POST", f"{BASE}/Messages.json", AUTHORIZATION, FORM | {"RiskCheck": "banana"}, 422),
        ("POST", "/2010-04-01/Accounts/AC1/Messages.json", AUTHORIZATION, FORM, 422),
        ("POST", f"{BASE}/Messages.json", {}, FORM, 401),
        ("POST", f"{BASE}/Messages.json", AUTHORIZATION | JSON, msgspec.json.encode(FORM), 415),
        ("POST", f"{BASE}/Message.json", AUTHORIZATION, FORM, 404),
        ("GET", f"{BASE}/Messages.json?PageSize=0", AUTHORIZATION, None, 422),
        ("GET", f"{BASE}/Messages/SM1.json", AUTHORIZATION, None, 422),
        ("GET", "/v1/Services/MG1", AUTHORIZATION, None, 422),
        ("GET", f"/v1/Services/{SERVICE}/PhoneNumbers?PageSize=1001", AUTHORIZATION, None, 422),
    ],
)
async def test_broken_requests_are_refused(
    prism: Peers, method: str, path: str, headers: dict[str, str], form: dict[str, str] | bytes | None, status: int
) -> None:
    async with (
        ClientSession() as session,
        session.request(method, prism.strict + path, headers=headers, data=form) as answer,
    ):
        assert answer.status == status


# What Twilio can answer, by the peer that has errors to order.


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (21610, Rejected(error_class="suppressed", error_code=21610, detail="the recipient opted out of this sender")),
        (21211, "bad_recipient"), (21408, "destination"), (21606, "hold_sender"), (20404, "hold_sender"),
        (20003, "hold_account"), (20005, "hold_account"),
        (20429, NotSent(error_code=20429, retry_after=float(RETRY_AFTER), congested=True)),
        (20500, InDoubt(cause="server_error")), (20503, InDoubt(cause="server_error")),
    ],
)  # fmt: skip
async def test_an_error_of_twilio_is_classified_as_the_table_says(
    prism: Peers, code: int, expected: SendResult | str
) -> None:
    async with client(prism.with_errors, f"code={ERRORS[code][0]}, example=e{code}") as twilio:
        result = await twilio.sender.send(text_to(TO))
    if isinstance(expected, str):
        assert isinstance(result, Rejected)
        assert (result.error_class, result.error_code) == (expected, code)
    else:
        assert result == expected


WELL = ConnectionCheck(state="connected")


@pytest.mark.parametrize(
    ("code", "former", "state", "trouble"),
    [
        (20003, WELL, "broken", None), (20005, WELL, "broken", None), (20404, WELL, "broken", None),
        (20429, WELL, "connected", "the answer was HTTP 429, error 20429"),
        (20500, WELL, "connected", "the answer was HTTP 500, error 20500"),
        (20503, NOTHING_KNOWN, None, "the answer was HTTP 503, error 20503"),
    ],
)  # fmt: skip
async def test_an_error_is_evidence_against_a_connection_or_none(
    prism: Peers, code: int, former: ConnectionCheck, state: str | None, trouble: str | None
) -> None:
    async with client(prism.with_errors, f"code={ERRORS[code][0]}, example=e{code}") as twilio:
        check = await twilio.checks.check(HOUSE, former)
    assert (check.state, check.trouble) == (state, trouble)


# The stand-in, held against the description.


async def test_the_stand_in_answers_in_twilio_s_form(prism: Peers) -> None:
    """Whatever does not fit comes back as HTTP 500 instead, and none of these would be what it is."""
    async with client(prism.before_standin) as twilio:
        for request in (text_to(TO), text_to(TO, from_=None, messaging_service_sid=SERVICE)):
            created = await twilio.sender.send(request)
            assert isinstance(created, Accepted)
            assert isinstance(await twilio.lookups.fetch("harbour-house", created.sid), MessageState)
        found = await twilio.lookups.look(look())
        assert found
        both = (*HOUSE.senders, Sender(messaging_service_sid=EMPTY_SERVICE))
        check = await twilio.checks.check(msgspec.structs.replace(HOUSE, senders=both))
        assert [(one.owned, one.sms) for one in check.senders] == [(True, True), (True, True), (True, False)]
        assert check.trouble is None
