"""Every command's help: an example that works, and a word on each option and argument."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import click
import pytest
import typer.main

from notifier.commands.main import build

README = Path(__file__).resolve().parents[3] / "README.md"
EXAMPLES = re.compile(r"Examples?:\s(.*)", re.DOTALL)
EXIT_1 = re.compile(r"[Ee]xits\b[^.]* 1\b")
CALL = re.compile(r"\bnotifier (.*?)(?: [|<>] |\)|$)", re.MULTILINE)
Words = tuple[str, ...]


def leaves(command: click.Command, words: Words = ()) -> Iterator[tuple[Words, click.Command]]:
    """Every command that does something, with the words that lead to it."""
    inner = getattr(command, "commands", None)
    if inner is None:
        yield words, command
        return
    for name, each in inner.items():
        yield from leaves(each, (*words, name))


COMMANDS = dict(leaves(cast(click.Command, typer.main.get_command(build()))))


def examples(command: click.Command) -> list[list[str]]:
    """The words of each, behind `notifier`: without settings before it, redirections and what it is piped into."""
    found = EXAMPLES.search(command.help or "")
    lines = re.split(r";\s", found[1]) if found is not None else []
    called = [CALL.search(line) for line in lines]
    return [shlex.split(each[1]) if each is not None else [] for each in called]


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_the_help_says_what_every_option_and_argument_is(words: Words) -> None:
    silent = [each.name for each in COMMANDS[words].params if not getattr(each, "help", None)]
    assert silent == []


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_the_examples_of_the_help_are_right(words: Words) -> None:
    """Each is of this command, and is taken by it: its options exist, and none that is needed is missing."""
    command, shown = COMMANDS[words], examples(COMMANDS[words])
    assert shown
    for example in shown:
        assert tuple(example[: len(words)]) == words
        command.make_context("notifier", example[len(words) :])


def test_the_table_of_the_readme_has_every_command_and_no_other() -> None:
    rows = re.findall(r"^\| (?:producers|staff|operators|newcomers) \|.*$", README.read_text("utf-8"), re.MULTILINE)
    named = [name for row in rows for name in re.findall(r"`(?:notifier )?([a-z-]+)`", row)]
    assert sorted(named) == sorted({words[0] for words in COMMANDS})


def test_a_command_that_may_end_with_1_for_a_reason_of_its_own_says_so() -> None:
    """What is special; that a command which cannot do its work exits 1 is so for all of them."""
    silent = {words for words, command in COMMANDS.items() if not EXIT_1.search(command.help or "")}
    assert silent & SPECIAL == set()
    assert COMMANDS.keys() >= SPECIAL


SPECIAL = {
    ("config", "apply"), ("config", "validate"), ("connection", "check"), ("consent", "import"),
    ("dead-letters", "replay"), ("demo",), ("explain",), ("ingest", "resume"), ("parked", "drop"), ("parked", "resend"),
    ("pause",), ("publish",), ("resume",), ("run",), ("template", "reset"), ("topics", "verify"), ("workflow", "test"),
}  # fmt: skip
