"""Twilio's codes and what they mean: every row of contract section 6 and twilio.md 3.1 to 3.3, written out again."""

from __future__ import annotations

from typing import get_args

import pytest

from notifier.domain.answers import ErrorClass, InDoubt, NotSent, Rejected
from notifier.domain.failures import CREATE_RULES, DELIVERY_RULES, classify_create, classify_delivery

REFUSED: dict[ErrorClass, tuple[int, ...]] = {
    "bad_recipient": (21211, 21217, 21214, 21614),
    "suppressed": (21610,),
    "filtered": (21618,),
    "bad_request": (
        20001, 20422, 21201, 21604, 21603, 21602, 21619, 21617, 21658, 21609, 21620, 21623, 21654, 21656, 21624, 90007,
        30012, 30013, 30045, 21669, 21670, 21671,
    ),
    "destination": (21408, 21612, 21657, 21668, 21703, 21708, 21709),
    "hold_sender": (20404, 21212, 21601, 21606, 21616, 21659, 21660, 21701, 21702, 21704, 21705),
    "hold_account": (
        20003, 20005, 20006, 20008, 20010, 20011, 20012, 20403, 21608, 572002, 572005, 63038, 70005, 70051,
    ),
}  # fmt: skip
RETRIED: dict[int, tuple[float | None, bool]] = {
    20429: (None, True), 63017: (None, True), 21611: (120.0, False), 14107: (30.0, False),
}  # fmt: skip
IN_DOUBT = (20500, 20503)

DELIVERED_NOT: dict[ErrorClass, tuple[int, ...]] = {
    "expired_in_queue": (30001, 30036),
    "bad_recipient": (30003, 30004, 30005, 30006, 30640),
    "filtered": (30007,),
    "bad_request": (30019, 63016),
    "destination": (30018, 30024, 30042, 30450, 30610),
    "carrier": (
        30008, 30017, 30020, 30021, 30022, 30023, 30410, 30500, 63010, 63012, 63018, 30032, 30033, 30034, 30035, 30002,
        30037, 30044,
    ),
}  # fmt: skip
FAILURE_REASONS = {
    "bad_recipient", "suppressed", "bad_request", "filtered", "destination", "carrier", "expired_in_queue", "exhausted",
}  # fmt: skip


@pytest.mark.parametrize(("error_class", "code"), [(c, code) for c, codes in REFUSED.items() for code in codes])
def test_a_refusal_is_sorted_by_its_code(error_class: ErrorClass, code: int) -> None:
    result = classify_create(400, code, True, None)
    assert isinstance(result, Rejected)
    assert (result.error_class, result.error_code) == (error_class, code)
    assert result.detail == CREATE_RULES[code].meaning


@pytest.mark.parametrize(("code", "expected"), RETRIED.items())
def test_codes_that_prove_nothing_was_created_are_tried_again(code: int, expected: tuple[float | None, bool]) -> None:
    retry_after, congested = expected
    assert classify_create(400, code, True, None) == NotSent(
        error_code=code, retry_after=retry_after, congested=congested
    )


@pytest.mark.parametrize("code", IN_DOUBT)
def test_twilio_s_own_trouble_is_in_doubt_whatever_the_http_status(code: int) -> None:
    assert classify_create(400, code, True, None) == InDoubt(cause="server_error")


def test_the_table_holds_exactly_these_codes() -> None:
    """A row added without a line here has no test."""
    written = {code for codes in REFUSED.values() for code in codes} | set(RETRIED) | set(IN_DOUBT)
    assert set(CREATE_RULES) == written
    assert set(DELIVERY_RULES) == {code for codes in DELIVERED_NOT.values() for code in codes}


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (301, "hold_account"), (302, "hold_account"), (400, "bad_request"), (401, "hold_account"),
        (403, "hold_account"), (404, "hold_account"), (405, "bad_request"), (413, "bad_request"), (415, "bad_request"),
    ],
)  # fmt: skip
def test_without_a_known_code_the_http_status_decides(status: int, expected: ErrorClass) -> None:
    for code, has_body in ((None, False), (29999, True)):
        result = classify_create(status, code, has_body, None)
        assert isinstance(result, Rejected)
        assert result.error_class == expected


@pytest.mark.parametrize("status", [500, 502, 503, 504, 599])
@pytest.mark.parametrize("code", [None, 20500, 21211, 20429])
def test_a_server_error_is_in_doubt_whatever_the_code(status: int, code: int | None) -> None:
    assert classify_create(status, code, code is not None, None) == InDoubt(cause="server_error")


def test_a_success_without_a_sid_is_in_doubt() -> None:
    assert classify_create(201, None, False, None) == InDoubt(cause="server_error")


def test_401_holds_the_account_even_with_a_code_that_says_otherwise() -> None:
    result = classify_create(401, 21211, True, None)
    assert isinstance(result, Rejected)
    assert result.error_class == "hold_account"


@pytest.mark.parametrize(("code", "expected"), [(21408, "destination"), (21610, "suppressed"), (20003, "hold_account")])
def test_403_holds_the_account_unless_the_code_says_otherwise(code: int, expected: ErrorClass) -> None:
    result = classify_create(403, code, True, None)
    assert isinstance(result, Rejected)
    assert result.error_class == expected


@pytest.mark.parametrize("code", [20404, 21701])
def test_404_of_a_messaging_service_holds_the_sender_only(code: int) -> None:
    result = classify_create(404, code, True, None)
    assert isinstance(result, Rejected)
    assert result.error_class == "hold_sender"


def test_429_was_not_sent_and_lowers_the_limit() -> None:
    assert classify_create(429, 20429, True, 2.5) == NotSent(error_code=20429, retry_after=2.5, congested=True)
    assert classify_create(429, None, False, None) == NotSent(congested=True)
    assert classify_create(429, 29999, True, None) == NotSent(error_code=29999, congested=True)


def test_429_for_a_full_queue_or_a_daily_limit_keeps_the_meaning_of_its_code() -> None:
    assert classify_create(429, 21611, True, None) == NotSent(error_code=21611, retry_after=120.0)
    daily = classify_create(429, 63038, True, None)
    assert isinstance(daily, Rejected)
    assert daily.error_class == "hold_account"


def test_twilio_s_retry_after_wins_over_ours() -> None:
    assert classify_create(400, 21611, True, 7.0) == NotSent(error_code=21611, retry_after=7.0)


def test_a_gateway_that_gave_up_waiting_leaves_a_doubt() -> None:
    assert classify_create(408, None, False, None) == InDoubt(cause="time_out")


@pytest.mark.parametrize("code", [400, 999, 21211])
def test_a_code_counts_only_in_twilio_s_own_body(code: int) -> None:
    """The library reports the HTTP status as the code of an answer that is not JSON."""
    result = classify_create(400, code, code < 1000, None)
    assert result == Rejected(error_class="bad_request", detail="Twilio answered HTTP 400")


@pytest.mark.parametrize("status", ["undelivered", "failed"])
@pytest.mark.parametrize(("error_class", "code"), [(c, code) for c, codes in DELIVERED_NOT.items() for code in codes])
def test_a_later_failure_is_sorted_by_its_code(status: str, error_class: ErrorClass, code: int) -> None:
    assert classify_delivery(status, code) == error_class


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (None, "carrier"), (39999, "carrier"), (21610, "suppressed"), (21408, "destination"), (21211, "bad_recipient"),
        (21618, "filtered"), (20429, "carrier"), (20500, "carrier"), (21606, "carrier"), (20003, "carrier"),
    ],
)  # fmt: skip
def test_a_create_s_code_that_comes_late_keeps_its_class_where_a_message_may_end_with_it(
    code: int | None, expected: ErrorClass
) -> None:
    assert classify_delivery("failed", code) == expected


def test_every_later_failure_is_a_reason_of_the_contract() -> None:
    assert set(get_args(ErrorClass)) >= FAILURE_REASONS
    for code in (*CREATE_RULES, *DELIVERY_RULES):
        assert classify_delivery("failed", code) in FAILURE_REASONS
