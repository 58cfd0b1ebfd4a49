"""Signed in to an account: what the library says of itself, in every request anew."""

from __future__ import annotations

import pytest
from twilio.rest import Client

from notifier.domain.documents import Connection
from notifier.twilio.accounts import Accounts
from notifier.twilio.credentials import Secrets
from notifier.twilio.http_client import TwilioHttpClient
from notifier.twilio.transport import NotConnected, RawAnswer

SID = "AC" + "1" * 32
CONNECTION = Connection(tenant="a", provider="twilio", account_sid=SID, auth_token="token")


class Nowhere:
    async def exchange(self, *_request: object) -> RawAnswer:
        raise NotConnected


def signed_in() -> Client:
    accounts = Accounts(
        lambda _owner: CONNECTION, Secrets({}, (), plain_text_allowed=True), TwilioHttpClient(Nowhere())
    )
    return accounts.client("a")


@pytest.mark.parametrize("method", ["POST", "GET", "DELETE"])
def test_every_request_says_what_the_library_says_whatever_became_of_the_one_before(method: str) -> None:
    client = signed_in()
    for _ in range(2):
        said = client.get_headers(method, None)
        assert said == Client(SID, "token").get_headers(method, None)
        said.clear()


def test_the_headers_of_one_request_stay_with_it() -> None:
    client = signed_in()
    assert client.get_headers("POST", {"X-Own": "1"})["X-Own"] == "1"
    assert "X-Own" not in client.get_headers("POST", None)
    assert client.get_headers("GET", {"Accept": "text/plain"})["Accept"] == "text/plain"
