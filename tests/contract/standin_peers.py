"""What stands around the stand-in in its tests: an account, a clock to turn, a receiver of callbacks, two clients."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web
from aiohttp.test_utils import TestServer
from twilio.http.async_http_client import AsyncTwilioHttpClient  # type: ignore[import-untyped]
from twilio.rest import Client  # type: ignore[import-untyped]

from notifier.demo.standin.accounts import Account
from notifier.demo.standin.lifecycle import Timing
from notifier.demo.standin.server import TwilioStandIn
from notifier.domain.answers import SendRequest
from notifier.domain.documents import Connection
from notifier.twilio.credentials import Secrets
from notifier.twilio.provider import TwilioProvider, open_provider

SID = "AC" + "1" * 32
SERVICE, EMPTY_SERVICE = "MG" + "2" * 32, "MG" + "3" * 32
SENDER, OTHER_SENDER = "+15551234567", "+15551234568"
ACCOUNT = Account(
    sid=SID, auth_token="token", api_keys={"SK1": "secret"}, numbers=(SENDER, OTHER_SENDER),
    services={SERVICE: (SENDER,), EMPTY_SERVICE: ()},
)  # fmt: skip
OTHER_ACCOUNT = Account(sid="AC" + "9" * 32, auth_token="other", numbers=(SENDER,))
SUSPENDED = Account(sid="AC" + "8" * 32, auth_token="token", numbers=(SENDER,), status="suspended")
CONNECTION = Connection(tenant="harbour-house", provider="twilio", account_sid=SID, auth_token="token")
AT_ONCE = Timing(first=0.0, next=0.0, repeat=0.0)
NEVER = Timing(first=86_400.0, next=86_400.0)


@dataclass
class TurnedClock:
    """Time stands still until somebody turns it."""

    time: float = 1_796_000_000.0

    def now(self) -> float:
        return self.time


@dataclass
class Received:
    """One callback as it came."""

    path_and_query: str
    form: list[tuple[str, str]]
    headers: dict[str, str]

    @property
    def status(self) -> str:
        return dict(self.form)["MessageStatus"]


@dataclass
class Receiver:
    """Answers `answers` one after the other, then 204."""

    url: str = ""
    answers: list[int] = field(default_factory=list)
    received: list[Received] = field(default_factory=list)

    @property
    def statuses(self) -> list[str]:
        return [callback.status for callback in self.received]

    async def take(self, request: web.Request) -> web.Response:
        form = await request.post()
        pairs = [(name, str(value)) for name, value in form.items()]
        self.received.append(Received(request.raw_path, pairs, dict(request.headers)))
        return web.Response(status=self.answers.pop(0) if self.answers else 204)


@asynccontextmanager
async def receiving() -> AsyncIterator[Receiver]:
    receiver = Receiver()
    application = web.Application()
    application.router.add_post("/{tail:.*}", receiver.take)
    async with TestServer(application) as server:
        receiver.url = str(server.make_url("")).rstrip("/")
        yield receiver


def stand_in(timing: Timing = AT_ONCE, clock: TurnedClock | None = None) -> TwilioStandIn:
    return TwilioStandIn([ACCOUNT, OTHER_ACCOUNT, SUSPENDED], (clock or TurnedClock()).now, timing=timing)


@asynccontextmanager
async def stock_client(url: str, user: str = SID, password: str = "token", account: str = SID) -> AsyncIterator[Client]:
    """The twilio package as it comes, pointed at the stand-in."""
    async with AsyncTwilioHttpClient() as http_client:
        client = Client(user, password, account, http_client=http_client)
        client.api.base_url = client.messaging.base_url = url
        yield client


@asynccontextmanager
async def our_client(
    standin: TwilioStandIn, public_url: str | None = None, timeout: float = 5.0, connection: Connection = CONNECTION
) -> AsyncIterator[TwilioProvider]:
    """The notifier's own way to Twilio."""
    secrets = Secrets({}, (), plain_text_allowed=True)
    async with open_provider(
        lambda owner: connection if owner == connection.tenant else None,
        secrets,
        base_url=standin.url,
        timeout=timeout,
        public_url=public_url,
    ) as provider:
        yield provider


def text_to(to: str, body: str = "Hi", **changes: object) -> SendRequest:
    fields: dict[str, object] = {
        "connection": "harbour-house", "tenant": "harbour-house", "notification_id": "ntf_1", "attempt": 1, "to": to,
        "body": body, "from_": SENDER,
    }  # fmt: skip
    return SendRequest(**(fields | changes))  # type: ignore[arg-type]  # the fields of one struct
