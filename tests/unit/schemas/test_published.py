"""`schemas/` is what the code says now, each file a valid schema that stands alone."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from notifier.commands.schemas import schema_files
from notifier.domain.documents import Timing
from notifier.domain.schemas.shaping import About, Undescribed, documents, references
from tests.unit.schemas.checking import SCHEMAS

FILES = sorted(path.relative_to(SCHEMAS).as_posix() for path in SCHEMAS.rglob("*.json"))
JSON_SCHEMAS = [name for name in FILES if name.endswith(".schema.json")]


def test_no_schema_has_drifted_from_the_code() -> None:
    """`make schemas` writes them again."""
    wanted = schema_files()
    assert sorted(wanted) == FILES
    assert [name for name in FILES if (SCHEMAS / name).read_text(encoding="utf-8") != wanted[name]] == []


@pytest.mark.parametrize("name", JSON_SCHEMAS)
def test_it_is_a_valid_schema_that_refers_to_nothing_outside(name: str) -> None:
    schema = json.loads((SCHEMAS / name).read_text(encoding="utf-8"))
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    Draft202012Validator.check_schema(schema)
    assert schema["$id"] == "urn:notifier:schema:" + name.removesuffix(".schema.json").replace("/", ":")
    assert sorted(set(references(schema))) == sorted(schema.get("$defs", {})), "all that is referred to, nothing else"


def test_every_field_of_configuration_says_what_it_means() -> None:
    schema = json.loads((SCHEMAS / "configuration.schema.json").read_text(encoding="utf-8"))
    undescribed = [
        f"{name}.{field}"
        for name, definition in schema["$defs"].items()
        for field, about in definition["properties"].items()
        if not about.get("description")
    ]
    assert undescribed == []
    assert all(definition["additionalProperties"] is False for definition in schema["$defs"].values())


def test_a_field_without_a_description_is_told_by_its_name() -> None:
    """So whoever adds one is asked for its meaning by the drift check."""
    with pytest.raises(Undescribed, match=r"Timing has the fields \['lead', 'mode'\], and described are \['mode'\]"):
        documents([Timing], {Timing: About("When.", {"mode": "How."})})
    with pytest.raises(Undescribed, match="no description of Timing"):
        documents([Timing], {})


def test_the_asyncapi_document_refers_only_to_what_it_has() -> None:
    """The official parser says more, where Node is: tests/contract/test_asyncapi.py."""
    document = json.loads((SCHEMAS / "asyncapi.json").read_text(encoding="utf-8"))
    for reference in set(references(document)):
        found = document
        for part in Path(reference.removeprefix("#/")).parts:
            found = found[part]
        assert found
    assert document["channels"]["ledger"]["bindings"]["kafka"]["topicConfiguration"]["cleanup.policy"] == ["compact"]
    assert [each["address"] for each in document["channels"].values()] == [
        "pms.events", "care.events", "notifier.inbox", "notifier.signals", "notifier.ledger", "notifier.results",
        "notifier.dead-letters", "notifier.config",
    ]  # fmt: skip
