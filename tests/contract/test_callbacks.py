"""The whole way of a status: sent by us, called back by the stand-in, checked and stored by our webhooks."""

from __future__ import annotations

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from notifier.demo.standin.faults import Faults
from notifier.domain.answers import InDoubt, SendRequest
from notifier.domain.documents import Connection
from notifier.domain.signals import DeliveryStatus, Signal
from notifier.http.webhooks import Webhooks
from notifier.twilio.callbacks import CallbackSignatures
from notifier.twilio.credentials import Secrets
from notifier.twilio.provider import open_provider
from notifier.twilio.sender import status_callback_url
from tests.contract.standin_peers import CONNECTION, SID, our_client, stand_in, text_to

SECRETS = Secrets({}, (), plain_text_allowed=True)


class Directory:
    def has_connection(self, owner: str) -> bool:
        return owner in ("harbour-house", "platform")

    def sends_through(self, tenant: str, owner: str) -> bool:
        return (tenant, owner) == ("small-inn", "platform")


class Signals(list[Signal]):
    async def write(self, signal: Signal) -> None:
        self.append(signal)


class Listener:
    """Our webhooks at an address of their own, with `connection` as the document in force."""

    def __init__(self, connection: Connection) -> None:
        self.signals = Signals()
        self.counted: list[str] = []
        self.connection = connection
        self.server = TestServer(web.Application())

    async def __aenter__(self) -> str:
        await self.server.start_server()
        url = str(self.server.make_url("")).rstrip("/")
        await self.server.close()
        check = CallbackSignatures(lambda _owner: self.connection, SECRETS, url)
        application = Webhooks(Directory(), check.is_valid, self.signals, self.counted.append).application()
        self.server = TestServer(application, port=int(url.rsplit(":", 1)[1]))
        await self.server.start_server()
        return url

    async def __aexit__(self, *_error: object) -> None:
        await self.server.close()


def delivery(status: str, sid: str, **changes: object) -> DeliveryStatus:
    fields: dict[str, object] = {
        "tenant": "harbour-house", "connection": "harbour-house", "notification_id": "ntf_1", "attempt": 1,
        "message_sid": sid, "message_status": status,
    }  # fmt: skip
    return DeliveryStatus(**(fields | changes))  # type: ignore[arg-type]  # the fields of one struct


async def test_each_status_of_a_text_becomes_a_signal() -> None:
    listener = Listener(CONNECTION)
    async with listener as url, stand_in() as standin, our_client(standin, url) as twilio:
        await twilio.send(text_to("+15005550205"))
        await standin.settle()
        sid = standin.messages[0].sid
        assert listener.signals == [delivery("sent", sid), delivery("undelivered", sid, error_code=30007)]
        assert standin.callback_counts == {"204": 2}


async def test_a_callback_tells_which_create_it_was_though_its_answer_was_lost() -> None:
    listener = Listener(CONNECTION)
    async with listener as url, stand_in() as standin, our_client(standin, url) as twilio:
        standin.order(Faults(accept_then_cut=1.0))
        request = text_to("+15005550244", notification_id="ntf_9", attempt=7)
        assert isinstance(await twilio.send(request), InDoubt)
        await standin.settle()
        sid = standin.messages[0].sid
        assert listener.signals == [delivery("delivered", sid, notification_id="ntf_9", attempt=7)]


async def test_a_text_over_the_shared_connection_comes_back_to_its_tenant() -> None:
    shared = Connection(tenant="platform", provider="twilio", account_sid=SID, auth_token="token")
    listener = Listener(shared)
    async with (
        listener as url,
        stand_in() as standin,
        open_provider(lambda _owner: shared, SECRETS, base_url=standin.url, timeout=5.0, public_url=url) as twilio,
    ):
        await twilio.send(text_to("+15005550244", connection="platform", tenant="small-inn"))
        await standin.settle()
        sid = standin.messages[0].sid
        assert listener.signals == [delivery("delivered", sid, tenant="small-inn", connection="platform")]


async def test_an_account_with_another_token_is_not_believed() -> None:
    other = Connection(tenant="harbour-house", provider="twilio", account_sid=SID, auth_token="another")
    listener = Listener(other)
    async with listener as url, stand_in() as standin, our_client(standin, url + "/") as twilio:
        await twilio.send(text_to("+15005550244"))
        await standin.settle()
        assert listener.signals == []
        assert set(listener.counted) == {"forged"}


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        (
            text_to("+12025550143"),
            "https://t.example.com/base/twilio/harbour-house/status?n=ntf_1&a=1#rc=5&rp=all",
        ),
        (
            text_to("+12025550143", connection="platform", tenant="small-inn", attempt=12),
            "https://t.example.com/base/twilio/platform/status?n=ntf_1&a=12&t=small-inn#rc=5&rp=all",
        ),
    ],
)
def test_the_address_names_owner_notification_attempt_and_a_tenant_that_is_not_the_owner(
    request_: SendRequest, expected: str
) -> None:
    assert status_callback_url("https://t.example.com/base", request_) == expected


async def test_without_a_public_address_no_callback_is_asked_for() -> None:
    async with stand_in() as standin, our_client(standin, public_url=None) as twilio:
        await twilio.send(text_to("+12025550143", validity_period=120))
    assert (standin.messages[0].status_callback, standin.messages[0].validity_period) == (None, 120)
