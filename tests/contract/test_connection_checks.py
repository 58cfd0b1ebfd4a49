"""Checks of a Connection, by the real client against the stand-in: each state, and what it is told from."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from notifier.demo.standin.accounts import Account
from notifier.demo.standin.accounts import ApiKey as Key
from notifier.demo.standin.faults import Faults
from notifier.demo.standin.server import TwilioStandIn
from notifier.domain.connection_checks import AccountSeen, ConnectionCheck, SenderCheck
from notifier.domain.documents import ApiKey, Connection, SecretRef, Sender
from notifier.twilio import connection_checks
from notifier.twilio.connection_checks import ConnectionChecks, open_checks
from notifier.twilio.credentials import Secrets
from notifier.twilio.http_client import TwilioHttpClient
from notifier.twilio.transport import RawAnswer
from tests.contract.standin_peers import ACCOUNT, EMPTY_SERVICE, NEVER, SENDER, SERVICE, SID, TurnedClock

VOICE = "+15551234599"
KEY = "SK" + "1" * 32
CONNECTION = Connection(
    tenant="harbour-house", provider="twilio", account_sid=SID, auth_token="token", senders=(Sender(from_=SENDER),)
)
READS = ("messages/read", "numbers/read", "services/read")


@asynccontextmanager
async def checking(account: Account = ACCOUNT) -> AsyncIterator[tuple[TwilioStandIn, ConnectionChecks]]:
    secrets = Secrets({}, (), plain_text_allowed=True)
    async with (
        TwilioStandIn([account], TurnedClock().now, timing=NEVER) as standin,
        open_checks(secrets, base_url=standin.url) as checks,
    ):
        yield standin, checks


def changed(**fields: object) -> Account:
    return msgspec.structs.replace(ACCOUNT, **fields)


def sending(*senders: str, **fields: object) -> Connection:
    made = tuple(
        Sender(messaging_service_sid=name) if name.startswith("MG") else Sender(from_=name) for name in senders
    )
    return msgspec.structs.replace(CONNECTION, senders=made, **fields)


def with_key(secret: str = "secret", *senders: str) -> Connection:
    return sending(*(senders or (SENDER,)), api_key=ApiKey(sid=KEY, secret=secret))


async def test_all_that_can_be_seen_is_well() -> None:
    async with checking() as (standin, checks):
        check = await checks.check(sending(SENDER, SERVICE))
    assert (check.state, check.reason, check.unverified, check.trouble) == ("connected", None, (), None)
    assert check.account == AccountSeen("active", "Full")
    assert [(one.sender, one.owned, one.sms) for one in check.senders] == [
        (SENDER, True, True), (SERVICE, True, True),
    ]  # fmt: skip
    assert (standin.counts["account"], standin.counts["list"], standin.counts["create"]) == (1, 0, 0)


@pytest.mark.parametrize(
    ("account", "connection", "state", "reason"),
    [
        (changed(auth_token="rotated"), CONNECTION, "broken", "Twilio refused the credentials (HTTP 401, error 20003)"),
        (changed(status="suspended"), CONNECTION, "broken", "the account is suspended"),
        (changed(status="closed"), CONNECTION, "broken", "the account is not active (HTTP 403, error 20005)"),
        (changed(type="Trial"), CONNECTION, "degraded", "a trial account: it texts verified recipients only"),
        (changed(numbers=()), CONNECTION, "degraded", f"{SENDER}: is not a number of the account"),
        (changed(numbers=(SENDER + "9",)), CONNECTION, "degraded", f"{SENDER}: is not a number of the account"),
        (changed(voice_only=(VOICE,)), sending(SENDER, VOICE), "degraded", f"{VOICE}: is owned, but cannot send SMS"),
        (ACCOUNT, sending("MG" + "7" * 32), "degraded",
         f"MG{'7' * 32}: the messaging service does not exist in the account"),
        (ACCOUNT, sending(EMPTY_SERVICE), "degraded", f"{EMPTY_SERVICE}: the messaging service has no senders"),
        (changed(voice_only=(VOICE,), services={SERVICE: (VOICE,)}), sending(SERVICE), "degraded",
         f"{SERVICE}: no sender of the messaging service can send SMS"),
        (changed(services={SERVICE: ("55555",)}), sending(SERVICE), "connected", None),
        (changed(services={SERVICE: ("HARBOUR",)}), sending(SERVICE), "connected", None),
        (ACCOUNT, sending(), "degraded", "the Connection has no sender"),
    ],
)  # fmt: skip
async def test_twilio_s_word_makes_a_state(
    account: Account, connection: Connection, state: str, reason: str | None
) -> None:
    async with checking(account) as (_, checks):
        check = await checks.check(connection)
    assert (check.state, check.reason) == (state, reason)


@pytest.mark.parametrize(
    ("key", "state", "unverified"),
    [
        (Key(secret="secret", type="main"), "connected", 0),
        (Key(secret="secret", type="standard"), "connected", 1),
        (Key(secret="secret", type="restricted", permissions=READS), "connected", 1),
        (Key(secret="secret", type="restricted", permissions=("messages/read",)), "connected", 3),
        (Key(secret="secret", type="restricted", permissions=("numbers/read",)), "connected", 3),
        (Key(secret="secret", type="restricted", permissions=("messages/create",)), "broken", 0),
        (Key(secret="another"), "broken", 0),
    ],
)
async def test_what_a_key_may_not_look_at_is_unverified_and_no_fault(key: Key, state: str, unverified: int) -> None:
    async with checking(changed(api_keys={KEY: key})) as (_, checks):
        check = await checks.check(with_key("secret", SENDER, SERVICE))
    assert (check.state, len(check.unverified)) == (state, unverified)


async def test_a_secret_that_cannot_be_opened_is_broken_also_where_only_signatures_need_it() -> None:
    async with checking(changed(api_keys={KEY: "secret"})) as (standin, checks):
        unset = SecretRef(env="UNSET_TOKEN")
        check = await checks.check(msgspec.structs.replace(with_key(), auth_token=unset))
        assert check.state == "broken"
        assert (check.reason or "").endswith("authToken: the environment variable UNSET_TOKEN is not set")
        assert standin.counts == {}


async def test_a_mended_secret_is_seen_by_the_next_check(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("wrong")
    connection = msgspec.structs.replace(CONNECTION, auth_token=SecretRef(file=str(file)))
    async with checking() as (_, checks):
        broken = await checks.check(connection)
        file.write_text("token\n")
        mended = await checks.check(connection, broken)
    assert (broken.state, mended.state) == ("broken", "connected")


WELL = ConnectionCheck(state="connected", senders=(SenderCheck(SENDER, True, True, "is owned and can send SMS"),))
BROKEN = ConnectionCheck(state="broken", reason="Twilio refused the credentials")


@pytest.mark.parametrize("former", [WELL, BROKEN])
@pytest.mark.parametrize(("code", "why"), [(20429, "HTTP 429"), (20500, "HTTP 500"), (20503, "HTTP 503")])
async def test_trouble_at_twilio_leaves_the_former_state(former: ConnectionCheck, code: int, why: str) -> None:
    async with checking() as (standin, checks):
        standin.order(Faults(refuse_reads_with=code))
        check = await checks.check(CONNECTION, former)
    assert (check.state, check.reason, check.senders) == (former.state, former.reason, former.senders)
    assert check.trouble == f"the answer was {why}, error {code}"


async def test_nobody_there_leaves_the_former_state() -> None:
    async with checking() as (standin, checks):
        await standin.__aexit__(None, None, None)
        check = await checks.check(CONNECTION, WELL)
    assert (check.state, check.trouble) == ("connected", "no connection to Twilio")


async def odd(request: web.Request) -> web.StreamResponse:
    """Whoever stands before Twilio, or an answer as nobody expects it."""
    match request.match_info["account"][-1]:
        case "1":
            return web.Response(status=403, text="<h1>Blocked by your network</h1>", content_type="text/html")
        case "2":
            return web.Response(status=302, headers={"Location": "https://example.com/login"})
        case "3":
            return web.json_response({"sid": "AC1"})
        case "4":
            return web.Response(text="[")
    await asyncio.Event().wait()
    raise AssertionError("nobody wakes it")


@pytest.mark.parametrize(
    ("digit", "trouble"),
    [
        ("1", "the answer was HTTP 403"), ("2", "the answer was HTTP 302"), ("3", "the answer could not be read"),
        ("4", "the answer could not be read"), ("5", "Twilio did not answer in time"),
    ],
)  # fmt: skip
async def test_an_answer_that_is_not_twilio_s_is_no_evidence(
    digit: str, trouble: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection_checks, "ANSWER_SECONDS", 0.3)
    application = web.Application()
    application.router.add_get("/2010-04-01/Accounts/{account:AC[0-9]+}.json", odd)
    secrets = Secrets({}, (), plain_text_allowed=True)
    async with (
        TestServer(application, handler_cancellation=True) as server,
        open_checks(secrets, base_url=str(server.make_url(""))) as checks,
    ):
        connection = msgspec.structs.replace(CONNECTION, account_sid="AC" + digit * 32)
        check = await checks.check(connection, WELL)
    assert (check.state, check.trouble) == ("connected", trouble)


async def test_after_one_question_without_an_answer_the_other_senders_are_not_asked_for() -> None:
    asked: list[str] = []

    async def account(_request: web.Request) -> web.Response:
        return web.json_response({"status": "active", "type": "Full"})

    async def numbers(request: web.Request) -> web.Response:
        asked.append(request.query["PhoneNumber"])
        return web.Response(status=500)

    application = web.Application()
    application.router.add_get("/2010-04-01/Accounts/{account}.json", account)
    application.router.add_get("/2010-04-01/Accounts/{account}/IncomingPhoneNumbers.json", numbers)
    secrets = Secrets({}, (), plain_text_allowed=True)
    async with (
        TestServer(application) as server,
        open_checks(secrets, base_url=str(server.make_url(""))) as checks,
    ):
        check = await checks.check(sending(SENDER, VOICE, SERVICE))
    assert asked == [SENDER]
    assert [one.usable for one in check.senders] == [None, None, None]
    assert check.state == "connected"


async def test_a_check_that_takes_too_long_says_so_and_leaves_the_former_state(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Silent:
        async def exchange(self, *_request: object) -> RawAnswer:
            return await asyncio.get_running_loop().create_future()

    monkeypatch.setattr(connection_checks, "CHECK_SECONDS", 0.0)
    checks = ConnectionChecks(Secrets({}, (), plain_text_allowed=True), TwilioHttpClient(Silent()))
    check = await checks.check(CONNECTION, WELL)
    assert (check.state, check.trouble) == ("connected", "not done after 0 s")


async def test_no_secret_and_no_number_gets_into_a_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(0)
    async with checking() as (_, checks):
        await checks.check(sending(SENDER, SERVICE))
        await checks.check(msgspec.structs.replace(CONNECTION, auth_token="not-this-one"))
    assert SENDER.removeprefix("+") not in caplog.text
    assert "token" not in caplog.text
    assert "not-this-one" not in caplog.text
