"""The stand-in driven through the twilio package as it comes: what holds of Twilio's API holds here."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from io import BytesIO

import msgspec
import pytest
from twilio.base.exceptions import TwilioRestException  # type: ignore[import-untyped]

from notifier.demo.standin.accounts import Account, read_accounts
from notifier.demo.standin.faults import Faults
from notifier.demo.standin.messages import CreatedMessage
from notifier.demo.standin.server import TwilioStandIn
from tests.contract.standin_peers import (
    ACCOUNT,
    AT_ONCE,
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

# The stock client signs in by a way that aiohttp is about to drop.
pytestmark = pytest.mark.filterwarnings("ignore:.*(auth|Auth):DeprecationWarning")


async def test_a_created_message_reads_as_twilio_s_does() -> None:
    clock = TurnedClock()
    async with stand_in(NEVER, clock) as standin, stock_client(standin.url) as client:
        message = await client.messages.create_async(to=TO, from_=SENDER, body="Hällo", validity_period=300)
        fetched = await client.messages(message.sid).fetch_async()
    assert (message.sid[:2], len(message.sid)) == ("SM", 34)
    assert (message.status, message.direction, message.error_code) == ("queued", "outbound-api", None)
    assert (message.to, message.from_, message.body, message.num_segments) == (TO, SENDER, "Hällo", "1")
    assert message.date_created == datetime.fromtimestamp(clock.time, UTC)
    assert message.date_sent is None
    assert (fetched.sid, fetched.body, fetched.date_created) == (message.sid, message.body, message.date_created)


async def test_a_messaging_service_accepts_first_and_chooses_a_sender_later() -> None:
    async with stand_in() as standin, stock_client(standin.url) as client:
        message = await client.messages.create_async(to=TO, messaging_service_sid=SERVICE, body="Hi")
        await standin.settle()
        later = await client.messages(message.sid).fetch_async()
    assert (message.status, message.from_, message.num_segments) == ("accepted", None, "0")
    assert (later.status, later.from_, later.messaging_service_sid) == ("delivered", SENDER, SERVICE)


async def test_the_answer_carries_twilio_s_headers() -> None:
    async with stand_in(NEVER) as standin, stock_client(standin.url) as client:
        response = await client.messages.create_with_http_info_async(to=TO, from_=SENDER, body="Hi")
    assert response.status_code == 201
    assert response.headers["Twilio-Concurrent-Requests"] == "1"
    assert response.headers["Twilio-Request-Id"].startswith("RQ")
    assert response.headers["Twilio-Request-Duration"] == "0.000"


@pytest.mark.parametrize(
    ("parameters", "status", "code"),
    [
        ({"to": ""}, 400, 21604),
        ({"to": "12025550143"}, 400, 21211),
        ({"to": "+1 202 555 0143"}, 400, 21211),
        ({"from_": ""}, 400, 21603),
        ({"from_": "+15559999999"}, 400, 21606),
        ({"from_": "5559999999"}, 400, 21212),
        ({"body": ""}, 400, 21602),
        ({"body": "x" * 1601}, 400, 21617),
        ({"validity_period": 0}, 400, 21624),
        ({"validity_period": 36001}, 400, 21624),
        ({"validity_period": "ten"}, 400, 21624),
        ({"status_callback": "ftp://example.com/"}, 400, 21609),
        ({"status_callback": "https://under_score.example.com/"}, 400, 21609),
        ({"status_callback": "https:///path"}, 400, 21609),
        ({"status_callback": "https://example.com:port/"}, 400, 21609),
        ({"status_callback": "https://example.com/" + "x" * 4000}, 400, 21609),
        ({"messaging_service_sid": "MG1"}, 400, 21705),
        ({"messaging_service_sid": "MG" + "4" * 32}, 404, 21701),
        ({"messaging_service_sid": EMPTY_SERVICE}, 400, 21704),
        ({"messaging_service_sid": SERVICE, "from_": OTHER_SENDER}, 400, 21606),
        ({"smart_encoded": True}, 400, 20001),
        ({"media_url": ["https://example.com/a.png"]}, 400, 20001),
    ],
)
async def test_a_faulty_create_is_refused_with_twilio_s_code(
    parameters: dict[str, object], status: int, code: int
) -> None:
    async with stand_in() as standin, stock_client(standin.url) as client:
        with pytest.raises(TwilioRestException) as caught:
            await client.messages.create_async(**({"to": TO, "from_": SENDER, "body": "Hi"} | parameters))
    assert (caught.value.status, caught.value.code) == (status, code)
    assert standin.messages == ()


@pytest.mark.parametrize(
    ("user", "password", "account"),
    [
        (SID, "wrong", SID), ("SK1", "wrong", SID), ("SK2", "secret", SID), (SID, "token", OTHER_ACCOUNT.sid),
        (SID, "token", "AC" + "7" * 32),
    ],
)  # fmt: skip
async def test_wrong_credentials_are_refused_everywhere(user: str, password: str, account: str) -> None:
    async with stand_in() as standin, stock_client(standin.url, user, password, account) as client:
        for call in (
            client.messages.create_async(to=TO, from_=SENDER, body="Hi"),
            client.messages("SM1").fetch_async(),
            client.api.accounts(account).fetch_async(),
        ):
            with pytest.raises(TwilioRestException) as caught:
                await call
            assert (caught.value.status, caught.value.code) == (401, 20003)


async def test_the_list_is_newest_first_and_pages_to_its_end() -> None:
    clock = TurnedClock()
    async with stand_in(NEVER, clock) as standin, stock_client(standin.url) as client:
        for number in range(7):
            clock.time += 1
            await client.messages.create_async(to=TO, from_=SENDER, body=str(number))
        await client.messages.create_async(to="+12025550199", from_=SENDER, body="another")
        for page_size in (1, 3, 7, 50):
            listed = await client.messages.list_async(to=TO, page_size=page_size, limit=100)
            assert [message.body for message in listed] == list("6543210")
        assert [message.body for message in await client.messages.list_async(to=TO, limit=2)] == ["6", "5"]


async def test_a_message_created_between_two_pages_shifts_nothing() -> None:
    clock = TurnedClock()
    async with stand_in(NEVER, clock) as standin, stock_client(standin.url) as client:
        for number in range(4):
            clock.time += 1
            await client.messages.create_async(to=TO, from_=SENDER, body=str(number))
        first = await client.messages.page_async(to=TO, page_size=2)
        clock.time += 1
        await client.messages.create_async(to=TO, from_=SENDER, body="new")
        second = await first.next_page_async()
        assert [message.body for message in first] + [message.body for message in second] == list("3210")
        assert await second.next_page_async() is None


async def test_the_list_filters_by_sender_and_by_the_day_of_sending() -> None:
    clock = TurnedClock()
    async with stand_in(AT_ONCE, clock) as standin, stock_client(standin.url) as client:
        for sender in (SENDER, OTHER_SENDER):
            await client.messages.create_async(to=TO, from_=sender, body="Hi")
        silent = await client.messages.create_async(to="+15005550232", from_=SENDER, body="never sent")
        await standin.settle()
        today = datetime.fromtimestamp(clock.time, UTC)
        day = timedelta(days=1)

        async def senders(**filters: object) -> list[str]:
            return sorted(message.from_ for message in await client.messages.list_async(limit=10, **filters))

        assert await senders(from_=OTHER_SENDER) == [OTHER_SENDER]
        assert await senders(date_sent=today) == [SENDER, OTHER_SENDER]
        assert await senders(date_sent=today - day) == []
        assert await senders(date_sent_after=today) == [SENDER, OTHER_SENDER]
        assert await senders(date_sent_after=today + day) == []
        assert await senders(date_sent_before=today - day) == []
        # What has not been sent has no day: a filter by date hides it, and only it is found without one.
        assert silent.sid in [message.sid for message in await client.messages.list_async(limit=10)]


async def test_another_account_sees_nothing_of_it() -> None:
    async with stand_in(NEVER) as standin, stock_client(standin.url) as client:
        sid = (await client.messages.create_async(to=TO, from_=SENDER, body="Hi")).sid
        other = OTHER_ACCOUNT.sid
        async with stock_client(standin.url, other, "other", other) as stranger:
            assert await stranger.messages.list_async(limit=10) == []
            with pytest.raises(TwilioRestException) as caught:
                await stranger.messages(sid).fetch_async()
    assert (caught.value.status, caught.value.code) == (404, 20404)


async def test_the_list_may_lag() -> None:
    clock = TurnedClock()
    async with stand_in(NEVER, clock) as standin, stock_client(standin.url) as client:
        standin.order(Faults(list_lag=60.0))
        sid = (await client.messages.create_async(to=TO, from_=SENDER, body="Hi")).sid
        clock.time += 59
        assert await client.messages.list_async(to=TO, limit=10) == []
        assert (await client.messages(sid).fetch_async()).sid == sid
        clock.time += 1
        assert [message.sid for message in await client.messages.list_async(to=TO, limit=10)] == [sid]


async def test_the_record_holds_every_created_message_and_nothing_else() -> None:
    file = BytesIO()
    clock = TurnedClock()
    async with (
        TwilioStandIn([ACCOUNT], clock.now, timing=NEVER, record=file) as standin,
        stock_client(standin.url) as client,
    ):
        message = await client.messages.create_async(to=TO, from_=SENDER, body="Hi", validity_period=60)
        with pytest.raises(TwilioRestException):
            await client.messages.create_async(to="1", from_=SENDER, body="Hi")
        expected = CreatedMessage(
            sid=message.sid, account_sid=SID, to=TO, from_=SENDER, messaging_service_sid=None, body="Hi",
            status_callback=None, validity_period=60, time=clock.time,
        )  # fmt: skip
        assert standin.messages == (expected,)
        assert [msgspec.json.decode(line, type=CreatedMessage) for line in file.getvalue().splitlines()] == [expected]
        assert (standin.counts["create"], standin.counts["create 201"], standin.counts["create 400"]) == (2, 1, 1)


def test_accounts_are_read_from_yaml_or_json_and_unknown_fields_refused() -> None:
    expected = (Account(sid=SID, auth_token="token", numbers=(SENDER,)),)
    assert read_accounts(f"- {{sid: {SID}, authToken: token, numbers: ['{SENDER}']}}".encode()) == expected
    assert read_accounts(f'[{{"sid": "{SID}", "authToken": "token", "numbers": ["{SENDER}"]}}]'.encode()) == expected
    with pytest.raises(msgspec.ValidationError, match="token"):
        read_accounts(b"- {sid: AC1, token: secret}")
