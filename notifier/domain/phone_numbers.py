"""Phone numbers: read to E.164, and shown without giving them away.

Rules: what is read must be a number and nothing else; a number hidden in prose is refused, because a guess could text a
stranger. Lengths are checked, number ranges are not: new ranges open faster than any table learns of them, and Twilio
refuses what does not exist. Without a region only the international form (`+…`) is read.
"""

from __future__ import annotations

import hmac
import re
import unicodedata
from dataclasses import dataclass
from functools import cache

import phonenumbers

_E164 = re.compile(r"\+[1-9][0-9]{6,14}", re.ASCII)
_NUMBER_ONLY = re.compile(r"[+\uff0b]?[\d ().\-/\u2010-\u2015]+")
_HIDDEN_DIGITS = 3  # what a mask hides at least, also of a short number


def normalise(raw: str, region: str | None) -> str | None:
    """E.164, or None when `raw` is no phone number. `region`: ISO country that a national form is read in."""
    if _E164.fullmatch(raw) and _stands_as_it_is(raw):
        return raw
    return _parsed(raw, region)


def _parsed(raw: str, region: str | None) -> str | None:
    written = _plain_spaces(raw)
    if not _NUMBER_ONLY.fullmatch(written):
        return None
    try:
        number = phonenumbers.parse(written, region)
    except phonenumbers.NumberParseException:
        return None
    if phonenumbers.is_possible_number_with_reason(number) != phonenumbers.ValidationResult.IS_POSSIBLE:
        return None
    formatted = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    return formatted if _E164.fullmatch(formatted) else None


@dataclass(frozen=True, slots=True)
class _Plan:
    """What may stand behind a country code: so many digits, and no prefix that is dialled within the country only."""

    lengths: frozenset[int]
    prefix: re.Pattern[str] | None


@cache
def _plan(country: str) -> _Plan:
    code = int(country)
    metadata = phonenumbers.PhoneMetadata.metadata_for_region_or_calling_code(
        code, phonenumbers.region_code_for_country_code(code)
    )
    if metadata is None or metadata.general_desc is None:
        return _Plan(frozenset(), None)
    prefix = metadata.national_prefix_for_parsing
    return _Plan(frozenset(metadata.general_desc.possible_length), re.compile(prefix) if prefix else None)


def _stands_as_it_is(number: str) -> bool:
    """Whether parsing an E.164 number would change and refuse nothing: most numbers that come, at a tenth of the time.
    False where that has to be asked."""
    country = _country_code(number)
    if country is None:
        return False
    national = number[1 + len(country) :]
    plan = _plan(country)
    return len(national) in plan.lengths and (plan.prefix is None or plan.prefix.match(national) is None)


def _plain_spaces(raw: str) -> str:
    """Pasted numbers carry invisible marks and spaces of every width; a line break is none of them."""
    if raw.isascii():
        return raw.strip()
    categories = ((character, unicodedata.category(character)) for character in raw.strip())
    return "".join(
        " " if category == "Zs" else character for character, category in categories if category != "Cf"
    ).strip()


def mask(number: str) -> str:
    """`+1202•••0143` for an E.164 number: country code and the next three digits, and the last four.

    Of a number too short for that fewer are shown, so that three digits at least stay hidden.
    """
    country = _country_code(number) or number[1:2]
    national = number[1 + len(country) :]
    shown = max(0, len(national) - _HIDDEN_DIGITS)
    tail = min(4, shown)
    head = min(3, shown - tail)
    return f"+{country}{national[:head]}•••{national[len(national) - tail :]}"


def hash_number(number: str, key: bytes) -> str:
    """`hmac-sha256:<hex>` of an E.164 number: a person is recognised, and nobody without the key learns who."""
    return "hmac-sha256:" + hmac.digest(key, number.encode(), "sha256").hex()


def _country_code(number: str) -> str | None:
    """Country codes are free of prefixes, so that the first that fits is the one; None when there is no such."""
    for length in (1, 2, 3):
        digits = number[1 : 1 + length]
        if int(digits) in phonenumbers.COUNTRY_CODE_TO_REGION_CODE:
            return digits
    return None
