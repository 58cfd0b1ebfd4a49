"""The one clock: wall time that is never set back."""

from __future__ import annotations

import time

import pytest

from notifier.app.clock import Clock


def test_setting_the_wall_clock_changes_nothing_for_a_running_process(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    before = clock.now()
    assert abs(before - time.time()) < 60
    monkeypatch.setattr(time, "time", lambda: 0.0)
    assert clock.now() >= before
