"""Previews: the text that would go out, what makes it dear and from where, what is probably wrong."""

from __future__ import annotations

from notifier.domain.previews import ForcingCharacter, Place, Preview, preview
from notifier.domain.templates import compile_template


def shown(source: str, **values: object) -> Preview:
    return preview(compile_template(source), values)


def test_a_preview_is_the_text_and_its_segments() -> None:
    found = shown("Hi {{name}}", name="Mara")
    assert (found.text, found.segments.count, found.segments.encoding) == ("Hi Mara", 1, "GSM-7")
    assert (found.forcing, found.warnings) == ((), ())


def test_a_forcing_character_is_told_with_every_place_in_the_template() -> None:
    found = shown("It’s\nyour key, and it’s here")
    assert found.forcing == (
        ForcingCharacter("’", "RIGHT SINGLE QUOTATION MARK", (Place(None, 1, 3), Place(None, 2, 17)), "'"),
    )
    assert [str(place) for place in found.forcing[0].places] == [
        "template line 1, column 3", "template line 2, column 17",
    ]  # fmt: skip


def test_a_forcing_character_is_told_with_the_variable_that_brings_it() -> None:
    found = shown("Hi {{customer.firstName}}, {{room}}", customer={"firstName": "Zoë"}, room="12")
    assert found.forcing == (
        ForcingCharacter("ë", "LATIN SMALL LETTER E WITH DIAERESIS", (Place("customer.firstName"),), None),
    )
    assert str(found.forcing[0].places[0]) == "the value of customer.firstName"


def test_spaces_of_other_kinds_and_control_characters_have_a_name_and_a_plain_form() -> None:
    assert [(each.name, each.instead) for each in shown("a\u00a0b\tc").forcing] == [
        ("NO-BREAK SPACE", " "),
        ("U+0009", " "),
    ]


def test_what_is_missing_empty_or_too_long_is_warned_of() -> None:
    assert shown("{{a}}").warnings == (
        "a is missing: nothing is put in its place",
        "the text comes to nothing: it would be skipped as empty_message",
    )
    assert shown("x" * 1600).warnings == ()
    assert shown("x" * 1601).warnings == ("the text is longer than 1600 characters: Twilio would refuse it",)
