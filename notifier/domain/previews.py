"""A template rendered for the eyes of staff: the text, what it costs, what makes it dear, and what is probably wrong.

The sender's own functions do the work, `Template.render` and `segments.measure`: a preview is what would go out.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from notifier.domain.segments import Segments, measure
from notifier.domain.templates import Template, Values, find_value

LONGEST_BODY = 1_600  # characters, Twilio's limit (21617)

# What word processors put in place of plain characters; each alone makes a whole text UCS-2.
_PLAIN: Mapping[str, str] = MappingProxyType(
    {"‘": "'", "’": "'", "‚": ",", "“": '"', "”": '"', "„": '"', "–": "-", "—": "-", "…": "...", "`": "'", "\t": " "}
)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a character comes from: `variable` is None for the template's own words, whose line and column count from
    1; of a value they are None."""

    variable: str | None
    line: int | None = None
    column: int | None = None

    def __str__(self) -> str:
        return f"the value of {self.variable}" if self.variable else f"template line {self.line}, column {self.column}"


@dataclass(frozen=True, slots=True)
class ForcingCharacter:
    """A character outside the GSM alphabet. `instead`: what is within it and reads the same, where there is such."""

    character: str
    name: str
    places: tuple[Place, ...]
    instead: str | None


@dataclass(frozen=True, slots=True)
class Preview:
    """`warnings` name variables, never their values."""

    text: str
    segments: Segments
    forcing: tuple[ForcingCharacter, ...]
    warnings: tuple[str, ...]


def preview(template: Template, values: Values) -> Preview:
    """`template` rendered with `values`, and everything to be said of the outcome."""
    rendered = template.render(values)
    segments = measure(rendered.text)
    forcing = tuple(_forcing(character, template, values) for character in segments.forcing)
    return Preview(rendered.text, segments, forcing, (*rendered.warnings, *_warnings(rendered.text)))


def _warnings(text: str) -> Iterator[str]:
    if not text.strip():
        yield "the text comes to nothing: it would be skipped as empty_message"
    if len(text) > LONGEST_BODY:
        yield f"the text is longer than {LONGEST_BODY} characters: Twilio would refuse it"


def _forcing(character: str, template: Template, values: Values) -> ForcingCharacter:
    in_template = tuple(_places(character, template.source))
    in_values = tuple(Place(name) for name in sorted(template.names) if character in _as_text(find_value(values, name)))
    instead = " " if unicodedata.category(character) == "Zs" else _PLAIN.get(character)
    return ForcingCharacter(character, _name(character), (*in_template, *in_values), instead)


def _places(character: str, source: str) -> Iterator[Place]:
    for number, line in enumerate(source.split("\n"), start=1):
        for column, found in enumerate(line, start=1):
            if found == character:
                yield Place(None, number, column)


def _as_text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _name(character: str) -> str:
    """`RIGHT SINGLE QUOTATION MARK`; control characters have no name and get their code."""
    return unicodedata.name(character, f"U+{ord(character):04X}")
