"""Twilio's side of the stand-in: the messages that are created, fetched and listed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from itertools import islice
from urllib.parse import parse_qsl
from uuid import uuid4

from aiohttp import web

from notifier.demo.standin.accounts import Account
from notifier.demo.standin.faults import FaultBook
from notifier.demo.standin.lifecycle import Lifecycle
from notifier.demo.standin.messages import API_VERSION, CreatedMessage, ListQuery, Message, MessageStore, Page, paging
from notifier.demo.standin.numbers import FATES, MISHAPS, ORDINARY, Mishap
from notifier.demo.standin.reception import CUT, Reception, answer, refuse
from notifier.demo.standin.refusals import Refusal
from notifier.demo.standin.validation import CreateRequest, check_create

FORM = "application/x-www-form-urlencoded"
LIST_FILTERS = ("To", "From", "DateSent", "DateSent<", "DateSent>")


class MessageApi:
    def __init__(
        self,
        reception: Reception,
        store: MessageStore,
        book: FaultBook,
        lifecycle: Lifecycle,
        now: Callable[[], float],
        closing: asyncio.Event,
    ) -> None:
        self._reception = reception
        self._store = store
        self._book = book
        self._lifecycle = lifecycle
        self._now = now
        self._closing = closing

    def add_routes(self, router: web.UrlDispatcher) -> None:
        base = f"/{API_VERSION}/Accounts/{{account}}/Messages"
        handling = self._reception.handling
        router.add_post(base + ".json", handling("create", "messages/create", self._create))
        router.add_get(base + ".json", handling("list", "messages/read", self._list))
        router.add_get(base + "/{sid}.json", handling("fetch", "messages/read", self._fetch))

    async def _create(self, request: web.Request, account: Account) -> web.Response:
        faults = self._book.of(account.sid)
        if self._book.happens(faults.cut_before_read):
            return self._cut(request)
        body = await request.read()
        if request.content_type != FORM:
            return refuse(Refusal(20415))
        refusal = self._book.refusal(faults, self._reception.in_flight[account.sid])
        if refusal is not None:
            return refuse(refusal)
        asked = check_create(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True), account)
        if isinstance(asked, Refusal):
            return refuse(asked)
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
            return answer(message.as_json(), status=201)
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
                return refuse(Refusal(20500))
            case "bad_gateway":
                return web.Response(status=502, text="<html><h1>502 Bad Gateway</h1></html>", content_type="text/html")
            case "hang":
                self._reception.counts["create hang"] += 1
                await self._closing.wait()
        return self._cut(request)

    def _cut(self, request: web.Request) -> web.Response:
        """Nothing can be answered any more; the response is for form's sake."""
        if request.transport is not None:
            request.transport.abort()
        return web.Response(status=CUT)

    async def _fetch(self, request: web.Request, account: Account) -> web.Response:
        message = self._store.find(account.sid, request.match_info["sid"])
        return refuse(Refusal(20404)) if message is None else answer(message.as_json())

    async def _list(self, request: web.Request, account: Account) -> web.Response:
        """Newest first. The page token names the last message that was shown, so that new ones shift nothing."""
        query = request.query
        asked = paging(query, LIST_FILTERS)
        if asked is None:
            return refuse(Refusal(20001))
        size, number = asked
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
        return answer(page.as_json("messages", request.path, filters))
