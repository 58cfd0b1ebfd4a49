"""Files of configuration or events: YAML, JSON and NDJSON, several objects a file, with the lines where parts stand.

Rules: what YAML calls a time, `yes` or `NO` stays the text that was written, only `true`, `false`, `null` and numbers
are more (YAML 1.2), so that YAML and JSON mean the same. A name that is given twice is refused. Nothing is guessed from
content: the ending of the name decides.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import yaml

from notifier.domain.shapes import Path as FieldPath
from notifier.domain.validation import Fault, Written

YAML_ENDINGS = (".yaml", ".yml")
JSON_ENDINGS = (".json",)
LINES_ENDINGS = (".ndjson", ".jsonl")
MOST_PARTS = 200_000  # of one object: an alias can multiply what a file holds
DEEPEST = 100


class Unreadable(Exception):
    """A file that cannot be used; `fault` says where and why."""

    def __init__(self, file: str, line: int | None, message: str) -> None:
        self.fault = Fault(file, line, "", message)
        super().__init__(str(self.fault))


def find_files(paths: Iterable[Path], endings: tuple[str, ...]) -> list[Path]:
    """The files that `paths` name; a folder means its files with these endings, recursively. Raises `Unreadable`."""
    found: dict[Path, None] = {}
    for path in paths:
        if path.is_dir():
            inside = sorted(each for each in path.rglob("*") if each.suffix.lower() in endings and each.is_file())
            if not inside:
                raise Unreadable(str(path), None, f"the folder holds no file that ends in {', '.join(endings)}")
            found.update(dict.fromkeys(inside))
        elif path.suffix.lower() not in endings:
            raise Unreadable(str(path), None, f"files that end in {', '.join(endings)} are allowed")
        else:
            found[path] = None
    return list(found)


def read_objects(path: Path) -> list[Written]:
    """The objects of one file. Raises `Unreadable`."""
    file = str(path)
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise Unreadable(file, None, "must be UTF-8") from None
    except OSError as error:
        raise Unreadable(file, None, f"cannot be read: {error.strerror}") from None
    suffix = path.suffix.lower()
    if suffix in YAML_ENDINGS:
        return list(_yaml_objects(file, text))
    if suffix in JSON_ENDINGS:
        return list(_json_objects(file, text))
    return list(_line_objects(file, text))


def _json_objects(file: str, text: str) -> Iterator[Written]:
    value = _json(file, text, 1)
    for each in value if isinstance(value, list) else [value]:
        yield Written(file=file, value=each)


def _line_objects(file: str, text: str) -> Iterator[Written]:
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            yield Written(file=file, value=_json(file, line, number), lines={(): number})


def _json(file: str, text: str, first_line: int) -> object:
    def unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
        names = [name for name, _ in pairs]
        if len(set(names)) < len(names):
            twice = next(name for name in names if names.count(name) > 1)
            raise Unreadable(file, None, f"{twice} is given twice in one object")
        return dict(pairs)

    def refuse(constant: str) -> object:
        raise Unreadable(file, None, f"{constant} is not JSON")

    try:
        value: object = json.loads(text, object_pairs_hook=unique, parse_constant=refuse)
    except json.JSONDecodeError as error:
        raise Unreadable(file, first_line + error.lineno - 1, f"is not JSON: {error.msg}") from None
    except (RecursionError, ValueError):  # ValueError: a whole number of thousands of digits
        raise Unreadable(file, None, "nested too deep, or a number too long") from None
    return value


class _Loader(yaml.SafeLoader):
    """Composes nodes; what they mean is decided below. No implicit types: a scalar keeps its text."""

    def __init__(self, stream: str) -> None:
        super().__init__(stream)
        self.yaml_implicit_resolvers = {}


_NULL = re.compile(r"null|Null|NULL|~|")
_TRUE, _FALSE = re.compile(r"true|True|TRUE"), re.compile(r"false|False|FALSE")
_WHOLE = re.compile(r"[-+]?[0-9]{1,30}")
_DECIMAL = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]{1,2})?")


def _yaml_objects(file: str, text: str) -> Iterator[Written]:
    try:
        for node in yaml.compose_all(text, Loader=_Loader):
            if _is_empty(node):
                continue
            roots = node.value if isinstance(node, yaml.SequenceNode) else [node]
            for root in roots:
                reader = _YamlReader(file)
                value = reader.read(root, ())
                yield Written(file=file, value=value, lines=reader.lines)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark is not None else None
        raise Unreadable(file, line, f"is not YAML: {error.problem or error.context}") from None
    except (yaml.YAMLError, RecursionError) as error:
        raise Unreadable(file, None, f"is not YAML: {type(error).__name__}") from None


def _is_empty(node: yaml.Node) -> bool:
    return isinstance(node, yaml.ScalarNode) and node.style is None and node.value == ""


class _YamlReader:
    """Turns the nodes of one object into plain values and remembers their lines."""

    def __init__(self, file: str) -> None:
        self.lines: dict[FieldPath, int] = {}
        self._file = file

    def read(self, node: yaml.Node, path: FieldPath) -> object:
        line = node.start_mark.line + 1
        self.lines.setdefault(path, line)
        if len(self.lines) > MOST_PARTS or len(path) > DEEPEST:
            raise Unreadable(self._file, line, "too many parts, or nested too deep")
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path)
        if isinstance(node, yaml.SequenceNode):
            return [self.read(item, (*path, index)) for index, item in enumerate(node.value)]
        if isinstance(node, yaml.ScalarNode):
            return _scalar(node)
        raise Unreadable(self._file, line, "is not YAML that can be used here")

    def _mapping(self, node: yaml.MappingNode, path: FieldPath) -> dict[str, object]:
        read: dict[str, object] = {}
        for key, value in node.value:
            line = key.start_mark.line + 1
            if not isinstance(key, yaml.ScalarNode):
                raise Unreadable(self._file, line, "a name must be a text")
            if key.value in read:
                raise Unreadable(self._file, line, f"{key.value} is given twice in one object")
            self.lines[(*path, key.value)] = line
            read[key.value] = self.read(value, (*path, key.value))
        return read


def _scalar(node: yaml.ScalarNode) -> object:
    text: str = node.value
    if node.style is not None:  # in quotes, or a block
        return text
    if _NULL.fullmatch(text):
        return None
    if _TRUE.fullmatch(text) or _FALSE.fullmatch(text):
        return text[0] in "tT"
    if _WHOLE.fullmatch(text):
        return int(text)
    return float(text) if _DECIMAL.fullmatch(text) else text
