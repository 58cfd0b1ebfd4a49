"""Configuration on its way between files and people: read and validated, told, written as YAML again."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from pathlib import Path

import msgspec
import typer
import yaml

from notifier.commands.files import JSON_ENDINGS, YAML_ENDINGS, Unreadable, find_files, read_objects
from notifier.domain.documents import Document
from notifier.domain.validation import Fault, Written

_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_./-]*")
_WORDS = frozenset({"null", "true", "false", "yes", "no", "on", "off", "y", "n"})  # YAML 1.1 readers mean more by them
_STAMP = ("version", "updatedAt", "updatedBy")


def read_documents(paths: Iterable[Path]) -> tuple[list[Written], list[Fault]]:
    """Every object of every file that can be read, and what cannot."""
    written: list[Written] = []
    faults: list[Fault] = []
    try:
        files = find_files(paths, (*YAML_ENDINGS, *JSON_ENDINGS))
    except Unreadable as unreadable:
        return [], [unreadable.fault]
    for file in files:
        try:
            written.extend(read_objects(file))
        except Unreadable as unreadable:
            faults.append(unreadable.fault)
    return written, faults


def tell(faults: Iterable[Fault], kind: str, *, as_json: bool, to_stderr: bool) -> None:
    """Print each fault or warning on a line of its own."""
    for fault in faults:
        if as_json:
            row = {kind: fault.message, "file": fault.file, "line": fault.line, "path": fault.path}
            typer.echo(json.dumps(row, ensure_ascii=False), err=to_stderr)
        else:
            typer.echo(f"warning: {fault}" if kind == "warning" else str(fault), err=to_stderr)


class _Dumper(yaml.SafeDumper):
    """Puts every text in quotes that any reader of YAML could take for something else."""


def _represent_text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    plain = _PLAIN.fullmatch(text) is not None and text.lower() not in _WORDS
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=None if plain else '"')


_Dumper.add_representer(str, _represent_text)


def as_yaml(document: Document) -> str:
    """The document as staff write it; what it was stamped with stands in a comment."""
    parts: dict[str, object] = msgspec.to_builtins(document)
    stamp = {name: parts.pop(name, None) for name in _STAMP}
    text = yaml.dump(parts, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=10_000)
    return f"# version {stamp['version']}, {stamp['updatedAt']} by {stamp['updatedBy']}\n{text}"
