"""Finds in the code every message that a person can get, so that the page cannot miss one: an AST is walked.

A message is what stands in the arguments of our errors and faults (`raise`, `Misfit(...)`, `Fault(...)`), what
`typer.echo(..., err=True)` tells, the name of a warning or an error in the log, and what the functions of `SPEAKING`
give, whose texts reach people through a variable. Values within a text count as a placeholder, whatever they are;
constants, and texts that another function makes up of words, are put in.
"""

from __future__ import annotations

import ast
import itertools
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from tests.unit.errors_page.trees import Function, given, is_none, with_functions

ROOT = Path(__file__).resolve().parents[3]
VALUE = "\0"  # what is put in at run time

# Not for people: errors of programming, and the stand-in, which says what Twilio says.
PROGRAMMING_ERRORS = {"AssertionError", "BaseExceptionGroup", "RuntimeError", "TypeError", "Undescribed"}
STANDIN = "notifier/demo/standin/"

# What carries a message, beside our own exceptions.
CARRIERS = {
    "BadParameter", "ConnectionError", "CreateRule", "Fault", "Halting", "LookupError", "Misfit", "Refusal", "Refused",
    "RowFault", "SenderCheck", "TimeoutError", "Unanswered", "ValueError", "_fault", "halt", "unopened",
}  # fmt: skip

# Functions and classes whose texts reach people through a variable.
SPEAKING = {
    "notifier/app/composition.py": {"_start_webhooks"},
    "notifier/commands/replay_plan.py": {"_why_not"},
    "notifier/commands/resending.py": {"__str__"},
    "notifier/commands/template_preview.py": {"_warnings"},
    "notifier/domain/connection_checks.py": {"_account_faults", "_broken", "_pool", "_unverified", "_words", "decide"},
    "notifier/domain/previews.py": {"_warnings"},
    "notifier/domain/templates.py": {"_reasons"},
    "notifier/domain/workflow_verdicts.py": {"_text_faults", "warnings"},
    "notifier/kafka/source_positions.py": {"RECORDS_LOST", "RECREATED"},
    "notifier/kafka/topic_checks.py": {"_partition_faults", "differences", "setting_faults"},
    "notifier/settings_source.py": {"_explained", "_unknown_names"},
}

# Arguments of any call that tell why.
REASONS = {"detail", "reason", "trouble"}

TO_THE_CALLER_ONLY = {"no text"}  # caught where it is raised
OF_ONE_WORD = {"empty"}

_DEEPEST = 2  # functions within functions, and variables that are made of themselves
_ENOUGH_WORDS = 12  # letters of a text by which it is worth a line of its own
_LOG_LEVELS = {"warning", "error", "critical", "exception"}


@dataclass(frozen=True, slots=True)
class Message:
    """`text` has `VALUE` wherever something is put in; `place` is for whoever looks for it."""

    text: str
    place: str

    @property
    def pattern(self) -> re.Pattern[str]:
        """What the page may write for it: placeholders, or nothing, where values are put in."""
        words = map(re.escape, self.text.split(VALUE))
        return re.compile("(?:<[^<>]*>)*".join(words), re.DOTALL)

    def __str__(self) -> str:
        return f"{self.text.replace(VALUE, '<…>')}  ({self.place})"


class _Module:
    """One file: its constants, its functions by name, and from where it has what it imports."""

    def __init__(self, path: Path, root: Path) -> None:
        self.path = path.relative_to(root).as_posix()
        self.tree = ast.parse(path.read_text(encoding="utf-8"))
        self.constants: dict[str, ast.expr] = {}
        self.imports: dict[str, str] = {}
        self.functions = {node.name: node for node in ast.walk(self.tree) if isinstance(node, Function)}
        for node in self.tree.body:
            match node:
                case ast.Assign(targets=[ast.Name(id=name)], value=value):
                    self.constants[name] = value
                case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
                    self.constants[name] = value
                case ast.Assign(targets=[ast.Tuple(elts=names)], value=ast.Tuple(elts=values)):
                    self.constants |= {
                        each.id: value for each, value in zip(names, values, strict=True) if isinstance(each, ast.Name)
                    }
                case ast.ImportFrom(module=str(module), names=imported) if module.startswith("notifier"):
                    self.imports |= {each.asname or each.name: module for each in imported}


@dataclass(frozen=True, slots=True)
class _Scope:
    """Where an expression stands: `function` for what its names are, `depth` against functions that call themselves."""

    module: _Module
    function: Function | None
    depth: int = 0


class Code:
    """Everything below `notifier/` but the stand-in."""

    def __init__(self, root: Path = ROOT) -> None:
        files = sorted((root / "notifier").rglob("*.py"))
        self._modules = {
            path.relative_to(root).with_suffix("").as_posix().replace("/", "."): _Module(path, root)
            for path in files
            if not path.relative_to(root).as_posix().startswith(STANDIN)
        }
        self._exceptions = set(self._our_exceptions())

    def messages(self) -> list[Message]:
        """Every one once, in the order of the files."""
        found: dict[str, Message] = {}
        for module in self._modules.values():
            for node, expression, function in self._spoken(module):
                for text in self._texts(expression, _Scope(module, function)):
                    if _is_message(text, node):
                        found.setdefault(text, Message(text.strip(), f"{module.path}:{expression.lineno}"))
        return list(found.values())

    def unheard(self) -> list[str]:
        """What `SPEAKING` names and the code does not have (where the file is there)."""
        return [
            f"{module.path}: {name}"
            for module in self._modules.values()
            for name in SPEAKING.get(module.path, ())
            if name not in module.functions and name not in module.constants
        ]

    def _our_exceptions(self) -> Iterator[str]:
        """By the names of their bases, those of our own included."""
        classes = [
            node
            for module in self._modules.values()
            for node in ast.walk(module.tree)
            if isinstance(node, ast.ClassDef)
        ]
        known = {"Exception", "ValueError", "LookupError", "OSError", "TimeoutError"}
        for _ in range(3):
            for node in classes:
                if any(isinstance(base, ast.Name) and base.id in known for base in node.bases):
                    known.add(node.name)
        yield from known - {"Exception", "OSError"}

    # Where something is said.

    def _spoken(self, module: _Module) -> Iterator[tuple[ast.AST, ast.expr, Function | None]]:
        speaking = SPEAKING.get(module.path, set())
        for name in speaking & module.constants.keys():
            yield _LOGGED, module.constants[name], None
        for node, function in with_functions(module.tree, PROGRAMMING_ERRORS):
            if isinstance(node, ast.Call):
                for argument in self._said_by(node):
                    yield node, argument, function
            if function is not None and function.name in speaking:
                yield from ((node, said, function) for said in given(node))

    def _said_by(self, call: ast.Call) -> Iterator[ast.expr]:
        yield from (keyword.value for keyword in call.keywords if keyword.arg in REASONS)
        match call.func:
            case ast.Name(id=name) | ast.Attribute(attr=name) if name in self._exceptions | CARRIERS:
                yield from call.args
            case ast.Attribute(value=ast.Name(id="typer"), attr="echo") if _is_error(call):
                yield from call.args[:1]
            case _ if _is_logging(call):
                yield from call.args[:1]

    # What is said.

    def _texts(self, node: ast.expr, scope: _Scope) -> list[str]:
        """Every text that the expression can have; none for what is no text."""
        match node:
            case ast.Constant(value=str(text)):
                return [text]
            case ast.JoinedStr(values=parts):
                return self._joined(parts, scope)
            case ast.BinOp(left=left, op=ast.Add(), right=right):
                return self._joined([left, right], scope)
            case ast.IfExp(body=body, orelse=orelse):
                return [*self._texts(body, scope), *self._texts(orelse, scope)]
            case ast.BoolOp(values=values):
                return [text for value in values for text in self._texts(value, scope)]
            case ast.Name(id=name):
                return self._named(name, scope)
            case ast.Call(func=ast.Name(id=name) | ast.Attribute(value=ast.Name(id="self"), attr=name)):
                return self._returned(name, scope)
        return []

    def _joined(self, parts: Iterable[ast.expr], scope: _Scope) -> list[str]:
        choices = [self._part(part, scope) for part in parts]
        return ["".join(chosen) for chosen in itertools.product(*choices)]

    def _part(self, part: ast.expr, scope: _Scope) -> list[str]:
        if not isinstance(part, ast.FormattedValue):
            return self._texts(part, scope) or [VALUE]
        constant = self._constant(part.value.id, scope.module) if isinstance(part.value, ast.Name) else None
        match constant or part.value:
            case ast.Constant(value=str() | int() as value):
                return [str(value)]
            case ast.IfExp(body=ast.Constant(value=str(one)), orelse=ast.Constant(value=str(other))):
                return [max(one, other, key=len)]  # the plural
        texts = self._texts(part.value, scope) if part.conversion == -1 else []
        return texts if any(map(_has_enough_words, texts)) else [VALUE]

    def _constant(self, name: str, module: _Module) -> ast.expr | None:
        if name in module.constants:
            return module.constants[name]
        imported = self._modules.get(module.imports.get(name, ""))
        return None if imported is None else imported.constants.get(name)

    def _named(self, name: str, scope: _Scope) -> list[str]:
        """A constant, or what the function puts into the variable."""
        constant = self._constant(name, scope.module)
        if constant is not None:
            return self._texts(constant, scope)
        if scope.function is None or scope.depth > _DEEPEST:
            return []
        inner = replace(scope, depth=scope.depth + 1)
        values = [
            node.value
            for node in ast.walk(scope.function)
            if isinstance(node, ast.Assign) and any(isinstance(at, ast.Name) and at.id == name for at in node.targets)
        ]
        return [text for value in values for text in self._texts(value, inner)]

    def _returned(self, name: str, scope: _Scope) -> list[str]:
        module, function = scope.module, scope.module.functions.get(name)
        if function is None and name in scope.module.imports:
            module = self._modules.get(scope.module.imports[name], scope.module)
            function = module.functions.get(name)
        if function is None or scope.depth > _DEEPEST:
            return []
        inner = _Scope(module, function, scope.depth + 1)
        values = [node.value for node in ast.walk(function) if isinstance(node, ast.Return)]
        texts = [self._texts(value, inner) or [VALUE] for value in values if value is not None and not is_none(value)]
        return [text for each in texts for text in each]


_LOGGED = ast.Pass()  # stands for what logs a constant


def _is_message(text: str, said_by: ast.AST) -> bool:
    """Whether it has words: a name alone is a reason or a field, unless it is what the log calls an event."""
    if said_by is _LOGGED or text in OF_ONE_WORD:
        return True
    if isinstance(said_by, ast.Call) and _is_logging(said_by) and VALUE not in text:
        return True
    if text in TO_THE_CALLER_ONLY:
        return False
    words = re.findall("[A-Za-z]{2,}", text)
    return " " in text.strip() and len(words) > (1 if text.endswith(VALUE) else 0)


def _is_logging(call: ast.Call) -> bool:
    match call.func:
        case ast.Attribute(value=ast.Attribute(attr="_log") | ast.Name(id="log"), attr=level):
            return level in _LOG_LEVELS
        case ast.Name(id="tell"):  # a level that was chosen before
            return True
    return False


def _is_error(call: ast.Call) -> bool:
    return any(
        keyword.arg == "err" and isinstance(keyword.value, ast.Constant) and keyword.value.value is True
        for keyword in call.keywords
    )


def _has_enough_words(text: str) -> bool:
    return len(re.findall(r"[A-Za-z]", text)) >= _ENOUGH_WORDS
