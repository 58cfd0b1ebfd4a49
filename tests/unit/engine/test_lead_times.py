"""When a key's first text is due: its start less the tenant's lead, in absolute time (seed A5, A6)."""

from __future__ import annotations

from typing import Any

from tests.unit.engine.harness import DAY, START, Shell, connection, key, person, tenant, time_of

HOUR = 3600.0
TOMORROW = START + DAY


def hotel(lead: str | None = "2h", **fields: Any) -> Shell:
    return Shell([tenant(timing={"lead": lead}, **fields), connection()]).own()


def sent_by(shell: Shell, moment: float) -> int:
    """Let it be `moment`; returns how many texts went out until then."""
    shell.pass_time(moment - shell.now)
    return len(shell.sends)


def test_a_text_goes_out_when_it_is_due_and_not_before() -> None:
    shell = hotel()
    shell.key_event("key.ready", key(starts=TOMORROW))
    assert shell.said() == [("scheduled", "lead_time")]
    assert shell.data()["times"]["due"] == time_of(TOMORROW - 2 * HOUR).replace("+00:00", ".000Z")
    assert sent_by(shell, TOMORROW - 2 * HOUR - 1.0) == 0
    assert sent_by(shell, TOMORROW - 2 * HOUR) == 1


def test_a_lead_that_lies_in_the_past_sends_at_once() -> None:
    shell = hotel()
    shell.key_event("key.ready", key(starts=START + HOUR))
    assert len(shell.sends) == 1


def test_without_a_lead_a_text_goes_out_as_soon_as_the_key_is_ready() -> None:
    shell = hotel(lead=None)
    shell.key_event("key.ready", key(starts=TOMORROW))
    assert len(shell.sends) == 1


def test_a_lead_of_nothing_sends_at_the_start_of_the_key() -> None:
    shell = hotel(lead="0s")
    shell.key_event("key.ready", key(starts=TOMORROW))
    assert sent_by(shell, TOMORROW - 1.0) == 0
    assert sent_by(shell, TOMORROW) == 1


def test_a_key_that_is_moved_later_is_told_later() -> None:
    shell = hotel()
    shell.key_event("key.ready", key(starts=TOMORROW))
    shell.key_event("key.updated", key(2, starts=TOMORROW + DAY))
    assert sent_by(shell, TOMORROW + DAY - 2 * HOUR - 1.0) == 0
    assert sent_by(shell, TOMORROW + DAY - 2 * HOUR) == 1


def test_a_key_that_is_moved_earlier_is_told_earlier() -> None:
    shell = hotel()
    shell.key_event("key.ready", key(starts=TOMORROW))
    shell.key_event("key.updated", key(2, starts=TOMORROW - 6 * HOUR))
    assert sent_by(shell, TOMORROW - 8 * HOUR) == 1
    assert sent_by(shell, TOMORROW + HOUR) == 1


def test_the_text_of_a_moved_key_names_the_event_that_moved_it() -> None:
    shell = hotel()
    shell.key_event("key.ready", key(starts=TOMORROW))
    event = shell.key_event("key.updated", key(2, starts=TOMORROW + DAY))
    shell.pass_time(2 * DAY)
    shell.answer()
    assert shell.data()["cause"] == {"event": {"id": event, "source": "/test", "type": "key.updated"}}


def test_moving_a_key_that_was_told_tells_nothing_more() -> None:
    shell = hotel()
    shell.key_event("key.ready", key(starts=START + HOUR))
    shell.answer()
    shell.key_event("key.updated", key(2, starts=TOMORROW))
    assert sent_by(shell, TOMORROW + HOUR) == 1


def test_a_longer_lead_moves_what_already_waits_forward() -> None:
    shell = hotel()
    shell.key_event("key.ready", key(starts=TOMORROW))
    shell.configure([tenant(timing={"lead": "5h"}), connection()])
    assert sent_by(shell, TOMORROW - 5 * HOUR - 1.0) == 0
    assert sent_by(shell, TOMORROW - 5 * HOUR) == 1


def test_a_shorter_lead_moves_what_already_waits_back() -> None:
    shell = hotel()
    shell.key_event("key.ready", key(starts=TOMORROW))
    shell.configure([tenant(timing={"lead": "1h"}), connection()])
    assert sent_by(shell, TOMORROW - HOUR - 1.0) == 0
    assert sent_by(shell, TOMORROW - HOUR) == 1


def test_a_lead_of_another_tenant_moves_nothing() -> None:
    other = [tenant("inn"), connection("inn")]
    shell = Shell([tenant(timing={"lead": "2h"}), connection(), *other]).own()
    shell.key_event("key.ready", key(starts=TOMORROW))
    shell.configure(
        [tenant(timing={"lead": "2h"}), connection(), tenant("inn", timing={"lead": "9h"}), connection("inn")]
    )
    assert shell.said() == [("scheduled", "lead_time")]
    assert sent_by(shell, TOMORROW - 2 * HOUR - 1.0) == 0


def test_a_credential_that_comes_before_the_due_time_waits_for_that() -> None:
    shell = hotel()
    shell.key_event("key.ready", key(code=None, starts=TOMORROW))
    shell.key_event("key.updated", key(2, starts=TOMORROW))
    assert shell.said() == [("held", "awaiting_credential"), ("scheduled", "lead_time")]
    assert sent_by(shell, TOMORROW - 2 * HOUR - 1.0) == 0
    assert sent_by(shell, TOMORROW - 2 * HOUR) == 1


def test_a_credential_that_comes_behind_the_due_time_is_told_at_once() -> None:
    shell = hotel()
    shell.key_event("key.ready", key(code=None, starts=TOMORROW))
    assert sent_by(shell, TOMORROW - HOUR) == 0
    shell.key_event("key.updated", key(2, starts=TOMORROW))
    assert len(shell.sends) == 1


def test_a_text_that_waits_for_its_time_holds_no_other_text_to_the_person() -> None:
    shell = hotel()
    shell.key_event("key.ready", key(name="k1", starts=TOMORROW))
    shell.key_event("key.ready", key(name="k2", starts=START))
    assert len(shell.sends) == 1


def test_a_changed_code_is_told_without_any_lead() -> None:
    shell = hotel()
    shell.key_event("key.ready", key(starts=START + HOUR))
    shell.answer()
    shell.pass_time(1.0)
    shell.key_event("doorcode.changed", key(2, code="7777", starts=TOMORROW))
    assert ["7777" in request.body for request in shell.sends] == [False, True]


def test_the_due_time_outlives_a_restart() -> None:
    shell = hotel()
    shell.key_event("key.ready", key(starts=TOMORROW))
    successor = shell.successor()
    assert sent_by(successor, TOMORROW - 2 * HOUR - 1.0) == 0
    assert sent_by(successor, TOMORROW - 2 * HOUR) == 1


def test_a_text_that_came_due_without_an_owner_goes_out_when_there_is_one() -> None:
    shell = hotel()
    shell.key_event("key.ready", key(starts=TOMORROW, persons=[person()]))
    shell.now = TOMORROW
    assert len(shell.successor().sends) == 1
