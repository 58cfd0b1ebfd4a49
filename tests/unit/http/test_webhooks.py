"""The webhook listener: what it answers, what it stores, and that it stores before it answers."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence

import pytest
from aiohttp.test_utils import TestClient, TestServer
from aiohttp.web import Application, Request
from yarl import URL

from notifier.domain.signals import DeliveryStatus, Signal
from notifier.http.webhooks import LARGEST_BODY_BYTES, Webhooks

FORM = {"MessageSid": "SM1", "MessageStatus": "delivered", "To": "+12025550143"}
SIGNED = {"X-Twilio-Signature": "good"}
PATH = "/twilio/harbour-house/status?n=ntf_1&a=2"


class World:
    """Everything around the listener. `given` are the arguments of the last signature check."""

    def __init__(self) -> None:
        self.written: list[Signal] = []
        self.counted: list[str] = []
        self.given: tuple[str, str, Sequence[tuple[str, str]]] = ("", "", ())
        self.down = False

    def has_connection(self, owner: str) -> bool:
        return owner in {"harbour-house", "platform", "two words"}

    def sends_through(self, tenant: str, owner: str) -> bool:
        return (tenant, owner) == ("small-inn", "platform")

    def is_signed(
        self, owner: str, path_and_query: str, parameters: Sequence[tuple[str, str]], headers: Mapping[str, str]
    ) -> bool:
        self.given = (owner, path_and_query, parameters)
        return headers.get("x-twilio-signature") == "good"

    async def write(self, signal: Signal) -> None:
        if self.down:
            raise ConnectionError
        self.written.append(signal)


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
async def client(world: World) -> AsyncIterator[TestClient[Request, Application]]:
    application = Webhooks(world, world.is_signed, world, world.counted.append).application()
    async with TestClient(TestServer(application)) as client:
        yield client


Client = TestClient[Request, Application]


def status(**changes: object) -> DeliveryStatus:
    fields: dict[str, object] = {
        "tenant": "harbour-house", "connection": "harbour-house", "notification_id": "ntf_1", "attempt": 2,
        "message_sid": "SM1", "message_status": "delivered",
    }  # fmt: skip
    return DeliveryStatus(**(fields | changes))  # type: ignore[arg-type]  # the fields of one struct


async def test_a_signed_callback_is_stored_and_answered_204(client: Client, world: World) -> None:
    response = await client.post(PATH, data=FORM, headers=SIGNED)
    assert (response.status, await response.read()) == (204, b"")
    assert (world.written, world.counted) == ([status()], ["stored"])


async def test_what_could_not_be_stored_is_answered_503_so_that_twilio_repeats_it(client: Client, world: World) -> None:
    world.down = True
    assert (await client.post(PATH, data=FORM, headers=SIGNED)).status == 503
    assert (world.written, world.counted) == ([], ["not_stored"])


async def test_a_bad_signature_is_answered_403_and_stores_nothing(client: Client, world: World) -> None:
    for headers in ({}, {"X-Twilio-Signature": "bad"}):
        assert (await client.post(PATH, data=FORM, headers=headers)).status == 403
    assert (world.written, world.counted) == ([], ["forged", "forged"])


async def test_an_unknown_tenant_is_answered_404(client: Client, world: World) -> None:
    assert (await client.post("/twilio/nobody/status?n=ntf_1&a=2", data=FORM, headers=SIGNED)).status == 404
    assert (world.written, world.counted) == ([], ["unknown_tenant"])


async def test_the_signature_is_checked_over_the_raw_address_and_every_parameter(client: Client, world: World) -> None:
    """Blank and repeated ones, too; and the address as it came, not as we would write it."""
    path = "/twilio/two%20words/status?n=ntf_1&a=2&x=%41"
    body = "MessageSid=SM1&MessageStatus=sent&ErrorCode=&MediaUrl=b&MediaUrl=a&From=%2B1"
    headers = SIGNED | {"Content-Type": "application/x-www-form-urlencoded"}
    response = await client.post(URL(path, encoded=True), data=body, headers=headers)
    assert response.status == 204
    assert world.given == (
        "two words",
        path,
        [
            ("MessageSid", "SM1"), ("MessageStatus", "sent"), ("ErrorCode", ""), ("MediaUrl", "b"), ("MediaUrl", "a"),
            ("From", "+1"),
        ],
    )  # fmt: skip


@pytest.mark.parametrize(("code", "expected"), [("30007", 30007), ("", None), ("0", None)])
async def test_an_error_code_is_carried_along(client: Client, world: World, code: str, expected: int | None) -> None:
    form = FORM | {"MessageStatus": "undelivered", "ErrorCode": code}
    assert (await client.post(PATH, data=form, headers=SIGNED)).status == 204
    assert world.written == [status(message_status="undelivered", error_code=expected)]


async def test_the_older_parameter_names_do_as_well(client: Client, world: World) -> None:
    form = {"SmsSid": "SM1", "SmsStatus": "delivered"}
    assert (await client.post(PATH, data=form, headers=SIGNED)).status == 204
    assert world.written == [status()]


async def test_of_a_repeated_parameter_the_first_counts(client: Client, world: World) -> None:
    body = "MessageSid=SM1&MessageStatus=delivered&MessageStatus=sent&MessageSid=SM2"
    headers = SIGNED | {"Content-Type": "application/x-www-form-urlencoded"}
    assert (await client.post(PATH, data=body, headers=headers)).status == 204
    assert world.written == [status()]


@pytest.mark.parametrize(
    ("query", "form"),
    [
        ("", FORM), ("?n=ntf_1", FORM), ("?a=2", FORM), ("?n=&a=2", FORM), ("?n=ntf_1&a=two", FORM),
        ("?n=ntf_1&a=-1", FORM), ("?n=ntf_1&a=%C2%B2", FORM), ("?n=ntf_1&a=99999999999", FORM),
        ("?n=ntf_1&a=2", {"MessageStatus": "sent"}), ("?n=ntf_1&a=2", {"MessageSid": "SM1"}),
        ("?n=ntf_1&a=2", FORM | {"ErrorCode": "x"}),
    ],
)  # fmt: skip
async def test_a_signed_callback_that_is_none_of_ours_is_counted_without_effect(
    client: Client, world: World, query: str, form: dict[str, str]
) -> None:
    """204, since Twilio's repeating it would not change it."""
    assert (await client.post("/twilio/harbour-house/status" + query, data=form, headers=SIGNED)).status == 204
    assert (world.written, world.counted) == ([], ["malformed"])


async def test_a_shared_connection_s_callback_goes_to_the_tenant_it_names(client: Client, world: World) -> None:
    path = "/twilio/platform/status?n=ntf_1&a=2&t=small-inn"
    assert (await client.post(path, data=FORM, headers=SIGNED)).status == 204
    assert world.written == [status(tenant="small-inn", connection="platform")]


@pytest.mark.parametrize(("owner", "tenant"), [("platform", "other"), ("harbour-house", "small-inn")])
async def test_a_tenant_that_does_not_send_through_this_connection_is_not_reached(
    client: Client, world: World, owner: str, tenant: str
) -> None:
    """Whoever holds one tenant's token must not speak about the texts of another."""
    path = f"/twilio/{owner}/status?n=ntf_1&a=2&t={tenant}"
    assert (await client.post(path, data=FORM, headers=SIGNED)).status == 204
    assert (world.written, world.counted) == ([], ["other_tenant"])


async def test_a_large_body_is_refused_unread(client: Client, world: World) -> None:
    response = await client.post(PATH, data=b"x" * (LARGEST_BODY_BYTES + 1), headers=SIGNED)
    assert response.status == 413
    assert (world.written, world.counted) == ([], ["too_large"])


async def test_more_parameters_than_twilio_would_send_are_refused(client: Client, world: World) -> None:
    body = "&".join(f"p{n}=1" for n in range(1000))
    assert (await client.post(PATH, data=body, headers=SIGNED)).status == 403
    assert world.written == []


async def test_only_post_is_allowed(client: Client) -> None:
    assert (await client.get(PATH)).status == 405
