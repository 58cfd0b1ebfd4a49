"""How a test speaks with the stand-in: order faults, read its record, read its counts."""

from __future__ import annotations

from collections import Counter

import msgspec
from aiohttp import web

from notifier.demo.standin.faults import FaultBook, Faults
from notifier.demo.standin.messages import MessageStore


class FaultOrder(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`account` null: for all."""

    faults: Faults
    account: str | None = None


class Control:
    def __init__(
        self, store: MessageStore, book: FaultBook, counts: Counter[str], callback_counts: Counter[str]
    ) -> None:
        self._store = store
        self._book = book
        self._counts = counts
        self._callback_counts = callback_counts

    def add_routes(self, router: web.UrlDispatcher) -> None:
        router.add_post("/standin/faults", self._post_faults)
        router.add_get("/standin/messages", self._get_messages)
        router.add_get("/standin/requests", self._get_requests)

    async def _post_faults(self, request: web.Request) -> web.Response:
        try:
            order = msgspec.json.decode(await request.read(), type=FaultOrder)
        except (msgspec.DecodeError, ValueError) as error:
            return web.Response(status=400, text=f"{error}\n")
        self._book.order(order.faults, order.account)
        return web.Response(status=204)

    async def _get_messages(self, request: web.Request) -> web.Response:
        """From the message number `since` on, oldest first."""
        since = request.query.get("since", "0")
        if not since.isascii() or not since.isdigit():
            return web.Response(status=400, text="since: the number of a message is allowed\n")
        return _json({"messages": self._store.record[int(since) :]})

    async def _get_requests(self, _request: web.Request) -> web.Response:
        return _json({"requests": self._counts, "callbacks": self._callback_counts, "created": len(self._store.record)})


def _json(content: object) -> web.Response:
    return web.Response(body=msgspec.json.encode(content), content_type="application/json")
