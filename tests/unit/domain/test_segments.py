"""Segments and encodings: the alphabet of 3GPP TS 23.038 and the lengths that carriers bill."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier.domain.default_templates import DOORCODE_IS_CHANGED, KEY_IS_READY
from notifier.domain.segments import GSM_BASIC, GSM_EXTENSION, Segments, measure


def test_an_empty_text_has_no_segment() -> None:
    assert measure("") == Segments(0, "GSM-7", 0)


@pytest.mark.parametrize(
    ("length", "count"), [(1, 1), (160, 1), (161, 2), (306, 2), (307, 3), (459, 3), (460, 4), (1530, 10), (1531, 11)]
)
def test_gsm_texts_hold_160_and_then_153_to_the_segment(length: int, count: int) -> None:
    assert measure("a" * length) == Segments(count, "GSM-7", length)


@pytest.mark.parametrize(("length", "count"), [(1, 1), (70, 1), (71, 2), (134, 2), (135, 3), (201, 3), (202, 4)])
def test_ucs2_texts_hold_70_and_then_67_to_the_segment(length: int, count: int) -> None:
    assert measure("ő" * length) == Segments(count, "UCS-2", length, ("ő",))


def test_the_alphabet_has_127_characters_and_ten_more_by_escape() -> None:
    """The escape itself is the 128th of the basic table; the form feed and the euro are among the ten."""
    assert (len(GSM_BASIC), len(GSM_EXTENSION)) == (127, 10)


@pytest.mark.parametrize("character", sorted(GSM_EXTENSION))
def test_a_character_of_the_extension_takes_two_septets(character: str) -> None:
    assert measure(character * 80) == Segments(1, "GSM-7", 160)
    assert measure(character * 81).count == 2


def test_an_escape_pair_is_not_cut_in_two() -> None:
    """152 and 153 septets leave one and none free; a euro needs two, so the first segment stays one short."""
    assert measure("a" * 152 + "€" + "a" * 151) == Segments(2, "GSM-7", 305)
    assert measure("a" * 152 + "€" + "a" * 152) == Segments(3, "GSM-7", 306)  # without the rule: 2


def test_a_surrogate_pair_is_not_cut_in_two() -> None:
    assert measure("ő" * 66 + "🔑" + "ő" * 65) == Segments(2, "UCS-2", 133, ("ő", "🔑"))
    assert measure("ő" * 66 + "🔑" + "ő" * 66) == Segments(3, "UCS-2", 134, ("ő", "🔑"))  # without the rule: 2


def test_an_emoji_counts_as_two_units() -> None:
    assert measure("🔑" * 35) == Segments(1, "UCS-2", 70, ("🔑",))
    assert measure("🔑" * 36).count == 2


def test_what_forces_ucs2_is_named_once_each_in_order() -> None:
    assert measure("Zażółć “now” ż").forcing == ("ż", "ó", "ł", "ć", "“", "”")


@pytest.mark.parametrize("character", ["ç", "`", "\t", "’", "–", "\u00a0", "á", "ê"])
def test_near_misses_of_the_alphabet_force_ucs2(character: str) -> None:
    """Ç is in the alphabet and ç is not; typographic quotes and dashes are the usual surprise."""
    assert measure(f"a{character}").forcing == (character,)


@pytest.mark.parametrize("template", [KEY_IS_READY, DOORCODE_IS_CHANGED])
def test_the_built_in_texts_stay_in_the_gsm_alphabet(template: str) -> None:
    assert measure(template).encoding == "GSM-7"


def packed(text: str) -> tuple[int, int]:
    """An independent count: cut the text into segments, character by character, and look at what was cut."""
    gsm = all(c in GSM_BASIC or c in GSM_EXTENSION for c in text)
    single, room = (160, 153) if gsm else (70, 67)
    encoded = [("\x1b" + c if c in GSM_EXTENSION else c) if gsm else "uu" if ord(c) > 0xFFFF else "u" for c in text]
    units = len("".join(encoded))
    if units <= single:
        return (1 if text else 0), units
    segments = [""]
    for character in encoded:
        if len(segments[-1] + character) > room:
            segments.append("")
        segments[-1] += character
    return len(segments), units


@given(st.text(st.sampled_from("ab€{ő🔑"), max_size=400) | st.text(st.sampled_from("ab€{^"), max_size=700))
def test_counts_agree_with_a_text_that_is_really_cut(text: str) -> None:
    measured = measure(text)
    assert (measured.count, measured.units) == packed(text)
