"""How a test speaks with the stand-in: order faults, change accounts, read its record, read its counts."""

from __future__ import annotations

from collections import Counter

import msgspec
from aiohttp import web

from notifier.demo.standin.accounts import Account
from notifier.demo.standin.faults import FaultBook, Faults
from notifier.demo.standin.messages import MessageStore
from notifier.demo.standin.reception import Reception, answer


class FaultOrder(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`account` null: for all."""

    faults: Faults
    account: str | None = None


class Control:
    def __init__(
        self, store: MessageStore, book: FaultBook, reception: Reception, callback_counts: Counter[str]
    ) -> None:
        self._store = store
        self._book = book
        self._reception = reception
        self._callback_counts = callback_counts

    def add_routes(self, router: web.UrlDispatcher) -> None:
        router.add_post("/standin/faults", self._post_faults)
        router.add_put("/standin/accounts", self._put_account)
        router.add_get("/standin/messages", self._get_messages)
        router.add_get("/standin/requests", self._get_requests)

    async def _post_faults(self, request: web.Request) -> web.Response:
        try:
            order = msgspec.json.decode(await request.read(), type=FaultOrder)
        except (msgspec.DecodeError, ValueError) as error:
            return web.Response(status=400, text=f"{error}\n")
        self._book.order(order.faults, order.account)
        return web.Response(status=204)

    async def _put_account(self, request: web.Request) -> web.Response:
        """One account, whole, as in the file of accounts."""
        try:
            account = msgspec.json.decode(await request.read(), type=Account)
        except msgspec.DecodeError as error:
            return web.Response(status=400, text=f"{error}\n")
        self._reception.put(account)
        return web.Response(status=204)

    async def _get_messages(self, request: web.Request) -> web.Response:
        """From the message number `since` on, oldest first."""
        since = request.query.get("since", "0")
        if not since.isascii() or not since.isdigit():
            return web.Response(status=400, text="since: the number of a message is allowed\n")
        return answer({"messages": self._store.record[int(since) :]})

    async def _get_requests(self, _request: web.Request) -> web.Response:
        return answer(
            {"requests": self._reception.counts, "callbacks": self._callback_counts, "created": len(self._store.record)}
        )
