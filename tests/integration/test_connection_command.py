"""`notifier connection check` as a shell runs it, against a broker and the stand-in."""

from __future__ import annotations

import asyncio
import json
import os
import sysconfig
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from notifier.demo.standin.accounts import Account, ApiKey
from notifier.demo.standin.faults import Faults
from notifier.demo.standin.server import TwilioStandIn
from notifier.domain.documents import ApiKey as KeyOfDocument
from notifier.domain.documents import BuiltinSender, Connection, Document, SecretRef, Sender, Tenant, document_key
from notifier.kafka.config_topic import append_config
from notifier.kafka.connection import Options
from notifier.settings import KafkaSettings, TopicSettings

pytestmark = pytest.mark.integration

SENDER, VOICE = "+15551234567", "+15551234599"
SERVICE = "MG" + "2" * 32
SID, SHARED_SID, KEY = "AC" + "1" * 32, "AC" + "2" * 32, "SK" + "1" * 32
ACCOUNT = Account(
    sid=SID, auth_token="harbour-token", api_keys={KEY: "key-secret"}, numbers=(SENDER,), voice_only=(VOICE,),
    services={SERVICE: (SENDER,)},
)  # fmt: skip
SHARED = Account(sid=SHARED_SID, auth_token="platform-token", numbers=("+15557654321",))
TOKENS = {"HARBOUR_TOKEN": "harbour-token", "PLATFORM_TOKEN": "platform-token", "HARBOUR_KEY": "key-secret"}

Told = tuple[int, list[str], str]
Check = Callable[..., Awaitable[Told]]


def connection(tenant: str, sid: str, variable: str, *senders: str) -> Connection:
    made = tuple(
        Sender(messaging_service_sid=name) if name.startswith("MG") else Sender(from_=name) for name in senders
    )
    token = SecretRef(env=variable)
    return Connection(tenant=tenant, version=1, provider="twilio", account_sid=sid, auth_token=token, senders=made)


def tenant(name: str, *, borrows: bool = False) -> Tenant:
    sender = BuiltinSender(connection="platform") if borrows else None
    return Tenant(tenant=name, version=1, platform="pms", name=name, builtin_sender=sender)


HARBOUR = connection("harbour-house", SID, "HARBOUR_TOKEN", SENDER, SERVICE)
DOCUMENTS: list[Document] = [
    tenant("harbour-house"), HARBOUR, tenant("mill-lodge", borrows=True), tenant("south-clinic"),
    connection("platform", SHARED_SID, "PLATFORM_TOKEN", "+15557654321"),
]  # fmt: skip


@pytest.fixture
async def standin() -> AsyncIterator[TwilioStandIn]:
    async with TwilioStandIn([ACCOUNT, SHARED], time.time) as standin:
        yield standin


@pytest.fixture
def apply(options: Options, topics: TopicSettings) -> Callable[..., Awaitable[int]]:
    async def written(*documents: Document) -> int:
        changes = [(document_key(document), document) for document in documents]
        return await append_config(options, topics.name("config"), changes)

    return written


@pytest.fixture
async def check(
    kafka_settings: KafkaSettings,
    topics: TopicSettings,
    standin: TwilioStandIn,
    apply: Callable[..., Awaitable[int]],
) -> Check:
    """Runs the installed command to its end: exit code, lines of standard output, standard error."""
    await apply(*DOCUMENTS)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("NOTIFIER_")} | {
        "NOTIFIER_KAFKA__BOOTSTRAP_SERVERS": kafka_settings.bootstrap_servers,
        "NOTIFIER_TOPICS__PREFIX": topics.prefix,
        "NOTIFIER_TWILIO__API_BASE_URL": standin.url,
        "NOTIFIER_ENVIRONMENT": "test",
        **TOKENS,
    }

    async def command(*arguments: str, **more: str) -> Told:
        process = await asyncio.create_subprocess_exec(
            str(Path(sysconfig.get_path("scripts")) / "notifier"), "connection", "check", *arguments,
            env=environment | more, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        out, said = await asyncio.wait_for(process.communicate(), 60)
        assert process.returncode is not None
        assert not any(secret in out.decode() + said.decode() for secret in TOKENS.values())
        return process.returncode, out.decode().splitlines(), said.decode()

    return command


def rows(told: Told) -> list[dict[str, Any]]:
    return [json.loads(line) for line in told[1]]


async def test_a_connection_that_is_well_says_so_in_words_and_as_json(check: Check, standin: TwilioStandIn) -> None:
    assert await check("--tenant", "harbour-house") == (
        0,
        [
            "harbour-house is connected",
            f"  account {SID}: active, Full",
            f"  sender {SENDER}: is owned and can send SMS",
            f"  sender {SERVICE}: the messaging service has senders that can send SMS (1 of 1)",
        ],
        "",
    )
    assert rows(await check("--tenant", "harbour-house", "--json")) == [
        {
            "tenant": "harbour-house", "state": "connected", "reason": None,
            "account": {"sid": SID, "status": "active", "type": "Full"},
            "senders": [
                {"sender": SENDER, "owned": True, "sms": True, "detail": "is owned and can send SMS"},
                {"sender": SERVICE, "owned": True, "sms": True,
                 "detail": "the messaging service has senders that can send SMS (1 of 1)"},
            ],
            "unverified": [], "trouble": None,
        }
    ]  # fmt: skip
    assert standin.messages == ()


async def test_revoked_credentials_are_broken_and_1(check: Check, standin: TwilioStandIn) -> None:
    standin.put(msgspec.structs.replace(ACCOUNT, auth_token="rotated"))
    assert await check("--tenant", "harbour-house") == (
        1, ["harbour-house is broken: Twilio refused the credentials (HTTP 401, error 20003)"], "",
    )  # fmt: skip


async def test_a_number_that_cannot_send_is_degraded_and_1(check: Check, apply: Callable[..., Awaitable[int]]) -> None:
    await apply(connection("harbour-house", SID, "HARBOUR_TOKEN", SENDER, VOICE, "+15550000000"))
    code, lines, said = await check("--tenant", "harbour-house")
    assert (code, said) == (1, "")
    assert lines == [
        f"harbour-house is degraded: {VOICE}: is owned, but cannot send SMS; +15550000000: is not a number of the"
        " account",
        f"  account {SID}: active, Full",
        f"  sender {SENDER}: is owned and can send SMS",
        f"  sender {VOICE}: is owned, but cannot send SMS",
        "  sender +15550000000: is not a number of the account",
    ]


async def test_what_a_restricted_key_may_not_look_at_is_said_and_is_no_failure(
    check: Check, standin: TwilioStandIn, apply: Callable[..., Awaitable[int]]
) -> None:
    key = ApiKey(secret="key-secret", type="restricted", permissions=("messages/create", "messages/read"))
    standin.put(msgspec.structs.replace(ACCOUNT, api_keys={KEY: key}))
    document = KeyOfDocument(sid=KEY, secret=SecretRef(env="HARBOUR_KEY"))
    await apply(msgspec.structs.replace(HARBOUR, senders=(Sender(from_=SENDER),), api_key=document))
    assert await check("--tenant", "harbour-house") == (
        0,
        [
            "harbour-house is connected",
            "  not verified: status and type of the account: the API key may not read them (HTTP 401, error 20003)",
            f"  not verified: {SENDER}: the API key may not look it up (HTTP 403, error 70051)",
        ],
        "",
    )


async def test_a_secret_that_cannot_be_opened_here_is_named_and_1(check: Check) -> None:
    code, lines, said = await check("--tenant", "harbour-house", HARBOUR_TOKEN="")
    assert (code, said, len(lines)) == (1, "", 1)
    assert lines[0].startswith("harbour-house is broken: ")
    assert lines[0].endswith("authToken: empty")


async def test_without_an_answer_nothing_is_claimed(check: Check, standin: TwilioStandIn) -> None:
    standin.order(Faults(refuse_reads_with=20503))
    assert await check("--tenant", "harbour-house") == (
        1, ["harbour-house could not be checked: the answer was HTTP 503, error 20503"], "",
    )  # fmt: skip
    (row,) = rows(await check("--tenant", "harbour-house", "--json"))
    assert (row["state"], row["trouble"]) == (None, "the answer was HTTP 503, error 20503")


async def test_who_has_no_connection_is_not_connected_and_the_lender_is_checked_too(check: Check) -> None:
    assert await check("--tenant", "south-clinic") == (
        1, ["south-clinic is not connected: it has no Connection of its own"], "",
    )  # fmt: skip
    both = rows(await check("--tenant", "mill-lodge", "--json"))
    assert [(row["tenant"], row["state"]) for row in both] == [
        ("mill-lodge", "not_connected"), ("platform", "connected"),
    ]  # fmt: skip
    assert (await check("--tenant", "platform"))[:2] == (
        0,
        [
            "platform is connected",
            f"  account {SHARED_SID}: active, Full",
            "  sender +15557654321: is owned and can send SMS",
        ],
    )


async def test_an_unknown_tenant_is_one_clear_line_and_1(check: Check) -> None:
    said = "notifier: there is no tenant harbor-house; did you mean harbour-house?\n"
    assert await check("--tenant", "harbor-house") == (1, [], said)


async def test_no_tenant_is_wrong_usage(check: Check) -> None:
    code, lines, said = await check()
    assert (code, lines) == (2, [])
    assert "--tenant" in said
