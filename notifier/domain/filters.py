"""Filters of workflows: MongoDB query documents, compiled once (seed-systems.md 2.4, B11 to B13).

Rules: MongoDB's meaning, with the thirteen operators listed below; others are refused by name.
- A path that meets an array looks into each element, and by number at one; an array at its end is compared both element
  by element and as a whole. A condition holds when one of the values found meets it.
- A missing field equals null. `$ne` and `$nin` are the plain opposites of `$eq` and `$in`, so they match it, too.
- Only like types compare; true and false are no numbers. Times in payloads are text and compare as text.
- Objects compare by content. MongoDB also wants their fields in the same order, which JSON does not promise.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum

Payload = Mapping[str, object]
Predicate = Callable[[Payload], bool]
ValueTest = Callable[[list[object]], bool]

DEEPEST_QUERY = 50


class FilterError(ValueError):
    """The query document cannot be used: `path` says where, the message what is allowed."""

    def __init__(self, path: str, message: str) -> None:
        super().__init__(f"{path}: {message}" if path else message)
        self.path = path
        self.message = message


class _Missing(Enum):
    MISSING = "missing"


_MISSING = _Missing.MISSING


@dataclass(frozen=True, slots=True)
class Filter:
    """A compiled query document."""

    _predicate: Predicate

    def matches(self, payload: Payload) -> bool:
        return self._predicate(payload)


def compile_filter(query: Mapping[str, object]) -> Filter:
    """An empty query matches all. Raises FilterError."""
    return Filter(_compile_query(query, "", 0))


def _compile_query(query: object, where: str, depth: int) -> Predicate:
    if not isinstance(query, Mapping):
        raise FilterError(where, "a query object is allowed here")
    if depth > DEEPEST_QUERY:
        raise FilterError(where, f"nested deeper than {DEEPEST_QUERY} levels")
    clauses = [_compile_clause(name, value, where, depth) for name, value in query.items()]
    if len(clauses) == 1:
        return clauses[0]
    return lambda payload: all(clause(payload) for clause in clauses)


def _compile_clause(name: object, value: object, where: str, depth: int) -> Predicate:
    if not isinstance(name, str):
        raise FilterError(_join(where, name), "a field name must be text")
    here = _join(where, name)
    if name.startswith("$"):
        return _compile_junction(name, value, here, depth)
    path = tuple(name.split("."))
    if not all(path):
        raise FilterError(here, "a path is made of names with single dots between them")
    tests = _compile_condition(value, here)
    return lambda payload: _hold(tests, list(_values(payload, path)))


def _compile_junction(name: str, value: object, here: str, depth: int) -> Predicate:
    if name in _FIELD_OPERATORS:
        raise FilterError(here, f"{name} belongs to a field: {{field: {{{name}: …}}}}")
    if name not in ("$and", "$or"):
        raise FilterError(here, f"unknown operator {name}; allowed are {_ALLOWED}")
    if not isinstance(value, (list, tuple)) or not value:
        raise FilterError(here, f"{name} takes a list of one or more query objects")
    parts = [_compile_query(part, f"{here}.{position}", depth + 1) for position, part in enumerate(value)]
    if name == "$and":
        return lambda payload: all(part(payload) for part in parts)
    return lambda payload: any(part(payload) for part in parts)


def _hold(tests: list[ValueTest], found: list[object]) -> bool:
    return all(test(found) for test in tests)


def _compile_condition(condition: object, here: str) -> list[ValueTest]:
    """`{$gt: 3, $lt: 9}`, or a value that the field must equal."""
    if not isinstance(condition, Mapping) or not any(_is_operator(name) for name in condition):
        return [_equal_to(condition, here)]
    tests = []
    for name, operand in condition.items():
        operator = _FIELD_OPERATORS.get(name) if isinstance(name, str) else None
        if operator is None:
            raise FilterError(_join(here, name), _unknown(name))
        tests.append(operator(operand, _join(here, name)))
    return tests


def _unknown(name: object) -> str:
    if name in ("$and", "$or"):
        return f"{name} stands around fields, not within one"
    if _is_operator(name):
        return f"unknown operator {name}; allowed are {_ALLOWED}"
    return "operators and plain fields cannot be mixed"


def _is_operator(name: object) -> bool:
    return isinstance(name, str) and name.startswith("$")


def _join(where: str, name: object) -> str:
    return f"{where}.{name}" if where else str(name)


# Operators: each takes its operand and says whether the values found under a path meet it.


def _equal_to(operand: object, here: str) -> ValueTest:
    wanted = _literal(operand, here)
    return lambda found: any(_equal(value, wanted) for value in found)


def _not_equal_to(operand: object, here: str) -> ValueTest:
    equal = _equal_to(operand, here)
    return lambda found: not equal(found)


def _one_of(operand: object, here: str) -> ValueTest:
    tests = [_equal_to(item, f"{here}.{position}") for position, item in enumerate(_list(operand, here))]
    return lambda found: any(test(found) for test in tests)


def _none_of(operand: object, here: str) -> ValueTest:
    one_of = _one_of(operand, here)
    return lambda found: not one_of(found)


def _all_of(operand: object, here: str) -> ValueTest:
    tests = [_equal_to(item, f"{here}.{position}") for position, item in enumerate(_list(operand, here))]
    return lambda found: bool(tests) and all(test(found) for test in tests)  # MongoDB: an empty list matches nothing


def _exists(operand: object, here: str) -> ValueTest:
    if not isinstance(operand, bool):
        raise FilterError(here, "$exists takes true or false")
    return lambda found: any(value is not _MISSING for value in found) is operand


def _modulo(operand: object, here: str) -> ValueTest:
    given = _list(operand, here)
    numbers = [number for number in given if isinstance(number, int) and not isinstance(number, bool)]
    if len(numbers) != 2 or len(given) != 2 or numbers[0] == 0:
        raise FilterError(here, "$mod takes a list of two whole numbers, a divisor other than 0 and a remainder")
    divisor, remainder = numbers
    return lambda found: any(_remainder(value, divisor) == remainder for value in found)


def _remainder(value: object, divisor: int) -> int | None:
    """As MongoDB and C count: cut towards zero, the sign is that of the value. None for what is no number."""
    if not isinstance(value, (int, float)) or isinstance(value, bool) or not math.isfinite(value):
        return None
    whole = int(value)
    remainder = abs(whole) % abs(divisor)
    return remainder if whole > 0 else -remainder


def _ordered(name: str, holds: Callable[[int], bool]) -> Callable[[object, str], ValueTest]:
    def operator(operand: object, here: str) -> ValueTest:
        if not isinstance(operand, (str, int, float)) or operand != operand:
            raise FilterError(here, f"{name} takes a number, a text, true or false")

        def test(found: list[object]) -> bool:
            return any((order := _compare(value, operand)) is not None and holds(order) for value in found)

        return test

    return operator


_FIELD_OPERATORS: Mapping[str, Callable[[object, str], ValueTest]] = {
    "$in": _one_of,
    "$nin": _none_of,
    "$exists": _exists,
    "$gte": _ordered("$gte", lambda order: order >= 0),
    "$gt": _ordered("$gt", lambda order: order > 0),
    "$lte": _ordered("$lte", lambda order: order <= 0),
    "$lt": _ordered("$lt", lambda order: order < 0),
    "$eq": _equal_to,
    "$ne": _not_equal_to,
    "$mod": _modulo,
    "$all": _all_of,
}
_ALLOWED = ", ".join([*_FIELD_OPERATORS, "$and", "$or"])


def _list(operand: object, here: str) -> list[object]:
    if not isinstance(operand, (list, tuple)):
        raise FilterError(here, f"{here.rpartition('.')[2]} takes a list")
    return list(operand)


def _literal(operand: object, here: str, depth: int = 0) -> object:
    """A value to compare with: JSON, and no operator within it."""
    if depth > DEEPEST_QUERY:
        raise FilterError(here, f"nested deeper than {DEEPEST_QUERY} levels")
    if operand is None or isinstance(operand, (str, bool, int)) or (isinstance(operand, float) and operand == operand):
        return operand
    if isinstance(operand, (list, tuple)):
        return [_literal(item, f"{here}.{position}", depth + 1) for position, item in enumerate(operand)]
    if not isinstance(operand, Mapping):
        raise FilterError(here, "JSON values are allowed: quote a date in YAML, so that it is text")
    for name in operand:
        if not isinstance(name, str) or _is_operator(name):
            raise FilterError(
                _join(here, name), "field names and no operators are allowed within a value to compare with"
            )
    return {name: _literal(item, _join(here, name), depth + 1) for name, item in operand.items()}


# Values of a payload.


def values_at(payload: Payload, path: str) -> list[object]:
    """What a condition on `path` looks at, items of lists one by one; empty when the field is missing."""
    found = _values(payload, tuple(path.split(".")))
    return [value for value in found if value is not _MISSING and not isinstance(value, (list, tuple))]


def _values(value: object, path: tuple[str, ...]) -> Iterator[object]:
    """What MongoDB finds under a path; an array without objects on the way yields nothing, not even missing."""
    if not path:
        yield from _leaf(value)
    elif isinstance(value, Mapping):
        if path[0] in value:
            yield from _values(value[path[0]], path[1:])
        else:
            yield _MISSING
    elif isinstance(value, (list, tuple)):
        for element in value:
            if isinstance(element, Mapping):
                yield from _values(element, path)
        if path[0].isascii() and path[0].isdigit() and len(path[0]) < 10 and int(path[0]) < len(value):
            yield from _values(value[int(path[0])], path[1:])
    else:
        yield _MISSING


def _leaf(value: object) -> Iterator[object]:
    if isinstance(value, (list, tuple)):
        yield from value
    yield value


def _both_boolean_or_neither(one: object, other: object) -> bool:
    """Python counts true as 1, MongoDB does not; all other unlike types are unequal in Python, too."""
    return isinstance(one, bool) is isinstance(other, bool)


def _compare(value: object, operand: str | int | float) -> int | None:
    """Below 0, 0, above 0; None when the two are of unlike types."""
    if isinstance(value, str) and isinstance(operand, str):
        return (value > operand) - (value < operand)
    if isinstance(value, (int, float)) and isinstance(operand, (int, float)):
        comparable = value == value and _both_boolean_or_neither(value, operand)  # NaN is in no order with anything
        return (value > operand) - (value < operand) if comparable else None
    return None


def _equal(value: object, wanted: object) -> bool:
    if value is _MISSING:
        return wanted is None
    if isinstance(value, Mapping) and isinstance(wanted, Mapping):
        return value.keys() == wanted.keys() and all(_equal(item, wanted[name]) for name, item in value.items())
    if isinstance(value, (list, tuple)) and isinstance(wanted, (list, tuple)):
        return len(value) == len(wanted) and all(map(_equal, value, wanted))
    return _both_boolean_or_neither(value, wanted) and value == wanted
