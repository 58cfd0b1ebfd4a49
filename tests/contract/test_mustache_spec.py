"""Our templates against the examples of the Mustache specification 1.4.1: all that apply hold, and the rest is listed.

A listed example that begins to hold fails, too: the list, and docs/reference/templates.md with it, must stay true.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from notifier.domain.templates import TemplateSyntaxError, compile_template

FOLDER = Path(__file__).parent / "mustache_spec"

Example = tuple[str, dict[str, Any]]  # the file's name, and the example as it stands there

# Not taken over on purpose. Refused with the place when the template is compiled:
REFUSED = {
    "partials": "a text is one template and includes no other",
    "~dynamic-names": "partials whose names are values: as partials",
    "~inheritance": "partials with blocks: as partials",
    "delimiters": "one pair of delimiters keeps a template readable for the next person",
}
# Rendered otherwise than there:
DIFFERENT = {
    ("interpolation", "HTML Escaping"): "a text is no web page: nothing is escaped",
    ("interpolation", "Implicit Iterators - HTML Escaping"): "a text is no web page: nothing is escaped",
    ("sections", "Implicit Iterator - HTML Escaping"): "a text is no web page: nothing is escaped",
    ("~lambdas", "Interpolation"): "a value is data: it is never called",
    ("~lambdas", "Interpolation - Expansion"): "a value is data: it is never parsed",
    ("~lambdas", "Interpolation - Alternate Delimiters"): "a value is data: it is never parsed",
    ("~lambdas", "Interpolation - Multiple Calls"): "a value is data: it is never called",
    ("~lambdas", "Escaping"): "a value is data: it is never called",
    ("~lambdas", "Section"): "a value is data: it is never called",
    ("~lambdas", "Section - Expansion"): "a value is data: it is never called",
    ("~lambdas", "Section - Alternate Delimiters"): "a value is data: it is never called",
    ("~lambdas", "Section - Multiple Calls"): "a value is data: it is never called",
}


def examples() -> Iterator[Example]:
    for file in sorted(FOLDER.glob("*.json")):
        for example in json.loads(file.read_text(encoding="utf-8"))["tests"]:
            yield file.stem, example


def group(name: str) -> list[Any]:
    return [pytest.param(*each, id=f"{each[0]}-{each[1]['name']}") for each in examples() if _group(*each) == name]


def _group(file: str, example: dict[str, Any]) -> str:
    if file in REFUSED:
        return "refused"
    return "different" if (file, example["name"]) in DIFFERENT else "applies"


def render(example: dict[str, Any]) -> str:
    return compile_template(example["template"]).render(example["data"]).text


@pytest.mark.parametrize(("file", "example"), group("applies"))
def test_what_applies_holds(file: str, example: dict[str, Any]) -> None:
    assert render(example) == example["expected"], example["desc"]


@pytest.mark.parametrize(("file", "example"), group("refused"))
def test_what_is_not_supported_is_refused_with_its_place(file: str, example: dict[str, Any]) -> None:
    with pytest.raises(TemplateSyntaxError, match=r"line \d+, column \d+"):
        render(example)


@pytest.mark.parametrize(("file", "example"), group("different"))
def test_what_differs_on_purpose_still_differs(file: str, example: dict[str, Any]) -> None:
    try:
        text = render(example)
    except TemplateSyntaxError:
        return  # two of the lambdas want other delimiters, too
    assert text != example["expected"], DIFFERENT[file, example["name"]]


def test_every_example_that_is_listed_exists() -> None:
    known = {(file, example["name"]) for file, example in examples()}
    assert set(DIFFERENT) <= known
    assert set(REFUSED) <= {file for file, _ in known}


def test_most_of_the_core_applies() -> None:
    """A guard against a list that grows until nothing is tested."""
    assert len(group("applies")) == 105
