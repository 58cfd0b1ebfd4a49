"""Configuration documents as JSON Schema: a file with any kinds, and each kind (contract section 5)."""

from __future__ import annotations

from typing import get_args

from notifier.domain import documents as d
from notifier.domain.schemas.configuration_fields import ABOUT
from notifier.domain.schemas.shaping import Schema, documents, published


def kinds() -> list[str]:
    """Every kind that can be in the configuration topic."""
    return [type_.__name__ for type_ in (*get_args(d.StaffDocument), *get_args(d.OperatorDocument))]


def definitions() -> dict[str, Schema]:
    return documents((*get_args(d.StaffDocument), *get_args(d.OperatorDocument)), ABOUT)


def schemas() -> dict[str, Schema]:
    """By path without ending: a file with any kinds, and one schema for each kind."""
    parts = definitions()
    found = {}
    for kind in kinds():
        path = f"configuration/{kind.lower()}"
        found[path] = published(path, f"Configuration document {kind}", parts[kind], parts)
    one = [{"$ref": f"#/$defs/{type_.__name__}"} for type_ in get_args(d.StaffDocument)]
    file = {
        "description": "One document of any kind, or a list of them. A YAML file may hold several behind `---`.",
        "anyOf": [*one, {"type": "array", "items": {"anyOf": one}}],
    }
    return {"configuration": published("configuration", "Configuration documents", file, parts), **found}
