"""Templates: Mustache for texts, compiled once and rendered often (seed-systems.md 1.7, A12 to A14, B5 to B7).

pystache's parser builds the tree; checking and rendering are ours, because a text is no web page and its data is not
trusted:
- nothing is escaped: `{{x}}`, `{{{x}}}` and `{{&x}}` are the same;
- a value is data: it is never parsed, never called, never asked for an attribute;
- `{{a | b}}` is the first that is not empty; paths have dots and list indexes, `{{lineItems.0.name}}`;
- what is missing, null, an object or a list renders empty, with a warning; numbers and booleans render as in JSON;
- `{{#x}}` shows when x is there: not missing, null, false, 0 or empty; `{{^x}}` is its opposite;
- partials and other delimiters are refused when compiled: a text has no files to include.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import msgspec
from pystache import parser

LONGEST_SOURCE = 10_000  # characters; Twilio takes texts of 1,600
LONGEST_TEXT = 1_601  # characters, one more than Twilio takes
DEEPEST_NESTING = 50

Path = tuple[str, ...]  # the empty path is `.`, the value that a section stands on
Values = Mapping[str, object]

_NAME = re.compile(r"[^\s{}|#^/&>!=]+")
_TAG = parser._compile_template_re(("{{", "}}"))


class TemplateSyntaxError(ValueError):
    """The template cannot be compiled. `line` and `column` count from 1 and show where the tag begins."""

    def __init__(self, message: str, line: int, column: int) -> None:
        super().__init__(f"line {line}, column {column}: {message}")
        self.message = message
        self.line = line
        self.column = column


class Rendered(msgspec.Struct, frozen=True):
    """`warnings` name variables, never their values."""

    text: str
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Variable:
    paths: tuple[Path, ...]


@dataclass(frozen=True, slots=True)
class _Section:
    path: Path
    inverted: bool
    nodes: tuple[_Node, ...]


_Node = str | _Variable | _Section


@dataclass(frozen=True, slots=True)
class Template:
    """A compiled template. `names`: every variable in it, sections too, as written (`customer.firstName`)."""

    source: str
    names: frozenset[str]
    _nodes: tuple[_Node, ...] = field(repr=False)

    def render(self, values: Values) -> Rendered:
        """A text above Twilio's limit is refused there, whatever is behind it: no more than that is kept of it."""
        parts: list[str] = []
        warnings: dict[str, None] = {}
        _render(self._nodes, values, (values,), parts, warnings)
        return Rendered("".join(parts)[:LONGEST_TEXT], tuple(warnings))


def compile_template(source: str) -> Template:
    """Raises TemplateSyntaxError."""
    if len(source) > LONGEST_SOURCE:
        raise TemplateSyntaxError(f"longer than {LONGEST_SOURCE} characters", 1, 1)
    names = _check(source)
    return Template(source, frozenset(names) - {"."}, _convert(parser.parse(source)))


def find_value(values: Values, name: str) -> object:
    """What a variable of this name stands for outside of any section; None when it is missing."""
    return _resolve(_path(name), values, (values,))


# Checking: the parser itself passes over an unclosed tag or section, and never says where a fault stands.


@dataclass(frozen=True, slots=True)
class _Tag:
    kind: str
    key: str
    start: int


def _check(source: str) -> set[str]:
    """The names that are used; raises TemplateSyntaxError at the first fault."""
    names: set[str] = set()
    open_sections: list[_Tag] = []
    end = 0
    for match in _TAG.finditer(source):
        end = match.end()
        tag = _tag(match)
        if tag.kind != "!":
            names.update(_check_tag(tag, source, open_sections))
    if "{{" in source[end:]:
        raise _fault(source, source.index("{{", end), "a tag is opened here and never closed with }}")
    if open_sections:
        section = open_sections[-1]
        raise _fault(source, section.start, f"the section {{{{{section.kind}{section.key}}}}} is never closed")
    return names


def _tag(match: re.Match[str]) -> _Tag:
    start = match.start() + len(match["whitespace"])
    if match["change"] is not None:
        return _Tag("=", match["delims"], start)
    if match["raw"] is not None:
        return _Tag("", match["raw_name"], start)
    return _Tag(match["tag"], match["tag_key"], start)


def _check_tag(tag: _Tag, source: str, open_sections: list[_Tag]) -> list[str]:
    if tag.kind == "=":
        raise _fault(source, tag.start, "other delimiters than {{ and }} are not supported")
    if tag.kind == ">":
        raise _fault(source, tag.start, "partials are not supported: put the text itself here")
    if "{{" in tag.key or "}}" in tag.key:
        raise _fault(source, tag.start, "this tag has no name, or is never closed with }}")
    names = [name.strip() for name in tag.key.split("|")]
    if len(names) > 1 and tag.kind in ("#", "^", "/"):
        raise _fault(source, tag.start, "a section takes one name; | is for variables")
    for name in names:
        if not _is_path(name):
            raise _fault(source, tag.start, f"{name!r} is no name: names joined by single dots are allowed")
    if tag.kind in ("#", "^"):
        open_sections.append(tag)
        if len(open_sections) > DEEPEST_NESTING:
            raise _fault(source, tag.start, f"sections are nested deeper than {DEEPEST_NESTING} levels")
    elif tag.kind == "/":
        _close(tag, source, open_sections)
    return names


def _close(tag: _Tag, source: str, open_sections: list[_Tag]) -> None:
    if not open_sections:
        raise _fault(source, tag.start, f"{{{{/{tag.key}}}}} closes a section that was never opened")
    section = open_sections.pop()
    if section.key != tag.key:
        raise _fault(source, tag.start, f"{{{{/{tag.key}}}}} stands where {{{{/{section.key}}}}} is expected")


def _is_path(name: str) -> bool:
    return name == "." or (_NAME.fullmatch(name) is not None and all(name.split(".")))


def _fault(source: str, position: int, message: str) -> TemplateSyntaxError:
    line_start = source.rfind("\n", 0, position) + 1
    return TemplateSyntaxError(message, source.count("\n", 0, position) + 1, position - line_start + 1)


def _convert(parsed: parser.ParsedTemplate) -> tuple[_Node, ...]:
    return tuple(_nodes(parsed))


def _nodes(parsed: parser.ParsedTemplate) -> Iterator[_Node]:
    for node in parsed._parse_tree:
        match node:
            case str():
                yield node
            case parser._EscapeNode() | parser._LiteralNode():
                yield _Variable(tuple(_path(name) for name in node.key.split("|")))
            case parser._SectionNode():
                yield _Section(_path(node.key), False, _convert(node.parsed))
            case parser._InvertedNode():
                yield _Section(_path(node.key), True, _convert(node.parsed_section))


def _path(name: str) -> Path:
    stripped = name.strip()
    return () if stripped == "." else tuple(stripped.split("."))


# Rendering: `here` is what `.` stands for, `scopes` are the objects that names are sought in, the innermost first.

_Scopes = tuple[Values, ...]


def _render(
    nodes: tuple[_Node, ...], here: object, scopes: _Scopes, parts: list[str], warnings: dict[str, None]
) -> None:
    for node in nodes:
        if isinstance(node, str):
            parts.append(node)
        elif isinstance(node, _Variable):
            parts.append(_variable(node, here, scopes, warnings))
        else:
            _section(node, here, scopes, parts, warnings)


def _section(section: _Section, here: object, scopes: _Scopes, parts: list[str], warnings: dict[str, None]) -> None:
    value = _resolve(section.path, here, scopes)
    if section.inverted:
        if not _is_there(value):
            _render(section.nodes, None, scopes, parts, warnings)
    elif _is_there(value):
        for item in value if isinstance(value, (list, tuple)) else (value,):
            inner = scopes if isinstance(item, str) or not isinstance(item, Mapping) else (item, *scopes)
            _render(section.nodes, item, inner, parts, warnings)


def _is_there(value: object) -> bool:
    if isinstance(value, (str, bool, int, float, list, tuple, Mapping)):
        return bool(value)
    return False


def _variable(variable: _Variable, here: object, scopes: _Scopes, warnings: dict[str, None]) -> str:
    for path in variable.paths:
        value = _resolve(path, here, scopes)
        text = value if isinstance(value, str) else _text(value)
        if text:
            return text
    warnings.update(dict.fromkeys(_reasons(variable, here, scopes)))
    return ""


def _reasons(variable: _Variable, here: object, scopes: _Scopes) -> list[str]:
    """Why nothing is shown; none when a value is there and is empty."""
    reasons: list[str] = []
    for path in variable.paths:
        value = _resolve(path, here, scopes)
        if _text(value) is not None:
            return []
        reasons.append(f"{'.'.join(path) or '.'} {_why_empty(value)}")
    return reasons


def _text(value: object) -> str | None:
    """None for what has no text of its own."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float) and value - value == 0:  # neither NaN nor infinite, which JSON does not know
        return str(int(value)) if value.is_integer() and abs(value) < 1e21 else repr(value)
    return None


def _why_empty(value: object) -> str:
    if value is None:
        return "is missing: nothing is put in its place"
    if isinstance(value, Mapping):
        return "is an object: name one of its fields"
    if isinstance(value, (list, tuple)):
        return "is a list: name one of its items, or open a section"
    return "has no text: nothing is put in its place"


def _resolve(path: Path, here: object, scopes: _Scopes) -> object:
    """None when missing. The first name is sought from the innermost value outwards, the others within it."""
    if not path:
        return here
    first = path[0]
    for scope in scopes:
        if first in scope:
            return scope[first] if len(path) == 1 else _descend(scope[first], path[1:])
    return None


def _descend(value: object, path: Path) -> object:
    for name in path:
        if isinstance(value, (dict, Mapping)):
            value = value.get(name)
        elif isinstance(value, (list, tuple)) and name.isascii() and name.isdigit() and len(name) < 10:
            value = value[int(name)] if int(name) < len(value) else None
        else:
            return None
    return value
