"""Watching: shown at once, and again after every save, however the editor saves."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from notifier.commands import watching


class Looks:
    """Stands for the pauses between looks: at each, the next thing happens; when there is none, Ctrl-C is pressed."""

    def __init__(self, *happenings: Callable[[], object]) -> None:
        self._happenings = list(happenings)

    def sleep(self, _seconds: float) -> None:
        if not self._happenings:
            raise KeyboardInterrupt
        self._happenings.pop(0)()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    (tmp_path / "draft.txt").write_text("first")
    return tmp_path / "draft.txt"


def watched(
    path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *happenings: Callable[[], object]
) -> list[str]:
    monkeypatch.setattr(watching, "time", Looks(*happenings))
    watching.watch_files([path], lambda: [path.read_text() if path.exists() else "away"])
    return capsys.readouterr().out.splitlines()


def test_it_is_shown_once_while_nothing_is_saved(
    path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert watched(path, monkeypatch, capsys, lambda: None, lambda: None) == ["first"]


def test_a_save_in_place_is_shown(
    path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert watched(path, monkeypatch, capsys, lambda: path.write_text("second")) == ["first", "second"]


def test_a_save_by_a_new_file_is_shown_even_of_the_same_size_and_time(
    path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def replace() -> None:
        new = path.with_suffix(".new")
        new.write_text("other")
        before = path.stat()
        os.utime(new, ns=(before.st_atime_ns, before.st_mtime_ns))
        new.replace(path)

    assert watched(path, monkeypatch, capsys, replace) == ["first", "other"]


def test_a_file_that_is_away_for_a_moment_ends_nothing(
    path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    told = watched(path, monkeypatch, capsys, path.unlink, lambda: path.write_text("back"))
    assert told == ["first", "away", "back"]
