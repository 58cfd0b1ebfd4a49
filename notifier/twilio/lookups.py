"""Asking Twilio what it knows: the message list for a create in doubt, and one message for its status.

Presence on the list is proof, absence is not (twilio.md section 6). The list filters by number and sender only; body,
time and service are compared here. No date filter: `DateSent` is empty while a message is queued, so that it might hide
just the one that is looked for. None means that Twilio could not be asked, which is not the same as "not there". Many
lookups at once wait for their turns.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Protocol

from twilio.base.exceptions import TwilioException  # type: ignore[import-untyped]  # ships no type information

from notifier.domain.answers import LookRequest, MessageMatch, MessageState
from notifier.twilio.accounts import Accounts
from notifier.twilio.credentials import CredentialsUnavailable
from notifier.twilio.http_client import ErrorAnswer
from notifier.twilio.transport import Interrupted, NotConnected
from notifier.twilio.turns import Turns

CLOCK_SKEW_SECONDS = 2.0  # `date_created` has whole seconds, and Twilio's clock is not ours
PAGE_SIZE = 100
MOST_MESSAGES = 1_000  # to one number from one sender; newest first, so that a recent one is among them

# `ValueError`, `TypeError`, `AttributeError`: an answer that the library cannot read.
_UNANSWERED = (
    CredentialsUnavailable, NotConnected, Interrupted, ErrorAnswer, TwilioException, ValueError, TypeError,
    AttributeError,
)  # fmt: skip


class _Message(Protocol):
    """What is read of the library's `MessageInstance`."""

    sid: str
    to: str | None
    from_: str | None
    messaging_service_sid: str | None
    body: str | None
    status: str
    direction: str
    error_code: int | None
    date_created: datetime | None


class TwilioLookups:
    def __init__(self, accounts: Accounts) -> None:
        self._accounts = accounts
        self._turns = Turns()

    async def look(self, request: LookRequest) -> tuple[MessageMatch, ...] | None:
        """The messages that may be this create; None when the list could not be read."""
        async with self._turns.turn(self._accounts.name(request.connection), "look"):
            return await self._look(request)

    async def fetch(self, connection: str, sid: str) -> MessageState | None:
        """The message as it stands now; None when it could not be fetched."""
        async with self._turns.turn(self._accounts.name(connection), "fetch"):
            return await self._fetch(connection, sid)

    async def _look(self, request: LookRequest) -> tuple[MessageMatch, ...] | None:
        filters = {"to": request.to} if request.from_ is None else {"to": request.to, "from_": request.from_}
        try:
            messages = self._accounts.messages(request.connection)
            listed = await messages.list_async(limit=MOST_MESSAGES, page_size=PAGE_SIZE, **filters)
            return tuple(_matching(listed, request))
        except _UNANSWERED as error:
            self._forget_after(error, request.connection)
            return None

    async def _fetch(self, connection: str, sid: str) -> MessageState | None:
        try:
            message = await self._accounts.messages(connection)(sid).fetch_async()
            if not isinstance(message.status, str):
                return None
            return MessageState(status=message.status, error_code=message.error_code)
        except _UNANSWERED as error:
            self._forget_after(error, connection)
            return None

    def _forget_after(self, error: Exception, connection: str) -> None:
        if isinstance(error, ErrorAnswer) and error.status == 401:
            self._accounts.forget(connection)


def _matching(messages: Iterable[_Message], request: LookRequest) -> Iterable[MessageMatch]:
    for message in messages:
        if (
            message.direction.startswith("outbound")
            and message.to == request.to
            and (request.from_ is None or message.from_ == request.from_)
            and (
                request.messaging_service_sid is None or message.messaging_service_sid == request.messaging_service_sid
            )
            and message.body == request.body
            and message.date_created is not None
            and message.date_created.timestamp() >= request.since - CLOCK_SKEW_SECONDS
            and (request.until is None or message.date_created.timestamp() < request.until - CLOCK_SKEW_SECONDS)
        ):
            yield MessageMatch(sid=message.sid, status=message.status, error_code=message.error_code)
