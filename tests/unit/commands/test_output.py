"""A reader of standard output that goes away: no error, and nothing is left half done."""

from __future__ import annotations

import subprocess
import sys

import pytest

PLAN = "topics", "plan"
PRINTING = (
    "import sys, typer\nfrom notifier.commands import main as root\n"
    "app = typer.Typer()\nroot.build = lambda names: app\n"
)


def unread(*command: str, stderr: bool = False) -> subprocess.CompletedProcess[str]:
    """Runs `command` with a standard output (`stderr`: and standard error) that nobody reads any more."""
    process = subprocess.Popen(
        [sys.executable, *command],
        env={"NOTIFIER_KAFKA__BOOTSTRAP_SERVERS": "127.0.0.1:1"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT if stderr else subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    process.stdout.close()
    process.stdout = None
    _, said = process.communicate("go", timeout=60)
    return subprocess.CompletedProcess(command, process.returncode, None, said)


def told(body: str, *, stderr: bool = False) -> subprocess.CompletedProcess[str]:
    """Runs a command line of ours whose only command is `body`, begun when its output is closed."""
    lines = "".join(f"    {line}\n" for line in ("sys.stdin.readline()", *body.splitlines()))
    return unread("-c", f"{PRINTING}@app.command()\ndef told() -> None:\n{lines}root.main()", stderr=stderr)


def test_a_reader_that_goes_away_is_no_error() -> None:
    left = unread("-m", "notifier", *PLAN)
    assert (left.returncode, left.stderr) == (0, "")


def test_what_was_asked_for_is_done_to_the_end() -> None:
    left = told("typer.echo('planned')\ntyper.echo('done', err=True)")
    assert (left.returncode, left.stderr) == (0, "done\n")


def test_what_was_found_is_still_told_by_the_exit_code() -> None:
    left = told("typer.echo('a difference')\nraise typer.Exit(1)")
    assert (left.returncode, left.stderr) == (1, "")


@pytest.mark.parametrize("stream", ["sys.stdout", "sys.stderr"])
def test_whoever_writes_without_typer_is_forgiven_too(stream: str) -> None:
    left = told(
        f"from rich.console import Console\nConsole(file={stream}).print('x')\n{stream}.write('y')", stderr=True
    )
    assert left.returncode == 0


def test_a_broken_pipe_of_something_else_is_an_error() -> None:
    left = told("raise ExceptionGroup('', [BrokenPipeError(32, 'Broken pipe')])")
    assert (left.returncode, left.stderr) == (1, "notifier: [Errno 32] Broken pipe\n")
