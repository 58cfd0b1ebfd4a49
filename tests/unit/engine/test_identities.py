"""An event is accepted once, and what it left behind goes when it may (design section 2, rules 6 and 8)."""

from __future__ import annotations

from typing import Any

from tests.unit.engine.harness import Shell, connection, key, tenant


def hotel(**settings: Any) -> Shell:
    return Shell([tenant(), connection()], **settings).own()


def tombstoned(shell: Shell) -> list[str]:
    return [record.key for batch in shell.batches for record in batch if record.value is None]


def test_a_finished_text_leaves_only_its_identity() -> None:
    """Final, published, in a page: then tombstoned; the same event again is still known."""
    shell = hotel(page_after=60.0)
    event = shell.key_event("key.ready", key())
    name = shell.sends[0].notification_id
    shell.answer()
    shell.callback("delivered")
    shell.results_acknowledged()
    shell.pass_time(61.0)
    assert f"n/{name}" in tombstoned(shell)
    assert len(shell.partition.state.notifications) == 0
    shell.key_event("key.ready", key(2, name="k2"), id_=event)
    assert len(shell.sends) == 1
    assert shell.types() == ["notification.accepted", "notification.delivered"]


def test_a_repeated_event_is_not_even_told() -> None:
    shell = hotel()
    event = shell.key_event("key.ready", key())
    shell.key_event("key.ready", key(2), id_=event)
    assert len(shell.sends) == 1
    assert shell.published == []
