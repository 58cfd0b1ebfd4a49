"""Phone numbers: what is read, what is refused, and what a mask gives away."""

import hashlib
import hmac
import random
import re

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier.domain.phone_numbers import _parsed, hash_number, mask, normalise


@pytest.mark.parametrize(
    ("raw", "region", "number"),
    [
        ("+12025550143", None, "+12025550143"),
        ("+1\u00a0202\u2009555\u20110143\n", None, "+12025550143"),
        (" +1 (202) 555-0143 ", None, "+12025550143"),
        ("+1.202.555.0143", None, "+12025550143"),
        ("+47 900 00 001", "US", "+4790000001"),
        ("900 00 001", "NO", "+4790000001"),
        ("0047 900 00 001", "NO", "+4790000001"),
        ("(202) 555-0143", "US", "+12025550143"),
        ("030 1234567", "DE", "+49301234567"),
        ("+39 02 1234567", None, "+39021234567"),
        ("\u202a+12025550143\u202c", None, "+12025550143"),
        ("+15005550006", None, "+15005550006"),
    ],
)
def test_numbers_are_read_to_e164(raw: str, region: str | None, number: str) -> None:
    assert normalise(raw, region) == number


@pytest.mark.parametrize(
    ("raw", "region"),
    [
        ("", "US"),
        ("   ", "US"),
        ("900 00 001", None),
        ("0047 900 00 001", None),
        ("5550143", "US"),
        ("+1202555014", None),
        ("+120255501433", None),
        ("+999123456789", None),
        ("n/a", "US"),
        ("1-800-FLOWERS", "US"),
        ("call 202 555 0143", "US"),
        ("Room 204, 202-555-0143", "US"),
        ("+12025550143 ext. 7", "US"),
        ("tel:+12025550143", "US"),
        ("+12025550143;+12025550144", "US"),
        ("+1202555\n0143", "US"),
        ("9" * 400, "US"),
        ("2025550143", "XX"),
    ],
)
def test_what_is_no_number_by_itself_is_refused(raw: str, region: str | None) -> None:
    assert normalise(raw, region) is None


@given(st.text(max_size=40), st.sampled_from([None, "US", "NO", "DE"]))
def test_any_text_gives_e164_or_nothing_and_reading_again_changes_nothing(raw: str, region: str | None) -> None:
    number = normalise(raw, region)
    if number is not None:
        assert re.fullmatch(r"\+[1-9][0-9]{6,14}", number)
        assert normalise(number, None) == number


def test_a_mask_shows_country_code_three_digits_and_the_last_four() -> None:
    assert mask("+12025550143") == "+1202•••0143"
    assert mask("+4915112345678") == "+49151•••5678"


@pytest.mark.parametrize(
    ("number", "masked"),
    [
        ("+4790000001", "+479•••0001"),
        ("+2907234", "+290•••4"),
        ("+29072345", "+290•••45"),
        ("+3725123456", "+372•••3456"),
    ],
)
def test_a_mask_hides_three_digits_at_least_also_of_a_short_number(number: str, masked: str) -> None:
    assert mask(number) == masked


@given(st.from_regex(r"\+[1-9][0-9]{6,14}", fullmatch=True))
def test_a_mask_never_shows_the_whole_number(number: str) -> None:
    shown = mask(number).replace("•••", "").removeprefix("+")
    assert len(shown) <= len(number) - 1 - 3
    assert mask(number).count("•") == 3


def test_a_hash_is_keyed_and_says_which_it_is() -> None:
    expected = hmac.new(b"pepper", b"+12025550143", hashlib.sha256).hexdigest()
    assert hash_number("+12025550143", b"pepper") == f"hmac-sha256:{expected}"
    assert hash_number("+12025550143", b"salt") != hash_number("+12025550143", b"pepper")


_COUNTRIES = sorted(str(code) for code in phonenumbers.COUNTRY_CODE_TO_REGION_CODE)


@pytest.mark.parametrize("country", _COUNTRIES)
def test_a_number_that_is_e164_already_reads_as_the_library_reads_it(country: str) -> None:
    """Of every length, with every beginning: some are prefixes that are dialled within the country only."""
    digits = random.Random(country)
    for length in range(4, 16 - len(country)):
        for beginning in range(100):
            number = f"+{country}{beginning:02}" + "".join(digits.choices("0123456789", k=length - 2))
            assert normalise(number, None) == _parsed(number, None)


@given(st.sampled_from(_COUNTRIES), st.from_regex(r"[0-9]{3,14}", fullmatch=True), st.sampled_from(["US", "NO", "XX"]))
def test_and_the_region_changes_nothing_in_it(country: str, national: str, region: str) -> None:
    number = f"+{country}{national}"[:16]
    assert normalise(number, region) == _parsed(number, region)
