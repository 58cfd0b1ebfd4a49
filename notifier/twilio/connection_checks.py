"""Asking Twilio about a Connection: does it take the credentials, is the account active, can the senders send SMS.

The calls are those of twilio.md section 8. One question at a time, so that a check never takes more than one of the
requests in flight that Twilio grants an account, and on connections of its own. Secrets are opened anew every time.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any, Literal, TypeVar

from twilio.base.exceptions import TwilioException  # type: ignore[import-untyped]  # ships no type information
from twilio.rest import Client  # type: ignore[import-untyped]  # ships no type information

from notifier.domain.connection_checks import (
    NOTHING_KNOWN,
    AccountSeen,
    Answers,
    ConnectionCheck,
    NumberSeen,
    Refused,
    SenderAnswer,
    ServiceSeen,
    Unanswered,
    Uncheckable,
    decide,
    is_settled,
    unopened,
)
from notifier.domain.documents import Connection, Sender
from notifier.settings_values import TransportName
from notifier.twilio.credentials import CredentialsUnavailable, Secrets
from notifier.twilio.http_client import ErrorAnswer, TwilioHttpClient
from notifier.twilio.transport import Interrupted, NotConnected
from notifier.twilio.transport_choice import open_transport

ANSWER_SECONDS = 10.0  # for one question
CHECK_SECONDS = 60.0
LARGEST_POOL = 400  # senders of a messaging service, Twilio's own limit

_NO_EVIDENCE = frozenset({408, 429})

_Answer = TypeVar("_Answer")


class ConnectionChecks:
    def __init__(self, secrets: Secrets, http_client: TwilioHttpClient) -> None:
        self._secrets = secrets
        self._http_client = http_client

    async def check(self, connection: Connection, former: ConnectionCheck = NOTHING_KNOWN) -> ConnectionCheck:
        """What is known of a Connection now; `former` is what was known before. Raises nothing but `CancelledError`."""
        try:
            self._secrets.auth_token(connection)
            login = self._secrets.login(connection)
        except CredentialsUnavailable as error:
            return unopened(error.reason)
        client = Client(login.user, login.password, login.account_sid, http_client=self._http_client)
        try:
            async with asyncio.timeout(CHECK_SECONDS):
                return decide(await _ask_all(client, connection), former)
        except TimeoutError:
            return replace(former, trouble=f"not done after {CHECK_SECONDS:g} s")


@asynccontextmanager
async def open_checks(
    secrets: Secrets, *, base_url: str | None, transport: TransportName = "auto"
) -> AsyncIterator[ConnectionChecks]:
    """`base_url` None: Twilio's own hosts."""
    async with open_transport(transport, ANSWER_SECONDS) as opened:
        yield ConnectionChecks(secrets, TwilioHttpClient(opened, base_url))


async def _ask_all(client: Any, connection: Connection) -> Answers:  # Any: the library has no types
    with_api_key = connection.api_key is not None
    account = await _ask(_account(client, connection.account_sid))
    if is_settled(account, with_api_key=with_api_key):
        return Answers(with_api_key=with_api_key, account=account, messages=None, senders={})
    messages = None if isinstance(account, AccountSeen) else await _ask(_messages(client))
    senders: dict[str, SenderAnswer] = {}
    silent = messages if isinstance(messages, Unanswered) else None
    for sender in connection.senders:
        answer: SenderAnswer
        if silent is None:
            answer = await _ask(_sender(client, sender))
            silent = answer if isinstance(answer, Unanswered) else None
        else:
            answer = silent  # the next question would only wait as long
        senders[sender.from_ or sender.messaging_service_sid or ""] = answer
    return Answers(with_api_key=with_api_key, account=account, messages=messages, senders=senders)


async def _ask(question: Awaitable[_Answer]) -> _Answer | Refused | Unanswered:
    try:
        return await question
    except NotConnected:
        return Unanswered("no connection to Twilio")
    except Interrupted as error:
        return Unanswered("Twilio did not answer in time" if error.cause == "time_out" else "the connection was cut")
    except ErrorAnswer as answer:
        code = answer.twilio_code
        if answer.status in _NO_EVIDENCE or not 400 <= answer.status < 500 or code is None:
            return Unanswered(f"the answer was HTTP {answer.status}" + (f", error {code}" if code is not None else ""))
        return Refused(answer.status, code)
    except (TwilioException, ValueError, TypeError, AttributeError, LookupError):
        return Unanswered("the answer could not be read")


async def _account(client: Any, sid: str) -> AccountSeen:
    account = await client.api.v2010.accounts(sid).fetch_async()
    return AccountSeen(status=_text(account.status), type=_text(account.type))


async def _messages(client: Any) -> Literal["readable"]:
    """What a Standard key may read, and a Restricted one that may read messages, where `/Accounts` is refused."""
    await client.messages.list_async(limit=1, page_size=1)
    return "readable"


async def _sender(client: Any, sender: Sender) -> SenderAnswer:
    if sender.messaging_service_sid is not None:
        return await _service(client.messaging.v1.services(sender.messaging_service_sid))
    if sender.from_ is None or not sender.from_.startswith("+"):
        return Uncheckable()
    return await _number(client, sender.from_)


async def _number(client: Any, number: str) -> NumberSeen:
    """Twilio's filter takes parts of a number, too, so that the whole is compared here."""
    for owned in await client.incoming_phone_numbers.list_async(phone_number=number, limit=50, page_size=50):
        if owned.phone_number == number:
            return NumberSeen(sms=owned.capabilities["sms"] is True)
    return NumberSeen(sms=None)


async def _service(service: Any) -> ServiceSeen:
    """Its kinds of senders one after the other, until one is found that can send SMS."""
    await service.fetch_async()
    count = with_sms = 0
    for pool in (service.phone_numbers, service.short_codes, service.alpha_senders):
        found = await pool.list_async(limit=LARGEST_POOL, page_size=LARGEST_POOL)
        count += len(found)
        with_sms += sum("SMS" in (capability.upper() for capability in one.capabilities) for one in found)
        if with_sms:
            break
    return ServiceSeen(count, with_sms)


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError("no text")
    return value
