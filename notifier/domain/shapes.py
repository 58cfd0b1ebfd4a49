"""Where decoded data does not fit a type, and what would: every misfit with its path, never with its value.

msgspec stops at the first fault and may quote what it found; people want all faults at once, the nearest known name
for a slip of the pen, and no personal data in a message. So a value that msgspec refused is walked again here, along
the description of the type that msgspec itself gives.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from difflib import get_close_matches

import msgspec
from msgspec import inspect

Path = tuple[str | int, ...]

_NAMED: Mapping[type, str] = {
    inspect.StrType: "a text",
    inspect.IntType: "a whole number",
    inspect.FloatType: "a number",
    inspect.BoolType: "true or false",
    inspect.DateTimeType: "a time with offset, such as 2026-12-01T09:13:02Z",
    inspect.NoneType: "null",
    inspect.DictType: "an object",
    inspect.VarTupleType: "a list",
    inspect.StructType: "an object",
}


@dataclass(frozen=True, slots=True)
class Misfit:
    path: Path
    message: str


def dotted(path: Path) -> str:
    """`steps[0].parameters.message`; the root is the empty text."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name that `name` was probably meant to be."""
    lowered = {candidate.lower(): candidate for candidate in known}
    close = get_close_matches(name.lower(), lowered, n=1, cutoff=0.6)
    return lowered[close[0]] if close else None


def misfits(value: object, type_: object) -> list[Misfit]:
    """Why `msgspec.convert(value, type_)` would refuse; empty when it would not."""
    return list(_walk(value, inspect.type_info(type_), ()))


def _walk(value: object, type_: inspect.Type, path: Path) -> Iterator[Misfit]:
    match type_:
        case inspect.AnyType():
            return
        case inspect.UnionType():
            yield from _union(value, type_, path)
        case inspect.StructType():
            yield from _struct(value, type_, path)
        case inspect.VarTupleType():
            yield from _list(value, type_, path)
        case inspect.DictType():
            yield from _object(value, type_, path)
        case _ if not _fits(value, type_):
            yield Misfit(path, f"must be {_allowed(type_)}")


def _union(value: object, type_: inspect.UnionType, path: Path) -> Iterator[Misfit]:
    if value is None and any(isinstance(option, inspect.NoneType) for option in type_.types):
        return
    structs = [option for option in type_.types if isinstance(option, inspect.StructType)]
    if isinstance(value, dict) and structs:
        yield from _tagged(value, structs, path) if structs[0].tag_field else _struct(value, structs[0], path)
        return
    others = [option for option in type_.types if not isinstance(option, inspect.NoneType)]
    if len(others) == 1:
        for misfit in _walk(value, others[0], path):
            yield Misfit(path, f"{misfit.message} or null") if misfit.path == path else misfit
    elif all(any(_walk(value, option, path)) for option in others):
        yield Misfit(path, f"must be {_allowed(type_)}")


def _tagged(value: Mapping[object, object], options: list[inspect.StructType], path: Path) -> Iterator[Misfit]:
    name = options[0].tag_field or ""
    known = {str(option.tag): option for option in options}
    tag = value.get(name)
    option = known.get(tag) if isinstance(tag, str) else None
    if option is not None:
        yield from _struct(value, option, path)
    elif name in value:
        yield Misfit((*path, name), f"must be one of {', '.join(known)}{_meant(tag, known)}")
    else:
        yield Misfit((*path, name), f"is missing; one of {', '.join(known)} is allowed")


def _struct(value: object, type_: inspect.StructType, path: Path) -> Iterator[Misfit]:
    if not isinstance(value, dict):
        yield Misfit(path, "must be an object")
        return
    fields = {each.encode_name: each for each in type_.fields}
    for name, each in fields.items():
        if name in value:
            yield from _walk(value[name], each.type, (*path, name))
        elif each.required:
            yield Misfit((*path, name), f"is missing; {_allowed(each.type)} is needed")
    if type_.forbid_unknown_fields:
        known = [*fields, *([type_.tag_field] if type_.tag_field else [])]
        for name in value:
            if name not in known:
                yield Misfit((*path, str(name)), f"is unknown; allowed are {', '.join(known)}{_meant(name, known)}")


def _list(value: object, type_: inspect.VarTupleType, path: Path) -> Iterator[Misfit]:
    if not isinstance(value, (list, tuple)):
        yield Misfit(path, "must be a list")
        return
    for index, item in enumerate(value):
        yield from _walk(item, type_.item_type, (*path, index))


def _object(value: object, type_: inspect.DictType, path: Path) -> Iterator[Misfit]:
    if not isinstance(value, dict):
        yield Misfit(path, "must be an object")
        return
    for name, item in value.items():
        if not isinstance(name, str):
            yield Misfit((*path, str(name)), "the name must be a text; write it in quotes")
            continue
        yield from _walk(item, type_.value_type, (*path, name))


def _fits(value: object, type_: inspect.Type) -> bool:
    """Whether a value without parts fits; only the types that configuration and events use are known."""
    match type_:
        case inspect.LiteralType():
            return not isinstance(value, bool) and value in type_.values
        case inspect.NoneType():
            return value is None
        case inspect.BoolType():
            return isinstance(value, bool)
        case inspect.IntType():
            return isinstance(value, int) and not isinstance(value, bool) and _within(value, type_)
        case inspect.FloatType():
            return isinstance(value, (int, float)) and not isinstance(value, bool)
        case inspect.StrType():
            return isinstance(value, str) and _within_text(value, type_)
        case inspect.DateTimeType():
            return isinstance(value, (str, datetime)) and _is_time(value, with_offset=type_.tz is True)
        case _:
            raise TypeError(f"no rule for {type(type_).__name__}")


def _within(value: int, type_: inspect.IntType) -> bool:
    return (type_.ge is None or value >= type_.ge) and (type_.le is None or value <= type_.le)


def _within_text(value: str, type_: inspect.StrType) -> bool:
    long_enough = type_.min_length is None or len(value) >= type_.min_length
    return long_enough and (type_.pattern is None or re.search(type_.pattern, value) is not None)


def _is_time(value: str | datetime, with_offset: bool) -> bool:
    try:
        time = msgspec.convert(value, datetime)
    except msgspec.ValidationError:
        return False
    return time.tzinfo is not None or not with_offset


def _allowed(type_: inspect.Type) -> str:
    match type_:
        case inspect.LiteralType():
            return " or ".join(str(value) for value in type_.values)
        case inspect.UnionType():
            return " or ".join(dict.fromkeys(_allowed(option) for option in type_.types))
        case inspect.StrType(pattern=str(pattern)):
            return f"a text of the form {pattern}"
        case inspect.StrType(min_length=int()):
            return "a text that is not empty"
        case inspect.IntType(ge=int(least), le=int()):
            return f"a whole number from {least} up"
        case _:
            return _NAMED.get(type(type_), "a value")


def _meant(name: object, known: Iterable[str]) -> str:
    close = nearest(name, known) if isinstance(name, str) else None
    return f"; did you mean {close}?" if close else ""
