"""Shell completion by the installed command, asked as the scripts of each shell ask it; in bash itself where it is."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from notifier.commands import main as root

COMMAND = Path(sysconfig.get_path("scripts")) / "notifier"
SHELLS = ("bash", "zsh", "fish")
PLAIN = {name: value for name, value in os.environ.items() if not name.startswith("NOTIFIER_")}


def asked(shell: str, *words: str) -> dict[str, str]:
    """How the script of a shell asks when the last of the words is to be completed."""
    line = shlex.join(("notifier", *words[:-1])) + " " + words[-1]
    if shell == "bash":
        return {"_NOTIFIER_COMPLETE": "complete_bash", "COMP_WORDS": line, "COMP_CWORD": str(len(words))}
    return {
        "_NOTIFIER_COMPLETE": f"complete_{shell}", "_TYPER_COMPLETE_ARGS": line,
        "_TYPER_COMPLETE_FISH_ACTION": "get-args",
    }  # fmt: skip


class Asking:
    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self._monkeypatch, self._capsys = monkeypatch, capsys

    def __call__(self, shell: str, *words: str) -> str:
        """What is offered, by this process."""
        with self._monkeypatch.context() as once:
            once.setattr(sys, "argv", ["notifier"])
            for name, value in asked(shell, *words).items():
                once.setenv(name, value)
            with pytest.raises(SystemExit) as left:
                root.main()
        assert left.value.code == 0
        return self._capsys.readouterr().out


@pytest.fixture
def offered(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Asking:
    return Asking(monkeypatch, capsys)


@pytest.mark.parametrize("shell", SHELLS)
def test_the_installed_command_answers_each_shell(shell: str) -> None:
    environment = PLAIN | asked(shell, "config", "")
    told = subprocess.run([COMMAND], env=environment, capture_output=True, text=True, timeout=60, check=True)
    assert told.stderr == ""
    assert [name for name in ("validate", "apply", "export") if name not in told.stdout] == []


@pytest.mark.parametrize("shell", SHELLS)
def test_commands_their_commands_and_options_are_offered(offered: Asking, shell: str) -> None:
    """The first word is half written: others that begin differently are not offered."""
    commands = offered(shell, "con")
    assert ("config" in commands, "consent" in commands, "results" in commands) == (True, True, False)
    assert "validate" in offered(shell, "config", "")
    assert "--dry-run" in offered(shell, "config", "apply", "--d")


@pytest.mark.parametrize("shell", SHELLS)
def test_without_a_letter_every_command_is_offered(offered: Asking, shell: str) -> None:
    commands = offered(shell, "")
    assert [name for name in root.COMMANDS if name not in commands] == []


@pytest.mark.parametrize(
    ("words", "values"),
    [
        (("results", "--status", "de"), {"delivered", "delegated"}),
        (("dead-letters", "list", "--reason", "not"), {"not_json", "not_a_cloudevent"}),
        (("template", "render", "--name", ""), {"key_is_ready", "doorcode_is_changed"}),
        (("run", "--role", ""), {"ingest", "engine", "webhooks"}),
        (("config", "apply", "dep"), set()),
    ],
)
def test_values_that_are_known_are_offered_and_files_are_left_to_the_shell(
    offered: Asking, words: tuple[str, ...], values: set[str]
) -> None:
    assert set(offered("bash", *words).split()) == values


@pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash")
def test_bash_completes_after_the_script_was_read() -> None:
    told = subprocess.run(
        ["bash", "--norc", "-euc", IN_BASH], env=PLAIN | {"PATH": f"{COMMAND.parent}:{os.environ['PATH']}"},
        capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    registered, replies = told.stdout.splitlines()
    assert registered.startswith("complete -o default -F ")  # default: where nothing is offered, files are
    assert replies.split() == ["variables"]


IN_BASH = """\
source <(_NOTIFIER_COMPLETE=source_bash notifier)
complete -p notifier
COMP_WORDS=(notifier template var) COMP_CWORD=2
_notifier_completion notifier
echo "${COMPREPLY[@]}"
"""
