"""From the types of the code to JSON Schema 2020-12: msgspec says the form, tables the meaning and what else holds.

Rules: a published schema stands alone (`$defs` inside it, no reference to another file), so that an editor needs one
file; its `$id` is a URN, which names it and is no address; the same code gives the same bytes. Only keywords that draft
7 has too are used in definitions, since AsyncAPI's own schema language is built on it.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

DIALECT = "https://json-schema.org/draft/2020-12/schema"
ID_PREFIX = "urn:notifier:schema:"
INSIDE = "#/$defs/"

Schema = dict[str, Any]  # Any: JSON Schema is JSON, and that has no narrower type

_DAY = r"(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])"
_CLOCK = r"(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\.[0-9]+)?"
_OFFSET = r"(?:[Zz]|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9])"
_YEAR = r"(?:19[7-9][0-9]|[2-8][0-9]{3}|9[0-8][0-9]{2}|99[0-8][0-9]|999[0-8])"  # 1970 to 9998
TIME: Schema = {"type": "string", "format": "date-time", "pattern": rf"^[0-9]{{4}}-{_DAY}[Tt]{_CLOCK}{_OFFSET}$"}
EVENT_TIME: Schema = {**TIME, "pattern": rf"^{_YEAR}-{_DAY}[Tt]{_CLOCK}{_OFFSET}$"}


@dataclass(frozen=True, slots=True)
class Limited:
    """A field whose type does not say all: what it means, and keywords that are added."""

    text: str
    keywords: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class About:
    """What a struct and its fields (as they are spelled outside) mean; `keywords` hold for the struct as a whole."""

    text: str
    fields: Mapping[str, str | Limited]
    keywords: Mapping[str, Any] = field(default_factory=dict)


class Undescribed(Exception):
    """A field has no description, or a description no field: the tables have not followed the types."""


def or_null(schema: Schema) -> Schema:
    return {"anyOf": [schema, {"type": "null"}]}


def documents(types: Iterable[type], about: Mapping[type, About]) -> dict[str, Schema]:
    """A definition for each of `types` and for all that they are made of, by name. Raises `Undescribed`."""
    _, found = msgspec.json.schema_components(list(types), ref_template=INSIDE + "{name}")
    definitions: dict[str, Schema] = {name: _json_schema(each) for name, each in found.items()}
    told = {type_.__name__: each for type_, each in about.items()}
    missing = sorted(set(definitions) - set(told))
    if missing:
        raise Undescribed(f"no description of {', '.join(missing)}")
    return {name: _described(name, definitions[name], told[name]) for name in sorted(definitions)}


def _json_schema(schema: Any) -> Any:
    """Without `discriminator`, which is OpenAPI's: the constant of each option says the same."""
    if isinstance(schema, dict):
        return {key: _json_schema(value) for key, value in schema.items() if key != "discriminator"}
    return [_json_schema(each) for each in schema] if isinstance(schema, list) else schema


def _described(name: str, definition: Schema, about: About) -> Schema:
    properties: dict[str, Schema] = definition.get("properties", {})
    if set(properties) != set(about.fields):
        raise Undescribed(f"{name} has the fields {sorted(properties)}, and described are {sorted(about.fields)}")
    fields = {each: _property(schema, about.fields[each]) for each, schema in properties.items()}
    rest = {key: value for key, value in definition.items() if key not in ("title", "description", "properties")}
    if rest.get("required") == []:
        del rest["required"]
    shown = {"description": inspect.cleandoc(about.text).replace("\n", " "), "properties": fields}
    return {"type": "object", **shown, **rest, **about.keywords}


def _property(schema: Schema, about: str | Limited) -> Schema:
    """Keywords go to the type that is not null; a reference gets them beside it."""
    text, keywords = (about, {}) if isinstance(about, str) else (about.text, about.keywords)
    options = [option for option in schema.get("anyOf", ()) if option != {"type": "null"}]
    limited = {key: value for key, value in schema.items() if key != "anyOf"}
    if len(options) == 1 and "anyOf" in schema:
        limited["anyOf"] = [{**options[0], **keywords}, {"type": "null"}]
    else:
        limited |= {key: schema[key] for key in ("anyOf",) if key in schema} | dict(keywords)
    only = limited.get("enum", ())
    if len(only) == 1:
        limited = {"const": only[0], **{key: value for key, value in limited.items() if key != "enum"}}
    return {"description": text, **limited}


def published(name: str, title: str, schema: Schema, definitions: Mapping[str, Schema]) -> Schema:
    """A whole document: `schema` with those of `definitions` that it needs. `name` is its path without the ending."""
    needed = dict.fromkeys(sorted(_reached(schema, definitions)))
    head = {"$schema": DIALECT, "$id": ID_PREFIX + name.replace("/", ":"), "title": title}
    defs = {"$defs": {each: definitions[each] for each in needed}} if needed else {}
    return {**head, **schema, **defs}


def _reached(schema: object, definitions: Mapping[str, Schema]) -> set[str]:
    found: set[str] = set()
    waiting = list(references(schema))
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += references(definitions[name])
    return found


def references(schema: object) -> Iterator[str]:
    """The names of the definitions that are referred to, as often as they are."""
    if isinstance(schema, dict):
        for key, value in schema.items():
            if key == "$ref":
                yield str(value).removeprefix(INSIDE)
            else:
                yield from references(value)
    elif isinstance(schema, list):
        for each in schema:
            yield from references(each)
