"""Every number with a meaning, sent to by the notifier's own client: the stand-in means by it what its page says."""

from __future__ import annotations

from pathlib import Path

import pytest

from notifier.demo.standin.numbers import FATES, MISHAPS, REFUSED_RECIPIENTS, REFUSED_SENDERS
from notifier.domain.answers import Accepted, ErrorClass, InDoubt, MessageState, NotSent, Rejected, SendResult
from notifier.domain.failures import classify_delivery
from tests.contract.standin_peers import NEVER, SENDER, our_client, receiving, stand_in, text_to

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "stand-in.md"

AT_CREATE: dict[str, ErrorClass] = {
    "+15005550001": "bad_recipient",
    "+15005550002": "destination",
    "+15005550003": "destination",
    "+15005550004": "suppressed",
    "+15005550009": "bad_recipient",
    "+15005550110": "filtered",
    "+15005550111": "bad_request",
    "+15005550112": "destination",
    "+15005550113": "hold_sender",
    "+15005550114": "hold_account",
    "+15005550115": "hold_account",
    "+15005550116": "hold_account",
}
NOT_SENT: dict[str, NotSent] = {
    "+15005550120": NotSent(error_code=20429, congested=True),
    "+15005550121": NotSent(error_code=20429, retry_after=2.0, congested=True),
    "+15005550122": NotSent(error_code=21611, retry_after=120.0),
}
IN_DOUBT: dict[str, tuple[SendResult, int]] = {
    "+15005550130": (InDoubt(cause="server_error"), 0),
    "+15005550131": (InDoubt(cause="server_error"), 0),
    "+15005550132": (InDoubt(cause="server_error"), 0),
    "+15005550133": (InDoubt(cause="server_error"), 1),
    "+15005550140": (InDoubt(cause="time_out"), 1),
    "+15005550141": (InDoubt(cause="time_out"), 0),
    "+15005550142": (InDoubt(cause="connection_lost"), 1),
    "+15005550143": (InDoubt(cause="connection_lost"), 0),
}
LATER: dict[str, tuple[list[str], ErrorClass | None]] = {
    "+12025550143": (["sent", "delivered"], None),
    "+15005550201": (["sent", "undelivered"], "bad_recipient"),
    "+15005550202": (["sent", "undelivered"], "bad_recipient"),
    "+15005550203": (["sent", "undelivered"], "bad_recipient"),
    "+15005550204": (["sent", "undelivered"], "bad_recipient"),
    "+15005550205": (["sent", "undelivered"], "filtered"),
    "+15005550206": (["sent", "undelivered"], "carrier"),
    "+15005550207": (["sent", "undelivered"], "carrier"),
    "+15005550221": (["failed"], "carrier"),
    "+15005550222": (["failed"], "expired_in_queue"),
    "+15005550223": (["failed"], "expired_in_queue"),
    "+15005550224": (["failed"], "carrier"),
    "+15005550225": (["failed"], "suppressed"),
    "+15005550226": (["failed"], "carrier"),
    "+15005550227": (["failed"], "destination"),
    "+15005550231": (["sent"], None),
    "+15005550232": ([], None),
    "+15005550233": ([], None),
    "+15005550241": (["sent", "sent", "delivered", "delivered"], None),
    "+15005550242": (["delivered", "sent"], None),
    "+15005550243": (["sent", "delivered"], None),
    "+15005550244": (["delivered"], None),
}


def test_every_number_stands_in_a_table_of_this_file_and_on_the_page() -> None:
    recipients = {*REFUSED_RECIPIENTS, *MISHAPS, *FATES}
    assert recipients == {*AT_CREATE, *NOT_SENT, *IN_DOUBT, *LATER} - {"+12025550143"}
    page = PAGE.read_text(encoding="utf-8")
    assert [number for number in sorted({*recipients, *REFUSED_SENDERS}) if f"`{number}`" not in page] == []


@pytest.mark.parametrize(("to", "expected"), AT_CREATE.items())
async def test_a_refused_recipient_gets_its_class(to: str, expected: ErrorClass) -> None:
    async with stand_in() as standin, our_client(standin) as twilio:
        result = await twilio.send(text_to(to))
    assert isinstance(result, Rejected)
    assert (result.error_class, result.error_code) == (expected, REFUSED_RECIPIENTS[to].code)
    assert standin.messages == ()


@pytest.mark.parametrize(("to", "expected"), NOT_SENT.items())
async def test_a_recipient_of_429_is_not_sent_to(to: str, expected: NotSent) -> None:
    async with stand_in() as standin, our_client(standin) as twilio:
        assert await twilio.send(text_to(to)) == expected
    assert standin.messages == ()


@pytest.mark.parametrize(("to", "expected"), IN_DOUBT.items())
async def test_a_mishap_leaves_a_doubt_and_the_record_knows_the_truth(
    to: str, expected: tuple[SendResult, int]
) -> None:
    result, created = expected
    async with stand_in() as standin, our_client(standin, timeout=0.3) as twilio:
        assert await twilio.send(text_to(to)) == result
    assert [message.to for message in standin.messages] == [to] * created


@pytest.mark.parametrize(("sender", "expected"), [("+15005550001", "hold_sender"), ("+15005550007", "hold_sender")])
async def test_twilio_s_refused_senders_are_refused(sender: str, expected: ErrorClass) -> None:
    async with stand_in() as standin, our_client(standin) as twilio:
        result = await twilio.send(text_to("+12025550143", from_=sender))
    assert isinstance(result, Rejected)
    assert result.error_class == expected


async def test_twilio_s_sender_with_a_full_queue_and_the_one_that_always_works() -> None:
    async with stand_in(NEVER) as standin, our_client(standin) as twilio:
        full = await twilio.send(text_to("+12025550143", from_="+15005550008"))
        fine = await twilio.send(text_to("+12025550143", from_="+15005550006"))
    assert isinstance(full, NotSent)
    assert isinstance(fine, Accepted)


@pytest.mark.parametrize(("to", "expected"), LATER.items())
async def test_a_fate_is_called_back_step_by_step_and_can_be_fetched(
    to: str, expected: tuple[list[str], ErrorClass | None]
) -> None:
    called_back, error_class = expected
    async with receiving() as receiver, stand_in() as standin, our_client(standin, receiver.url) as twilio:
        result = await twilio.send(text_to(to))
        assert isinstance(result, Accepted)
        await standin.settle()
        state = await twilio.fetch("harbour-house", result.sid)
        assert receiver.statuses == called_back
        assert isinstance(state, MessageState)
        if error_class is not None:
            assert classify_delivery(state.status, state.error_code) == error_class
            assert dict(receiver.received[-1].form)["ErrorCode"] == str(state.error_code)
        else:
            statuses = FATES[to].statuses if to in FATES else ("sent", "delivered")
            assert (state.status, state.error_code) == (statuses[-1] if statuses else "queued", None)


async def test_an_early_callback_comes_before_the_create_s_answer() -> None:
    async with receiving() as receiver, stand_in(NEVER) as standin, our_client(standin, receiver.url) as twilio:
        assert isinstance(await twilio.send(text_to("+15005550243")), Accepted)
        assert receiver.statuses == ["sent"]
        assert standin.messages[0].from_ == SENDER
