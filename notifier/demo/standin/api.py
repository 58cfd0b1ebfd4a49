"""Twilio's side of the stand-in: authentication, and the requests that the notifier makes."""

from __future__ import annotations

import asyncio
import base64
import binascii
import hmac
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from itertools import islice
from urllib.parse import parse_qsl
from uuid import uuid4

import msgspec
from aiohttp import web

from notifier.demo.standin.accounts import Account
from notifier.demo.standin.faults import FaultBook
from notifier.demo.standin.lifecycle import Lifecycle
from notifier.demo.standin.messages import (
    API_VERSION,
    CreatedMessage,
    ListQuery,
    Message,
    MessageStore,
    Page,
    twilio_date,
)
from notifier.demo.standin.numbers import FATES, MISHAPS, ORDINARY, Mishap
from notifier.demo.standin.refusals import Refusal
from notifier.demo.standin.validation import CreateRequest, check_create

FORM = "application/x-www-form-urlencoded"
LARGEST_PAGE, DEFAULT_PAGE = 1_000, 50
CUT = 444  # our own word for an answer that nobody gets
LIST_FILTERS = ("To", "From", "DateSent", "DateSent<", "DateSent>")

Handler = Callable[[web.Request, Account], Awaitable[web.Response]]


class TwilioApi:
    """`counts` holds requests by name (`create`, `list`, …) and their answers (`create 201`, `create cut`, …)."""

    def __init__(
        self,
        accounts: tuple[Account, ...],
        store: MessageStore,
        book: FaultBook,
        lifecycle: Lifecycle,
        now: Callable[[], float],
        closing: asyncio.Event,
    ) -> None:
        self._accounts = {account.sid: account for account in accounts}
        self._store = store
        self._book = book
        self._lifecycle = lifecycle
        self._now = now
        self._closing = closing
        self._in_flight: Counter[str] = Counter()
        self.counts: Counter[str] = Counter()

    def add_routes(self, router: web.UrlDispatcher) -> None:
        base = f"/{API_VERSION}/Accounts/{{account}}"
        router.add_post(base + "/Messages.json", self._handling("create", self._create))
        router.add_get(base + "/Messages.json", self._handling("list", self._list))
        router.add_get(base + "/Messages/{sid}.json", self._handling("fetch", self._fetch))
        router.add_get(base + ".json", self._handling("account", self._fetch_account, main_key_only=True))
        router.add_get(base + "/IncomingPhoneNumbers.json", self._handling("numbers", self._list_numbers))

    def _handling(
        self, name: str, handler: Handler, *, main_key_only: bool = False
    ) -> Callable[[web.Request], Awaitable[web.Response]]:
        """Counts, authenticates, and puts Twilio's headers on the answer."""

        async def handle(request: web.Request) -> web.Response:
            begun = self._now()
            self.counts[name] += 1
            account = self._authenticate(request, main_key_only=main_key_only)
            if account is None:
                response = _refuse(Refusal(20003))
            elif account.status != "active":
                response = _refuse(Refusal(20005))
            else:
                self._in_flight[account.sid] += 1
                try:
                    response = await handler(request, account)
                finally:
                    self._in_flight[account.sid] -= 1
                response.headers["Twilio-Concurrent-Requests"] = str(self._in_flight[account.sid] + 1)
            response.headers["Twilio-Request-Id"] = f"RQ{uuid4().hex}"
            response.headers["Twilio-Request-Duration"] = f"{self._now() - begun:.3f}"
            self.counts[f"{name} {'cut' if response.status == CUT else response.status}"] += 1
            return response

        return handle

    def _authenticate(self, request: web.Request, *, main_key_only: bool) -> Account | None:
        """A standard API key may do everything but read the account itself (twilio.md section 8)."""
        account = self._accounts.get(request.match_info["account"])
        scheme, _, encoded = request.headers.get("Authorization", "").partition(" ")
        if account is None or scheme.lower() != "basic":
            return None
        try:
            user, _, password = base64.b64decode(encoded, validate=True).decode().partition(":")
        except (binascii.Error, ValueError):
            return None
        secret = account.auth_token if user == account.sid else account.api_keys.get(user)
        if secret is None or (main_key_only and user != account.sid):
            return None
        return account if hmac.compare_digest(secret.encode(), password.encode()) else None

    async def _create(self, request: web.Request, account: Account) -> web.Response:
        faults = self._book.of(account.sid)
        if self._book.happens(faults.cut_before_read):
            return self._cut(request)
        body = await request.read()
        if request.content_type != FORM:
            return _refuse(Refusal(20415))
        refusal = self._book.refusal(faults, self._in_flight[account.sid])
        if refusal is not None:
            return _refuse(refusal)
        asked = check_create(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True), account)
        if isinstance(asked, Refusal):
            return _refuse(asked)
        mishap = MISHAPS.get(asked.to) or self._book.mishap(faults)
        if mishap is not None and not mishap.created:
            return await self._suffer(mishap, request)
        message = self._add(asked, account)
        if mishap is not None:
            self._lifecycle.begin(message, account)
            return await self._suffer(mishap, request)
        first = 0
        try:
            if self._lifecycle.is_early(message, account):
                first = 1
                await self._lifecycle.first_step(message, account)
            await asyncio.sleep(faults.latency)
            return _json(message.as_json(), status=201)
        finally:
            self._lifecycle.begin(message, account, first)

    def _add(self, asked: CreateRequest, account: Account) -> Message:
        now = self._now()
        created = CreatedMessage(
            sid=f"SM{uuid4().hex}",
            account_sid=account.sid,
            to=asked.to,
            from_=asked.from_,
            messaging_service_sid=asked.messaging_service_sid,
            body=asked.body,
            status_callback=asked.status_callback,
            validity_period=asked.validity_period,
            time=now,
        )
        status = "queued" if asked.messaging_service_sid is None else "accepted"
        message = Message(created, asked.from_, status, updated=now, fate=FATES.get(asked.to, ORDINARY))
        self._store.add(message)
        return message

    async def _suffer(self, mishap: Mishap, request: web.Request) -> web.Response:
        match mishap.trouble:
            case "server_error":
                return _refuse(Refusal(20500))
            case "bad_gateway":
                return web.Response(status=502, text="<html><h1>502 Bad Gateway</h1></html>", content_type="text/html")
            case "hang":
                self.counts["create hang"] += 1
                await self._closing.wait()
        return self._cut(request)

    def _cut(self, request: web.Request) -> web.Response:
        """Nothing can be answered any more; the response is for form's sake."""
        if request.transport is not None:
            request.transport.abort()
        return web.Response(status=CUT)

    async def _fetch(self, request: web.Request, account: Account) -> web.Response:
        message = self._store.find(account.sid, request.match_info["sid"])
        return _refuse(Refusal(20404)) if message is None else _json(message.as_json())

    async def _list(self, request: web.Request, account: Account) -> web.Response:
        """Newest first. The page token names the last message that was shown, so that new ones shift nothing."""
        query = request.query
        known = {*LIST_FILTERS, "PageSize", "Page", "PageToken"}
        size, number = _number(query, "PageSize", DEFAULT_PAGE), _number(query, "Page", 0)
        if not query.keys() <= known or size is None or number is None or not 1 <= size <= LARGEST_PAGE:
            return _refuse(Refusal(20001))
        wanted = ListQuery(*(query.get(name) for name in ("To", "From", "DateSent", "DateSent>", "DateSent<")))
        before = self._now() - self._book.of(account.sid).list_lag
        messages = self._store.newest_first(account.sid, wanted, before)
        token = query.get("PageToken", "")
        if number and token:
            any(message.created.sid == token.removeprefix("PA") for message in messages)  # passes over what was shown
        shown = list(islice(messages, size + 1))
        items = shown[:size]
        page = Page(
            [message.as_json() for message in items],
            number=number,
            size=size,
            start=number * size,
            has_more=len(shown) > size,
            next_token=f"PA{items[-1].created.sid}" if items else "",
        )
        filters = [(name, query[name]) for name in LIST_FILTERS if name in query]
        return _json(page.as_json("messages", request.path, filters))

    async def _fetch_account(self, _request: web.Request, account: Account) -> web.Response:
        return _json(
            {
                "sid": account.sid,
                "friendly_name": account.friendly_name,
                "status": account.status,
                "type": "Full",
                "owner_account_sid": account.sid,
                "date_created": twilio_date(0.0),
                "date_updated": twilio_date(0.0),
                "uri": f"/{API_VERSION}/Accounts/{account.sid}.json",
            }
        )

    async def _list_numbers(self, request: web.Request, account: Account) -> web.Response:
        """The filter accepts parts of a number, as Twilio's does."""
        part = request.query.get("PhoneNumber", "").replace("*", "")
        numbers: list[dict[str, object]] = [
            {
                "sid": f"PN{index:032x}",
                "account_sid": account.sid,
                "phone_number": number,
                "friendly_name": number,
                "capabilities": {"sms": True, "mms": False, "voice": False, "fax": False},
            }
            for index, number in enumerate(account.numbers)
            if part in number
        ]
        page = Page(numbers, number=0, size=max(len(numbers), 1), start=0, has_more=False, next_token="")
        filters = [("PhoneNumber", request.query["PhoneNumber"])] if "PhoneNumber" in request.query else []
        return _json(page.as_json("incoming_phone_numbers", request.path, filters))


def _number(query: Mapping[str, str], name: str, default: int) -> int | None:
    text = query.get(name, str(default))
    return int(text) if text.isascii() and text.isdigit() else None


def _json(content: Mapping[str, object], status: int = 200) -> web.Response:
    return web.Response(body=msgspec.json.encode(content), status=status, content_type="application/json")


def _refuse(refusal: Refusal) -> web.Response:
    response = web.Response(body=refusal.body(), status=refusal.status, content_type="application/json")
    if refusal.retry_after is not None:
        response.headers["Retry-After"] = f"{refusal.retry_after:g}"
    return response
