"""Why a filter does not let a payload through: the conditions that are not met, one by one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import msgspec

from notifier.domain.filters import Payload, compile_filter


class Unmet(NamedTuple):
    """`condition` as it is written, in JSON. `there`: whether the payload has the field at all; None for an `$or` of
    which no branch holds."""

    path: str
    condition: str
    there: bool | None

    def __str__(self) -> str:
        if self.there is None:
            return f"none of {self.condition} holds"
        found = "the event has another value" if self.there else "the event has no such field"
        return f"{self.path} must be {self.condition}, and {found}"


def unmet(query: Mapping[str, object], payload: Payload) -> list[Unmet]:
    """Empty exactly when the filter matches. Raises FilterError."""
    return list(_unmet(query, payload))


def _unmet(query: Mapping[str, object], payload: Payload) -> Iterator[Unmet]:
    for name, condition in query.items():
        if name == "$and" and isinstance(condition, (list, tuple)) and condition:
            for part in condition:
                yield from _unmet(part, payload)
        elif name == "$or":
            if not compile_filter({name: condition}).matches(payload):
                yield Unmet(name, _json(condition), None)
        else:
            for each in _each(condition):
                if not compile_filter({name: each}).matches(payload):
                    there = compile_filter({name: {"$exists": True}}).matches(payload)
                    yield Unmet(name, _json(each), there)


def _each(condition: object) -> list[object]:
    """`{$gt: 3, $lt: 9}` are two conditions."""
    if isinstance(condition, Mapping) and any(str(name).startswith("$") for name in condition):
        return [{name: operand} for name, operand in condition.items()]
    return [condition]


def _json(condition: object) -> str:
    return msgspec.json.encode(condition).decode()
