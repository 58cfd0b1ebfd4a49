"""Twilio as the engine's shell sees it: send, look, fetch, over one transport that lives as long as the process."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from notifier.domain.answers import LookRequest, MessageMatch, MessageState, SendRequest, SendResult
from notifier.settings_values import TransportName
from notifier.twilio.accounts import Accounts, ConnectionSource
from notifier.twilio.credentials import Secrets
from notifier.twilio.http_client import TwilioHttpClient
from notifier.twilio.lookups import TwilioLookups
from notifier.twilio.sender import TwilioSender
from notifier.twilio.transport_choice import open_transport


class TwilioProvider:
    def __init__(self, accounts: Accounts, public_url: str | None) -> None:
        self._sender = TwilioSender(accounts, public_url)
        self._lookups = TwilioLookups(accounts)

    async def send(self, request: SendRequest) -> SendResult:
        return await self._sender.send(request)

    async def look(self, request: LookRequest) -> tuple[MessageMatch, ...] | None:
        return await self._lookups.look(request)

    async def fetch(self, connection: str, sid: str) -> MessageState | None:
        return await self._lookups.fetch(connection, sid)


@asynccontextmanager
async def open_provider(
    connection_of: ConnectionSource,
    secrets: Secrets,
    *,
    base_url: str | None,
    timeout: float,
    public_url: str | None,
    transport: TransportName = "auto",
) -> AsyncIterator[TwilioProvider]:
    """`base_url` None: Twilio's own hosts; `timeout` in seconds, for one exchange; `public_url` None: no callbacks."""
    async with open_transport(transport, timeout) as opened:
        yield TwilioProvider(Accounts(connection_of, secrets, TwilioHttpClient(opened, base_url)), public_url)
