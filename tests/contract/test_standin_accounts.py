"""The stand-in's accounts, numbers and messaging services, through the twilio package as it comes."""

from __future__ import annotations

import json
from collections.abc import Awaitable

import msgspec
import pytest
from aiohttp import ClientSession
from twilio.base.exceptions import TwilioException, TwilioRestException  # type: ignore[import-untyped]
from twilio.rest import Client  # type: ignore[import-untyped]

from notifier.demo.standin.accounts import Account, ApiKey
from notifier.demo.standin.faults import Faults
from notifier.demo.standin.server import TwilioStandIn
from tests.contract.standin_peers import (
    ACCOUNT,
    EMPTY_SERVICE,
    NEVER,
    OTHER_ACCOUNT,
    OTHER_SENDER,
    SENDER,
    SERVICE,
    SID,
    TurnedClock,
    stand_in,
    stock_client,
)

TO = "+12025550143"
VOICE = "+15551234599"
POOL = (SENDER, VOICE, "55555", "HARBOUR")
KEYS: dict[str, str | ApiKey] = {
    "SKmain": ApiKey(secret="secret", type="main"),
    "SKstandard": "secret",
    "SKsends": ApiKey(secret="secret", type="restricted", permissions=("messages/create",)),
}
RICH = msgspec.structs.replace(ACCOUNT, voice_only=(VOICE,), services={SERVICE: POOL, EMPTY_SERVICE: ()}, api_keys=KEYS)

# The stock client signs in by a way that aiohttp is about to drop.
pytestmark = pytest.mark.filterwarnings("ignore:.*(auth|Auth):DeprecationWarning")


def playing(account: Account = RICH) -> TwilioStandIn:
    return TwilioStandIn([account, OTHER_ACCOUNT], TurnedClock().now, timing=NEVER)


async def refusal(call: Awaitable[object]) -> tuple[int, int]:
    """Of a list, the package hands the answer on as it is."""
    with pytest.raises(TwilioException) as caught:
        await call
    if isinstance(caught.value, TwilioRestException):
        return caught.value.status, caught.value.code
    response = caught.value.args[1]
    return response.status_code, json.loads(response.text)["code"]


def requests(client: Client) -> dict[str, Awaitable[object]]:
    service = client.messaging.v1.services(SERVICE)
    return {
        "account": client.api.accounts(SID).fetch_async(),
        "create": client.messages.create_async(to=TO, from_=SENDER, body="Hi"),
        "list": client.messages.list_async(limit=1),
        "numbers": client.incoming_phone_numbers.list_async(limit=1),
        "service": service.fetch_async(),
        "senders": service.phone_numbers.list_async(limit=1),
    }


async def test_the_account_tells_its_status_and_type() -> None:
    async with stand_in() as standin, stock_client(standin.url) as client:
        account = await client.api.accounts(SID).fetch_async()
        assert (account.sid, account.status, account.type) == (SID, "active", "Full")
        standin.put(msgspec.structs.replace(ACCOUNT, type="Trial"))
        assert (await client.api.accounts(SID).fetch_async()).type == "Trial"


async def test_numbers_are_found_by_a_part_and_tell_what_they_can() -> None:
    async with playing() as standin, stock_client(standin.url) as client:

        async def found(part: str) -> list[tuple[str, bool]]:
            listed = await client.incoming_phone_numbers.list_async(phone_number=part, limit=10, page_size=2)
            return [(number.phone_number, number.capabilities["sms"]) for number in listed]

        assert await found(SENDER) == [(SENDER, True)]
        assert await found("+155*1234") == [(SENDER, True), (OTHER_SENDER, True), (VOICE, False)]
        assert await found("+15550000000") == []


async def test_a_service_tells_its_senders_by_kind_and_page() -> None:
    async with playing() as standin, stock_client(standin.url) as client:
        service = client.messaging.v1.services(SERVICE)
        assert (await service.fetch_async()).sid == SERVICE
        numbers = await service.phone_numbers.list_async(limit=10)
        assert [(one.phone_number, one.capabilities) for one in numbers] == [(SENDER, ["SMS"]), (VOICE, ["Voice"])]
        assert [one.short_code for one in await service.short_codes.list_async(limit=10)] == ["55555"]
        assert [one.alpha_sender for one in await service.alpha_senders.list_async(limit=10)] == ["HARBOUR"]
        first = await service.phone_numbers.page_async(page_size=1)
        assert [one.phone_number for one in first] == [SENDER]
        assert await client.messaging.v1.services(EMPTY_SERVICE).phone_numbers.list_async(limit=10) == []


async def test_a_service_that_is_not_the_account_s_is_not_found() -> None:
    other = OTHER_ACCOUNT.sid
    async with playing() as standin, stock_client(standin.url, other, "other", other) as client:
        service = client.messaging.v1.services(SERVICE)
        assert await refusal(service.fetch_async()) == (404, 20404)
        assert await refusal(service.phone_numbers.list_async(limit=1)) == (404, 20404)


@pytest.mark.parametrize(
    ("user", "refused"),
    [
        (SID, {}),
        ("SKmain", {}),
        ("SKstandard", {"account": (401, 20003)}),
        ("SKsends", {"account": (401, 20003)} | dict.fromkeys(("list", "numbers", "service", "senders"), (403, 70051))),
    ],
)
async def test_a_key_may_do_what_its_kind_may(user: str, refused: dict[str, tuple[int, int]]) -> None:
    password = "token" if user == SID else "secret"
    async with playing() as standin, stock_client(standin.url, user, password) as client:
        for name, request in requests(client).items():
            if name in refused:
                assert (name, await refusal(request)) == (name, refused[name])
            else:
                await request


async def test_a_suspended_account_can_be_read_and_a_closed_one_not_even_that() -> None:
    suspended = msgspec.structs.replace(RICH, status="suspended")
    async with playing(suspended) as standin, stock_client(standin.url) as client:
        for name, request in requests(client).items():
            if name != "account":
                assert await refusal(request) == (403, 20005)
            else:
                await request
        standin.put(msgspec.structs.replace(RICH, status="closed"))
        for request in requests(client).values():
            assert await refusal(request) == (403, 20005)


async def test_a_token_is_revoked_over_http_and_from_then_on_refused() -> None:
    revoked = msgspec.structs.replace(ACCOUNT, auth_token="rotated")
    async with stand_in() as standin, stock_client(standin.url) as client, ClientSession() as session:
        await client.messages.list_async(limit=1)
        async with session.put(standin.url + "/standin/accounts", data=msgspec.json.encode(revoked)) as done:
            assert done.status == 204
        assert await refusal(client.messages.list_async(limit=1)) == (401, 20003)
        async with session.put(standin.url + "/standin/accounts", data=b'{"sid": "AC1"}') as refused:
            assert (refused.status, await refused.text()) == (400, "Object missing required field `authToken`\n")


async def test_a_parameter_that_nobody_needs_is_refused() -> None:
    async with playing() as standin, stock_client(standin.url) as client:
        assert await refusal(client.incoming_phone_numbers.list_async(friendly_name="x", limit=1)) == (400, 20001)
        assert await refusal(client.messaging.v1.services(SERVICE).phone_numbers.page_async(page_size=1001)) == (
            400, 20001,
        )  # fmt: skip


async def test_reads_can_be_refused_while_texts_are_taken() -> None:
    async with playing() as standin, stock_client(standin.url) as client:
        standin.order(Faults(refuse_reads_with=20503))
        for name, request in requests(client).items():
            if name == "create":
                await request
            else:
                assert await refusal(request) == (503, 20503)
