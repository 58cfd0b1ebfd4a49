"""Looking for a create in doubt on Twilio's list, and fetching one message."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from notifier.demo.standin.faults import Faults
from notifier.domain.answers import Accepted, InDoubt, LookRequest, MessageMatch, MessageState, Rejected
from notifier.domain.documents import Connection, SecretRef
from notifier.twilio.credentials import Secrets
from notifier.twilio.provider import open_provider
from notifier.twilio.turns import MOST_IN_ALL, MOST_PER_ACCOUNT
from tests.contract.standin_peers import (
    AT_ONCE,
    CONNECTION,
    EMPTY_SERVICE,
    NEVER,
    OTHER_SENDER,
    SENDER,
    SERVICE,
    SID,
    TurnedClock,
    our_client,
    stand_in,
    text_to,
)

TO = "+12025550143"


def look(since: float, **changes: object) -> LookRequest:
    fields: dict[str, object] = {
        "connection": "harbour-house", "to": TO, "body": "Hi", "from_": SENDER, "messaging_service_sid": None,
        "since": since,
    }  # fmt: skip
    return LookRequest(**(fields | changes))  # type: ignore[arg-type]  # the fields of one struct


async def test_a_create_whose_answer_was_lost_is_found() -> None:
    clock = TurnedClock()
    async with stand_in(AT_ONCE, clock) as standin, our_client(standin) as twilio:
        standin.order(Faults(accept_then_cut=1.0))
        assert isinstance(await twilio.send(text_to(TO)), InDoubt)
        await standin.settle()
        found = await twilio.look(look(clock.time))
        assert found == (MessageMatch(sid=standin.messages[0].sid, status="delivered"),)


async def test_number_sender_body_and_time_all_have_to_fit() -> None:
    clock = TurnedClock()
    async with stand_in(NEVER, clock) as standin, our_client(standin) as twilio:
        accepted = await twilio.send(text_to(TO))
        assert isinstance(accepted, Accepted)
        assert await twilio.look(look(clock.time)) == (MessageMatch(sid=accepted.sid, status="queued"),)
        assert await twilio.look(look(clock.time - 60.0, until=clock.time)) == ()
        for other in (
            look(clock.time, to="+12025550199"), look(clock.time, from_=OTHER_SENDER), look(clock.time, body="hi"),
            look(clock.time, from_=None, messaging_service_sid=SERVICE), look(clock.time + 10),
        ):  # fmt: skip
            assert await twilio.look(other) == ()


async def test_whole_seconds_and_a_clock_that_is_not_ours_are_allowed_for() -> None:
    clock = TurnedClock(1_796_000_000.9)
    async with stand_in(NEVER, clock) as standin, our_client(standin) as twilio:
        await twilio.send(text_to(TO))
        assert await twilio.look(look(clock.time + 1.0)) != ()
        assert await twilio.look(look(clock.time + 2.0)) == ()


async def test_a_message_of_a_service_is_found_before_it_has_a_sender_and_after() -> None:
    request = look(0.0, from_=None, messaging_service_sid=SERVICE)
    text = text_to(TO, from_=None, messaging_service_sid=SERVICE)
    for timing, status in ((NEVER, "accepted"), (AT_ONCE, "delivered")):
        async with stand_in(timing) as standin, our_client(standin) as twilio:
            accepted = await twilio.send(text)
            if timing is AT_ONCE:
                await standin.settle()
            assert isinstance(accepted, Accepted)
            assert await twilio.look(request) == (MessageMatch(sid=accepted.sid, status=status),)
            other = look(0.0, from_=None, messaging_service_sid=EMPTY_SERVICE)
            assert await twilio.look(other) == ()


async def test_two_texts_alike_are_both_reported_beyond_one_page() -> None:
    clock = TurnedClock()
    async with stand_in(NEVER, clock) as standin, our_client(standin) as twilio:
        first = await twilio.send(text_to(TO))
        for number in range(150):
            clock.time += 0.001
            await twilio.send(text_to(TO, str(number)))
        second = await twilio.send(text_to(TO))
        matches = await twilio.look(look(clock.time - 60))
    assert isinstance(first, Accepted)
    assert isinstance(second, Accepted)
    assert matches is not None
    assert [match.sid for match in matches] == [second.sid, first.sid]


async def test_what_is_not_there_is_none_found_and_what_cannot_be_asked_is_none() -> None:
    async with stand_in() as standin, our_client(standin) as twilio:
        assert await twilio.look(look(0.0)) == ()
        assert await twilio.look(look(0.0, connection="nobody")) is None
        assert await twilio.fetch("nobody", "SM1") is None
        assert await twilio.fetch("harbour-house", "SM1") is None
    async with our_client(standin) as twilio:  # it has gone
        assert await twilio.look(look(0.0)) is None
        assert await twilio.fetch("harbour-house", "SM1") is None


async def test_a_fetch_says_status_and_code() -> None:
    async with stand_in() as standin, our_client(standin) as twilio:
        accepted = await twilio.send(text_to("+15005550205"))
        assert isinstance(accepted, Accepted)
        await standin.settle()
        expected = MessageState(status="undelivered", error_code=30007)
        assert await twilio.fetch("harbour-house", accepted.sid) == expected


@pytest.mark.parametrize("operation", ["send", "look", "fetch"])
async def test_a_mended_secret_is_used_without_a_new_version_of_the_document(operation: str, tmp_path: Path) -> None:
    """The file behind the reference is read again after Twilio refused what it held."""
    file = tmp_path / "token"
    file.write_text("wrong")
    connection = Connection(
        tenant="harbour-house", provider="twilio", account_sid=SID, auth_token=SecretRef(file=str(file))
    )
    async with stand_in(NEVER) as standin, our_client(standin, connection=connection) as twilio:
        if operation == "send":
            assert not isinstance(await twilio.send(text_to(TO)), Accepted)
        elif operation == "look":
            assert await twilio.look(look(0.0)) is None
        else:
            assert await twilio.fetch("harbour-house", "SM1") is None
        file.write_text("token")
        assert isinstance(await twilio.send(text_to(TO)), Accepted)


async def test_a_new_version_of_the_document_is_used_at_once() -> None:
    """Shown by one that does not work any more."""
    versions = [
        CONNECTION,
        Connection(tenant="harbour-house", version=2, provider="twilio", account_sid=SID, auth_token="rotated"),
    ]
    secrets = Secrets({}, (), plain_text_allowed=True)
    async with (
        stand_in(NEVER) as standin,
        open_provider(
            lambda _owner: versions[0], secrets, base_url=standin.url, timeout=5.0, public_url=None
        ) as twilio,
    ):
        assert isinstance(await twilio.send(text_to(TO)), Accepted)
        del versions[0]
        assert isinstance(await twilio.send(text_to(TO)), Rejected)


async def test_what_came_in_is_not_taken_for_what_went_out() -> None:
    async def inbound(_request: web.Request) -> web.Response:
        row = {"sid": "SM1", "to": TO, "from": SENDER, "body": "Hi", "status": "received"}
        dates = {"date_created": "Wed, 25 Nov 2026 10:00:00 +0000"}
        rows = [row | dates | {"direction": direction} for direction in ("inbound", "outbound-api")]
        return web.json_response({"messages": rows, "page": 0, "page_size": 50, "next_page_uri": None})

    application = web.Application()
    application.router.add_get("/2010-04-01/Accounts/{account}/Messages.json", inbound)
    async with (
        TestServer(application) as server,
        open_provider(
            lambda _owner: CONNECTION,
            Secrets({}, (), plain_text_allowed=True),
            base_url=str(server.make_url("")),
            timeout=5.0,
            public_url=None,
        ) as twilio,
    ):
        assert await twilio.look(look(0.0)) == (MessageMatch(sid="SM1", status="received"),)


async def test_no_number_and_no_text_gets_into_a_log(caplog: pytest.LogCaptureFixture) -> None:
    """The library's own client logs the list's filters, which are phone numbers."""
    caplog.set_level(logging.DEBUG)
    async with stand_in() as standin, our_client(standin) as twilio:
        await twilio.send(text_to(TO, "a secret text"))
        await twilio.send(text_to("+15005550001", "a secret text"))
        await twilio.look(look(0.0))
    assert TO.removeprefix("+") not in caplog.text
    assert "secret" not in caplog.text


class Busy:
    """A Twilio that takes creates and leaves every question unanswered until `open` is set; `asked` counts them."""

    def __init__(self) -> None:
        self.open = asyncio.Event()
        self.asked = self.at_once = self.most = 0
        self._moved = asyncio.Condition()

    async def question(self, request: web.Request) -> web.Response:
        self.asked += 1
        self.at_once += 1
        self.most = max(self.most, self.at_once)
        async with self._moved:
            self._moved.notify_all()
        await self.open.wait()
        self.at_once -= 1
        if request.path.endswith("Messages.json"):
            return web.json_response({"messages": [], "page": 0, "page_size": 50, "next_page_uri": None})
        return web.json_response({"sid": "SM1", "status": "delivered"})

    async def create(self, _request: web.Request) -> web.Response:
        return web.json_response({"sid": "SM2", "status": "queued"}, status=201)

    async def until_asked(self, times: int) -> None:
        async with self._moved:
            await self._moved.wait_for(lambda: self.asked >= times)

    def application(self) -> web.Application:
        application = web.Application()
        application.router.add_get("/2010-04-01/Accounts/{account}/Messages.json", self.question)
        application.router.add_get("/2010-04-01/Accounts/{account}/Messages/{sid}.json", self.question)
        application.router.add_post("/2010-04-01/Accounts/{account}/Messages.json", self.create)
        return application


async def test_a_burst_of_questions_is_asked_a_few_at_a_time_and_holds_up_no_create() -> None:
    """Also when several connections share one account, which is what Twilio counts by."""
    accounts = {"a": "A", "also-a": "A", "b": "B", "c": "C", "d": "D"}
    busy, secrets = Busy(), Secrets({}, (), plain_text_allowed=True)
    connections = {
        owner: Connection(tenant=owner, provider="twilio", account_sid="AC" + sid * 32, auth_token="token")
        for owner, sid in accounts.items()
    }
    async with (
        TestServer(busy.application()) as server,
        open_provider(
            connections.get, secrets, base_url=str(server.make_url("")), timeout=30.0, public_url=None
        ) as twilio,
    ):
        asking = [asyncio.create_task(twilio.fetch("a", "SM1")) for _ in range(300)]
        asking += [asyncio.create_task(twilio.fetch("also-a", "SM1")) for _ in range(10)]
        await busy.until_asked(MOST_PER_ACCOUNT)
        assert isinstance(await twilio.send(text_to(TO, connection="a")), Accepted)
        assert busy.asked == MOST_PER_ACCOUNT
        for owner in ("b", "c", "d"):
            asking += [asyncio.create_task(twilio.look(look(0.0, connection=owner))) for _ in range(30)]
        await busy.until_asked(MOST_IN_ALL)
        assert isinstance(await twilio.send(text_to(TO, connection="d")), Accepted)
        assert busy.asked == MOST_IN_ALL
        busy.open.set()
        answers = await asyncio.gather(*asking)
    assert busy.most == MOST_IN_ALL
    assert answers == [MessageState(status="delivered")] * 310 + [()] * 90
