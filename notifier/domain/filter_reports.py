"""Why a filter holds or not: each condition of a query document by itself, with what it looked at.

Rules: a query is the conjunction of its fields, of the operators of each field and of the parts of `$and`; these are
told apart. An `$or` is one condition. The filter's own code decides each, so that a report cannot contradict it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from notifier.domain.filters import Payload, compile_filter, values_at


@dataclass(frozen=True, slots=True)
class Condition:
    """`wanted`: the condition as JSON; `found`: the values at `path`, empty when there is none; of `$or` always."""

    path: str
    wanted: str
    holds: bool
    found: tuple[object, ...]

    def __str__(self) -> str:
        """Why it does not hold, for people; no value of the payload is shown."""
        if self.path.startswith("$"):
            return f"none of {self.wanted} holds"
        found = "the event has another value" if self.found else "the event has no such field"
        return f"{self.path} must be {self.wanted}, and {found}"


def conditions(query: Mapping[str, object], view: Payload) -> tuple[Condition, ...]:
    """`query` is one that `compile_filter` takes. An empty one has no conditions and holds."""
    return tuple(_conditions(query, view))


def _conditions(query: Mapping[str, object], view: Payload) -> Iterator[Condition]:
    for path, wanted in query.items():
        if path == "$and" and isinstance(wanted, (list, tuple)):
            for part in wanted:
                yield from _conditions(part, view)
        elif isinstance(wanted, Mapping) and any(name.startswith("$") for name in wanted):
            for operator, operand in wanted.items():
                yield _condition(path, {operator: operand}, view)
        else:
            yield _condition(path, wanted, view)


def _condition(path: str, wanted: object, view: Payload) -> Condition:
    holds = compile_filter({path: wanted}).matches(view)
    found = () if path.startswith("$") else tuple(values_at(view, path))
    return Condition(path, json.dumps(wanted, ensure_ascii=False), holds, found)
