"""The root of the command line: collects the commands and turns every error into one clear line.

Exit codes: 0 done, 1 refused or failed, 2 wrong usage, 130 interrupted. Output that others read goes to standard
output, everything else to standard error; a reader that goes away is no error.
"""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Iterable, Mapping, Sequence
from importlib import import_module
from importlib.metadata import version
from typing import Annotated

import typer

from notifier.commands.output import forgiving_readers_that_go

COMMANDS = {  # by the first word of a command line, in the order of the help: module and member
    "run": "run:run",
    "demo": "demo:demo",
    "topics": "topics:app",
    "config": "config:app",
    "secrets": "secrets:app",
    "connection": "connection:app",
    "publish": "publish:publish",
    "results": "results:results",
    "explain": "explain:explain",
    "template": "template:app",
    "workflow": "workflow:app",
    "consent": "consent:app",
    "dead-letters": "dead_letters:app",
    "parked": "parked:app",
    "opt-outs": "opt_outs:app",
    "pause": "pause:pause",
    "resume": "pause:resume",
    "forget": "forget:forget",
    "ingest": "ingest:app",
    "schemas": "schemas:app",
}


def build(names: Iterable[str] = tuple(COMMANDS)) -> typer.Typer:
    """The command line with these commands. Only their modules are imported: all of them take seconds."""
    app = typer.Typer(
        name="notifier",
        help="Texts people about events on Kafka: accepted once, followed to their end, nobody told twice.",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
    )
    app.callback()(_root)
    for name in names:
        module, _, member = COMMANDS[name].partition(":")
        command = getattr(import_module(f"notifier.commands.{module}"), member)
        if isinstance(command, typer.Typer):
            app.add_typer(command, name=name)
        else:
            app.command(name)(command)
    return app


def _wanted(arguments: Sequence[str]) -> Sequence[str]:
    """The one command that is named first, or all where help is to name them."""
    first = arguments[0] if arguments else None
    if first == "--version":
        return ()
    return (first,) if first in COMMANDS else tuple(COMMANDS)


def _to_complete(environment: Mapping[str, str]) -> Sequence[str]:
    """The commands that a shell may want completed: those that begin as the first word does, so that it answers soon.

    The names are those by which Typer's scripts hand the words over: the first for bash, the other for zsh and fish.
    """
    line = environment.get("COMP_WORDS") or environment.get("_TYPER_COMPLETE_ARGS") or ""
    first = next(iter(line.split()[1:]), "")
    return [name for name in COMMANDS if name.startswith(first)]


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"notifier {version('notifier')}")
        raise typer.Exit


def _root(
    _version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    pass


def main() -> None:
    """Run the command line and leave the process with its exit code."""
    with forgiving_readers_that_go():
        try:
            completing = "_NOTIFIER_COMPLETE" in os.environ
            build(_to_complete(os.environ) if completing else _wanted(sys.argv[1:]))(prog_name="notifier")
        except KeyboardInterrupt:
            sys.exit(130)
        except Exception as error:  # noqa: BLE001 - the last stop: whatever went wrong becomes one line and an exit code
            typer.echo(f"notifier: {_one_line(error)}", err=True)
            if os.environ.get("NOTIFIER_LOG__LEVEL", "").lower() == "debug":
                traceback.print_exception(error)
            sys.exit(1)


def _one_line(error: BaseException) -> str:
    while isinstance(error, BaseExceptionGroup) and len(error.exceptions) == 1:
        error = error.exceptions[0]  # a task group wraps what one of its tasks raised
    message = "; ".join(line.strip() for line in str(error).splitlines() if line.strip())
    return message or type(error).__name__
