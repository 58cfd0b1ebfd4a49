"""The root of the command line: collects the commands and turns every error into one clear line.

Exit codes: 0 done, 1 refused or failed, 2 wrong usage, 130 interrupted. Output that others read goes to standard
output, everything else to standard error; a reader that goes away is no error.
"""

from __future__ import annotations

import os
import sys
import traceback
from importlib.metadata import version
from typing import Annotated

import typer

from notifier.commands import (
    config,
    consent,
    dead_letters,
    demo,
    explain,
    forget,
    ingest,
    opt_outs,
    parked,
    pause,
    publish,
    results,
    run,
    topics,
)
from notifier.commands import config, demo, ingest, publish, results, run, template, topics, workflow
from notifier.commands.output import forgiving_readers_that_go

app = typer.Typer(
    name="notifier",
    help="Texts people about events on Kafka: accepted once, followed to their end, nobody told twice.",
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
app.command("run")(run.run)
app.command("demo")(demo.demo)
app.add_typer(topics.app, name="topics")
app.add_typer(config.app, name="config")
app.command("publish")(publish.publish)
app.command("results")(results.results)
app.command("explain")(explain.explain)
app.add_typer(dead_letters.app, name="dead-letters")
app.add_typer(parked.app, name="parked")
app.add_typer(opt_outs.app, name="opt-outs")
app.add_typer(consent.app, name="consent")
app.add_typer(ingest.app, name="ingest")
app.command("pause")(pause.pause)
app.command("resume")(pause.resume)
app.command("forget")(forget.forget)
app.add_typer(template.app, name="template")
app.add_typer(workflow.app, name="workflow")


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"notifier {version('notifier')}")
        raise typer.Exit


@app.callback()
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
            app(prog_name="notifier")
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
