"""What may stand in the texts of a workflow: the paths of a payload, and which of them are nobody else's business.

Rules: a path is written as templates take it, `lineItems.0.name`; of a list the first item stands for all. Clinical
data should not reach a text (seed-systems.md B27): whatever lies at or below one of `SENSITIVE_FIELDS`, at any depth.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

Kind = Literal["text", "number", "true or false", "object", "list", "nothing"]

SENSITIVE_FIELDS = frozenset({"extras", "answers", "drugName", "dob"})


@dataclass(frozen=True, slots=True)
class PayloadPath:
    """`sample`: the value of the payload that was looked at; None for an object or a list, which have no text."""

    path: str
    kind: Kind
    sample: object
    sensitive: bool


def payload_paths(view: Mapping[str, object]) -> Iterator[PayloadPath]:
    """Every path of a payload, in its order; objects and lists stand before what is in them."""
    for name, value in view.items():
        yield from _paths(name, value)


def is_sensitive(path: str) -> bool:
    return not SENSITIVE_FIELDS.isdisjoint(path.split("."))


def _paths(path: str, value: object) -> Iterator[PayloadPath]:
    kind = _kind(value)
    has_parts = kind in ("object", "list")
    yield PayloadPath(path, kind, None if has_parts else value, is_sensitive(path))
    if isinstance(value, Mapping):
        for name, part in value.items():
            yield from _paths(f"{path}.{name}", part)
    elif isinstance(value, (list, tuple)) and value:
        yield from _paths(f"{path}.0", value[0])


def _kind(value: object) -> Kind:
    match value:
        case str():
            return "text"
        case bool():
            return "true or false"
        case int() | float():
            return "number"
        case list() | tuple():
            return "list"
        case Mapping():
            return "object"
    return "nothing"
