"""What every request to the stand-in passes: it is counted, its credentials are looked at, Twilio's headers are put on.

Twilio says in the same words that credentials are wrong and that a key's kind may not read the account (20003); what a
restricted key lacks the permission for is 70051 (twilio.md section 8).
"""

from __future__ import annotations

import base64
import binascii
import hmac
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from typing import Literal
from uuid import uuid4

import msgspec
from aiohttp import web

from notifier.demo.standin.accounts import Account, Permission
from notifier.demo.standin.faults import FaultBook
from notifier.demo.standin.refusals import Refusal

CUT = 444  # our own word for an answer that nobody gets

Action = Permission | Literal["account/read"]
Handler = Callable[[web.Request, Account], Awaitable[web.Response]]


class Reception:
    """`counts` holds requests by name (`create`, `list`, …) and their answers (`create 201`, `create cut`, …)."""

    def __init__(self, accounts: Iterable[Account], book: FaultBook, now: Callable[[], float]) -> None:
        self._accounts = {account.sid: account for account in accounts}
        self._book = book
        self._now = now
        self.in_flight: Counter[str] = Counter()
        self.counts: Counter[str] = Counter()

    def put(self, account: Account) -> None:
        """A new account, or a known one as it is from now on."""
        self._accounts[account.sid] = account

    def handling(self, name: str, action: Action, handler: Handler) -> Callable[[web.Request], Awaitable[web.Response]]:
        async def handle(request: web.Request) -> web.Response:
            begun = self._now()
            self.counts[name] += 1
            account = self._admit(request, action)
            if isinstance(account, Refusal):
                response = refuse(account)
            else:
                self.in_flight[account.sid] += 1
                try:
                    response = await handler(request, account)
                finally:
                    self.in_flight[account.sid] -= 1
                response.headers["Twilio-Concurrent-Requests"] = str(self.in_flight[account.sid] + 1)
            response.headers["Twilio-Request-Id"] = f"RQ{uuid4().hex}"
            response.headers["Twilio-Request-Duration"] = f"{self._now() - begun:.3f}"
            self.counts[f"{name} {'cut' if response.status == CUT else response.status}"] += 1
            return response

        return handle

    def _admit(self, request: web.Request, action: Action) -> Account | Refusal:
        credentials = _credentials(request)
        if credentials is None:
            return Refusal(20003)
        user, password = credentials
        account = self._account(request, user)
        if account is None:
            return Refusal(20003)
        key = account.key(user)
        secret = account.auth_token if user == account.sid else key.secret if key is not None else None
        if secret is None or not hmac.compare_digest(secret.encode(), password.encode()):
            return Refusal(20003)
        if key is not None and key.type != "main" and action == "account/read":
            return Refusal(20003)
        if account.status == "closed" or (account.status == "suspended" and action != "account/read"):
            return Refusal(20005)
        if key is not None and key.type == "restricted" and action not in key.permissions:
            return Refusal(70051)
        faults = self._book.of(account.sid)
        if faults.refuse_reads_with is not None and action != "messages/create":
            return Refusal(faults.refuse_reads_with)
        return account

    def _account(self, request: web.Request, user: str) -> Account | None:
        """The one of the path; where a product's path names none, the one that the credentials belong to."""
        named = request.match_info.get("account")
        if named is not None:
            return self._accounts.get(named)
        return next((one for one in self._accounts.values() if user == one.sid or user in one.api_keys), None)


def _credentials(request: web.Request) -> tuple[str, str] | None:
    scheme, _, encoded = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        user, _, password = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, ValueError):
        return None
    return user, password


def refuse(refusal: Refusal) -> web.Response:
    response = web.Response(body=refusal.body(), status=refusal.status, content_type="application/json")
    if refusal.retry_after is not None:
        response.headers["Retry-After"] = f"{refusal.retry_after:g}"
    return response


def answer(content: object, status: int = 200) -> web.Response:
    return web.Response(body=msgspec.json.encode(content), status=status, content_type="application/json")
