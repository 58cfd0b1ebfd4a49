"""Segments against what others publish: Twilio's own calculator and split-sms. Differences are listed, with why.

A listed difference that goes away fails, too, so that the list stays true.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from notifier.domain.segments import GSM_BASIC, GSM_EXTENSION, measure

FOLDER = Path(__file__).parent / "segments"
CALCULATOR = json.loads((FOLDER / "twilio-calculator.json").read_text(encoding="utf-8"))

EMPTY = "an empty text is never sent; both call it one segment"
WHOLE = (
    "Twilio's calculator keeps what is shown as one character in one segment; TS 23.040 cuts between code points,"
    " so that it may say one segment more"
)
DIFFERENT_COUNTS = {
    "": EMPTY,
    "a" * 63 + "👩\u200d👩\u200d👧" + "a" * 60: WHOLE,
    "a" * 66 + "e\u0301" + "a" * 66: WHOLE,
    "a" * 65 + "🇳🇴" + "a" * 65: WHOLE,
}
# split-sms is told there to use the GSM alphabet, and puts a space in place of what is not in it; Twilio does not.
FORCED_ALPHABET = {"Split 160 two-byte character message", "Split 160 surrogate-pairs character message"}


def text_of(example: dict[str, Any]) -> str:
    return "".join(part * times for part, times in example["parts"])


def published(name: str) -> list[dict[str, Any]]:
    examples: list[dict[str, Any]] = json.loads((FOLDER / f"split-sms-{name}.json").read_text(encoding="utf-8"))
    return examples


def test_the_alphabet_is_that_of_twilios_calculator() -> None:
    ours = dict.fromkeys(GSM_BASIC, 1) | dict.fromkeys(GSM_EXTENSION, 2)
    assert {chr(code): septets for code, septets in CALCULATOR["alphabet"]} == ours


@pytest.mark.parametrize("example", CALCULATOR["texts"], ids=lambda example: str(example["parts"])[:40])
def test_encoding_count_and_forcing_characters_are_those_of_twilios_calculator(example: dict[str, Any]) -> None:
    text = text_of(example)
    measured = measure(text)
    assert measured.encoding == example["encoding"]
    assert (measured.count != example["segments"]) == (text in DIFFERENT_COUNTS), DIFFERENT_COUNTS.get(text)
    in_order = dict.fromkeys(character for shown in example["forcing"] for character in shown)
    assert measured.forcing == tuple(character for character in in_order if character not in GSM_BASIC)


@pytest.mark.parametrize("text", DIFFERENT_COUNTS)
def test_a_different_count_is_one_less(text: str) -> None:
    said = next(example["segments"] for example in CALCULATOR["texts"] if text_of(example) == text)
    assert measure(text).count == said - 1


@pytest.mark.parametrize(
    "example", [*published("gsm"), *published("unicode")], ids=lambda example: str(example["description"])
)
def test_counts_are_those_of_split_sms(example: dict[str, Any]) -> None:
    differs = example["message"] == "" or example["description"] in FORCED_ALPHABET
    assert (measure(example["message"]).count != len(example["parts"])) == differs
