"""Faults to order, as the notifier's own client meets them, and the callbacks as Twilio sends them."""

from __future__ import annotations

import asyncio
from collections import Counter

import msgspec
import pytest
from aiohttp import ClientSession
from multidict import MultiDict
from twilio.request_validator import RequestValidator  # type: ignore[import-untyped]

from notifier.demo.standin.faults import Faults
from notifier.domain.answers import Accepted, InDoubt, NotSent, Rejected, SendResult
from notifier.twilio.http_client import basic_authorization
from tests.contract.standin_peers import (
    NEVER,
    OTHER_ACCOUNT,
    SENDER,
    SERVICE,
    SID,
    our_client,
    receiving,
    stand_in,
    text_to,
)

TO = "+12025550143"
CREATE = f"/2010-04-01/Accounts/{SID}/Messages.json"
AUTHORIZATION = {"Authorization": basic_authorization(SID, "token")}
LOST, SERVER = InDoubt(cause="connection_lost"), InDoubt(cause="server_error")


@pytest.mark.parametrize(
    ("faults", "expected", "created"),
    [
        (Faults(refuse_with=21408), 21408, 0),
        (Faults(too_many=1.0), NotSent(error_code=20429, congested=True), 0),
        (Faults(too_many=1.0, retry_after=1.5), NotSent(error_code=20429, retry_after=1.5, congested=True), 0),
        (Faults(server_error=1.0), SERVER, 0),
        (Faults(accept_then_server_error=1.0), SERVER, 1),
        (Faults(cut=1.0), LOST, 0),
        (Faults(cut_before_read=1.0), LOST, 0),
        (Faults(accept_then_cut=1.0), LOST, 1),
        (Faults(hang=1.0), InDoubt(cause="time_out"), 0),
        (Faults(accept_then_hang=1.0), InDoubt(cause="time_out"), 1),
        (Faults(latency=60.0), InDoubt(cause="time_out"), 1),
    ],
)
async def test_a_fault_hits_the_create_and_the_record_knows_the_truth(
    faults: Faults, expected: SendResult | int, created: int
) -> None:
    async with stand_in() as standin, our_client(standin, timeout=0.3) as twilio:
        standin.order(faults)
        result = await twilio.send(text_to(TO))
        assert (result.error_code if isinstance(result, Rejected) else result) == expected
        standin.order(Faults())
        assert isinstance(await twilio.send(text_to(TO)), Accepted)
        assert len(standin.messages) == created + 1


async def test_an_account_s_own_faults_win_over_everybody_s() -> None:
    async with stand_in() as standin, our_client(standin) as twilio:
        standin.order(Faults(too_many=1.0))
        standin.order(Faults(), SID)
        assert isinstance(await twilio.send(text_to(TO)), Accepted)
        standin.order(Faults(too_many=1.0), SID)
        standin.order(Faults())
        assert isinstance(await twilio.send(text_to(TO)), Accepted)
        standin.order(Faults(too_many=1.0), OTHER_ACCOUNT.sid)
        assert isinstance(await twilio.send(text_to(TO)), Accepted)


async def test_a_ratio_hits_its_share_and_the_same_ones_for_the_same_seed() -> None:
    async def refused() -> list[bool]:
        async with stand_in(NEVER) as standin, our_client(standin) as twilio:
            standin.order(Faults(too_many=0.3))
            return [isinstance(await twilio.send(text_to(TO)), NotSent) for _ in range(200)]

    once = await refused()
    assert 30 < sum(once) < 90
    assert await refused() == once


async def test_too_many_in_flight_are_refused_and_the_others_served() -> None:
    async with stand_in(NEVER) as standin, our_client(standin) as twilio:
        standin.order(Faults(max_in_flight=3, latency=0.2))
        results = await asyncio.gather(*(twilio.send(text_to(TO)) for _ in range(10)))
    assert Counter(type(result) for result in results) == {Accepted: 3, NotSent: 7}
    assert len(standin.messages) == 3


@pytest.mark.parametrize(
    ("faults", "expected"),
    [
        (Faults(), ["sent", "delivered"]),
        (Faults(callbacks_lost=1.0), []),
        (Faults(callbacks_doubled=1.0), ["sent", "sent", "delivered", "delivered"]),
        (Faults(callbacks_reordered=1.0), ["delivered", "sent"]),
    ],
)
async def test_a_fault_hits_the_callbacks(faults: Faults, expected: list[str]) -> None:
    async with receiving() as receiver, stand_in() as standin, our_client(standin, receiver.url) as twilio:
        standin.order(faults)
        await twilio.send(text_to(TO))
        await standin.settle()
        assert receiver.statuses == expected


async def test_early_callbacks_come_before_the_answer() -> None:
    async with receiving() as receiver, stand_in(NEVER) as standin, our_client(standin, receiver.url) as twilio:
        await twilio.send(text_to(TO))
        assert receiver.statuses == []
        standin.order(Faults(callbacks_early=1.0))
        await twilio.send(text_to(TO))
        assert receiver.statuses == ["sent"]


async def test_a_message_whose_create_was_cut_off_is_called_back_all_the_same() -> None:
    """The evidence that settles a doubt."""
    async with receiving() as receiver, stand_in() as standin, our_client(standin, receiver.url) as twilio:
        for faults in (Faults(accept_then_cut=1.0), Faults(accept_then_server_error=1.0)):
            standin.order(faults)
            assert isinstance(await twilio.send(text_to(TO)), InDoubt)
        await standin.settle()
        assert Counter(receiver.statuses) == {"sent": 2, "delivered": 2}


async def test_a_callback_is_twilio_s_form_signed_for_its_address_without_the_fragment() -> None:
    async with receiving() as receiver, stand_in() as standin, our_client(standin, receiver.url) as twilio:
        request = text_to(TO, from_=None, messaging_service_sid=SERVICE, notification_id="ntf 1&2", attempt=3)
        result = await twilio.send(request)
        await standin.settle()
    assert isinstance(result, Accepted)
    callback = receiver.received[-1]
    assert callback.path_and_query == "/twilio/harbour-house/status?n=ntf+1%262&a=3"
    form = dict(callback.form)
    assert form.pop("RawDlrDoneDate").isdigit()
    assert form == {
        "AccountSid": SID, "ApiVersion": "2010-04-01", "From": SENDER, "MessageSid": result.sid, "SmsSid": result.sid,
        "MessageStatus": "delivered", "SmsStatus": "delivered", "To": TO, "MessagingServiceSid": SERVICE,
    }  # fmt: skip
    assert RequestValidator("token").validate(
        receiver.url + callback.path_and_query, MultiDict(callback.form), callback.headers["X-Twilio-Signature"]
    )


async def test_the_fragment_orders_repeats_and_they_carry_the_same_token() -> None:
    """`rc=5&rp=all`, which our address asks for: what was answered 503 comes again."""
    async with receiving() as receiver, stand_in() as standin, our_client(standin, receiver.url) as twilio:
        receiver.answers = [503, 404]
        await twilio.send(text_to("+15005550244"))
        await standin.settle()
        assert receiver.statuses == ["delivered"] * 3
        assert len({callback.headers["I-Twilio-Idempotency-Token"] for callback in receiver.received}) == 1
        assert standin.callback_counts == {"503": 1, "404": 1, "204": 1}


async def test_without_a_fragment_an_answered_callback_is_never_repeated() -> None:
    async with receiving() as receiver, stand_in() as standin, ClientSession() as session:
        receiver.answers = [503]
        form = {"To": "+15005550244", "From": SENDER, "Body": "Hi", "StatusCallback": receiver.url + "/own"}
        async with session.post(standin.url + CREATE, data=form, headers=AUTHORIZATION) as response:
            assert response.status == 201
        await standin.settle()
        assert receiver.statuses == ["delivered"]


async def test_only_forms_are_read() -> None:
    async with stand_in() as standin, ClientSession() as session:
        form = {"To": TO, "From": SENDER, "Body": "Hi"}
        async with session.post(standin.url + CREATE, json=form, headers=AUTHORIZATION) as response:
            assert response.status == 415


async def test_faults_record_and_counts_are_reached_over_http() -> None:
    async with stand_in(NEVER) as standin, our_client(standin) as twilio, ClientSession() as session:
        order = {"account": SID, "faults": {"tooMany": 1.0, "retryAfter": 3}}
        async with session.post(standin.url + "/standin/faults", json=order) as response:
            assert response.status == 204
        assert isinstance(await twilio.send(text_to(TO)), NotSent)
        async with session.post(standin.url + "/standin/faults", json={"faults": {}}) as response:
            assert response.status == 204
        for body in ("first", "second"):
            assert isinstance(await twilio.send(text_to(TO, body)), Accepted)
        async with session.get(standin.url + "/standin/messages?since=1") as response:
            messages = (await response.json())["messages"]
        assert messages == [msgspec.to_builtins(standin.messages[1])]
        assert (messages[0]["to"], messages[0]["from"], messages[0]["body"]) == (TO, SENDER, "second")
        async with session.get(standin.url + "/standin/requests") as response:
            counts = await response.json()
        assert counts == {"requests": {"create": 3, "create 429": 1, "create 201": 2}, "callbacks": {}, "created": 2}


@pytest.mark.parametrize(
    ("order", "named"),
    [
        ({"faults": {"hang": 2}}, "$.faults.hang"),
        ({"faults": {"explode": 1}}, "explode"),
        ({"faults": {"refuseWith": 1}}, "refuseWith: one of 20001"),
        ({}, "faults"),
    ],
)
async def test_a_faulty_order_is_refused_by_name(order: dict[str, object], named: str) -> None:
    async with (
        stand_in() as standin,
        ClientSession() as session,
        session.post(standin.url + "/standin/faults", json=order) as response,
    ):
        assert response.status == 400
        assert named in await response.text()
