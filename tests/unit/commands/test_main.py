"""The command line as a shell sees it: exit codes, and one clear line for what went wrong."""

from __future__ import annotations

import sys
from importlib.metadata import version
from pathlib import Path

import pytest
import typer

from notifier.commands import main as root
from notifier.settings_source import SettingsError


def left_with(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int | str | None:
    monkeypatch.setattr(sys, "argv", ["notifier", *arguments])
    with pytest.raises(SystemExit) as left:
        root.main()
    return left.value.code


def failing_with(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    """Puts a command line in place whose only command raises `error`."""
    app = typer.Typer(pretty_exceptions_enable=False)

    @app.command()
    def fail() -> None:
        raise error

    monkeypatch.setattr(root, "build", lambda _names: app)


def test_the_version_is_told(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert left_with(monkeypatch, "--version") == 0
    assert capsys.readouterr().out == f"notifier {version('notifier')}\n"


@pytest.mark.parametrize("command", root.COMMANDS)
def test_every_command_explains_itself(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    assert left_with(monkeypatch, command, "--help") == 0
    assert f"notifier {command}" in capsys.readouterr().out


@pytest.mark.parametrize("arguments", [["no-such-command"], ["run", "--no-such-option"], ["publish"]])
def test_wrong_usage_is_2(monkeypatch: pytest.MonkeyPatch, arguments: list[str]) -> None:
    assert left_with(monkeypatch, *arguments) == 2


def test_a_failure_is_one_line_and_1(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    failing_with(monkeypatch, SettingsError("A is required\nB is not a setting"))
    assert left_with(monkeypatch) == 1
    assert capsys.readouterr() == ("", "notifier: A is required; B is not a setting\n")


def test_what_a_task_raised_is_told_without_its_group(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    failing_with(monkeypatch, ExceptionGroup("unhandled", [ExceptionGroup("inner", [OSError("port 9090 is taken")])]))
    assert left_with(monkeypatch) == 1
    assert capsys.readouterr().err == "notifier: port 9090 is taken\n"


def test_an_error_without_words_is_named(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    failing_with(monkeypatch, TimeoutError())
    assert left_with(monkeypatch) == 1
    assert capsys.readouterr().err == "notifier: TimeoutError\n"


def test_an_interruption_is_quiet(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    failing_with(monkeypatch, KeyboardInterrupt())
    assert left_with(monkeypatch) == 130
    assert capsys.readouterr() == ("", "")


def test_a_setting_that_is_missing_is_named_by_the_daemon(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("NOTIFIER_KAFKA__BOOTSTRAP_SERVERS", raising=False)
    assert left_with(monkeypatch, "run") == 1
    assert capsys.readouterr().err == "notifier: NOTIFIER_KAFKA__BOOTSTRAP_SERVERS is required\n"
